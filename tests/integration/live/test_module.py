# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_live_sync: the process behind it from one call to the next, its end, and what is left of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import is_alive, process_identity
from tests.conftest import soak
from tests.support import dataset
from tests.support.attempt import until
from tests.support.certs import Authority
from tests.support.faultproxy import FaultProxy
from tests.support.leaks import Watch, files_below
from tests.support.leaks import found as leaked
from tests.support.oracle import compare, report
from tests.support.paths import REPO
from tests.support.replies import without_section
from tests.support.run import ModuleRun, run_module, run_playbook
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend
from tests.support.writers import Writers

from .conftest import SharedServer

SECRET = "SENTINEL-redis-password"


class Live:
    """Calls of the module about one source and one target, by a playbook that is `owner`."""

    def __init__(self, source: RedisServer, target: RedisServer, parent: Path, options: dict[str, Any]) -> None:
        self.source, self.target = source, target
        self.owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.options = {
            "source": source.endpoint(),
            "target": target.endpoint(),
            "owner": {"pid": self.owner.pid, "identity": process_identity(self.owner.pid)},
            **options,
        }
        self.directory = parent / f"redis-migration-live-{os.getuid()}"

    def __call__(self, state: str, **options: Any) -> ModuleRun:
        return run_module("redis_live_sync", wait=120, **{"state": state, **self.options, **options})

    def state(self) -> dict[str, Any]:
        (path,) = self.directory.glob("*.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def process(self) -> tuple[int, str]:
        state = self.state()
        return state["pid"], state["identity"]

    def assert_nothing_left(self, process: tuple[int, str], seconds: float = 20) -> None:
        until(lambda: not is_alive(*process) and not self.directory.exists(), seconds)
        for server in (self.source, self.target):
            if server.running:
                with server.admin() as client:
                    until(lambda: not any("redis_migration" in one["name"] for one in client.client_list()), 5)

    def assert_equal(self) -> None:
        found = compare(self.source, self.target)
        assert not found, report(found)

    def close(self) -> None:
        self.owner.kill()
        self.owner.communicate()
        until(lambda: not self.directory.exists(), 20)


LiveFactory = Callable[..., Live]


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveFactory]:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    made: list[Live] = []

    def make(first: RedisServer, second: RedisServer, **options: Any) -> Live:
        made.append(Live(first, second, tmp_path, options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_every_acknowledged_write_is_there(live: LiveFactory, shared_server: SharedServer) -> None:
    source, target = shared_server("redis-6.2"), shared_server("redis-8.2", 2)
    for number in (0, 3):
        dataset.fill_benchmark(source.client(number), "mixed", 1500)
    sync = live(source, target)
    planned = run_module("redis_live_sync", check=True, state="started", **sync.options).ok
    assert (planned["changed"], planned["following"]) == (True, False)
    assert not list(sync.directory.glob("*"))
    began = time.time()
    with Writers(source, databases=(0, 3, 7)) as writers:
        started = sync("started").ok
        assert (started["changed"], started["following"], started["feeds"]) == (True, True, 1)
        process = sync.process()
        assert not sync("started").ok["changed"]
        assert sync.process() == process
        caught_up = sync("caught_up", patience_seconds=30).ok
        assert caught_up["copied"] and caught_up["finished"]
        assert caught_up["keys_done"] == caught_up["keys_all"] >= 3000
        while not caught_up["changes_per_second"]:  # it takes a second to tell
            caught_up = sync("caught_up", patience_seconds=30).ok
        assert caught_up["lag_seconds"] <= 5
        writers.stop()
        log = Path(caught_up["log"])
        assert "Begin to follow the source 127.0.0.1" in log.read_text()
        drained = sync("drained").ok
    sync.assert_equal()
    assert drained["proved"] and drained["changed"] and not drained["following"]
    assert drained["verified"]["in_drain"] > 0
    assert drained["verified"]["unchanged_since"] > 0
    assert sum(drained["verified"].values()) == drained["source_keys"]
    assert 0 < drained["drain_seconds"] < 30
    assert began < drained["last_change"] < time.time()
    assert drained["totals"]["failed"] == 0 < drained["totals"]["moved"]
    assert drained["lag_over_time"]
    sync.assert_nothing_left(process)
    assert not sync("stopped").ok["changed"]
    assert "No process here follows the source" in sync("drained").message

    # Once more, and nothing is left to be done.
    sync("started")
    sync("caught_up")
    assert not sync("drained").ok["changed"]


def test_a_killed_process_is_named_and_a_new_start_finishes(live: LiveFactory, shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)
    dataset.fill_benchmark(source.client(), "mixed", 1000)
    sync = live(source, target)
    sync("started")
    process = sync.process()
    os.kill(process[0], signal.SIGKILL)
    until(lambda: not is_alive(*process))
    message = sync("caught_up").message
    assert "was killed" in message and "Start it again" in message
    sync.assert_nothing_left(process)

    sync("started")
    os.kill(sync.process()[0], signal.SIGKILL)
    source.client().set("string:later", "written while nobody followed")
    again = sync("started").ok
    assert again["changed"] and "was killed" in str(again["warnings"])
    sync("caught_up")
    assert sync("drained").ok["proved"]
    sync.assert_equal()


def test_it_ends_with_its_playbook_whatever_it_waits_for(
    live: LiveFactory, redis_server: Callable[..., RedisServer]
) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    dataset.fill_benchmark(source.client(), "strings100", 2000)
    sync = live(source, target, max_keys_per_second=50)
    sync("started")
    process = sync.process()
    source.pause()
    sync.owner.kill()
    sync.owner.communicate()
    until(lambda: not is_alive(*process), 30)
    source.resume()
    sync.assert_nothing_left(process)


def test_where_the_playbook_cannot_be_seen_it_ends_when_nobody_asks(
    live: LiveFactory, shared_server: SharedServer
) -> None:
    sync = live(shared_server("redis-7.0"), shared_server("redis-8.2", 2), owner=None)
    sync("started", lease_seconds=3)
    process = sync.process()
    sync.assert_nothing_left(process)


def test_one_follows_at_a_time(live: LiveFactory, shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)
    source.client().set("a", 1)
    sync, other = live(source, target), live(source, target)
    sync("started")
    sync("caught_up")
    assert "Another playbook" in other("started").message
    assert "with other options" in sync("started", match=["a*"]).message
    refused = run_module("redis_migrate_keys", source=source.endpoint(), target=target.endpoint())
    assert "Another run is writing to database 0" in refused.message
    elsewhere = live(shared_server("redis-6.2"), target)
    assert "Another run is writing to database" in elsewhere("started", databases=[0]).message
    assert sync("stopped").ok["changed"]


def test_what_does_not_converge_says_the_two_rates(live: LiveFactory, shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)
    sync = live(source, target, max_keys_per_second=15)
    with Writers(source, databases=(0,), keys=8):
        sync("started")
        run = sync("caught_up", max_lag_seconds=0.5, patience_seconds=2)
    assert "Changes come faster than they can be carried over" in run.message
    assert "changed keys a second, and" in run.message
    assert run.result["changes_per_second"] > run.result["carried_per_second"]
    assert run.result["following"]


@pytest.mark.soak
def test_slices_are_as_one_call(live: LiveFactory, shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)
    dataset.fill_benchmark(source.client(), "strings100", 400)
    sync = live(source, target, max_keys_per_second=80)
    sync("started")
    slices, result = 0, {"finished": False, "resume": ""}
    while not result["finished"]:
        result = sync("caught_up", slice_seconds=0.2, resume=result["resume"]).ok
        slices += 1
    assert slices > 1
    assert result["keys_done"] == 400


def test_keys_of_others_at_the_target_are_listed(live: LiveFactory, shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)
    source.client().set("mine", 1)
    target.client().set("theirs\n", 1)
    sync = live(source, target)
    sync("started")
    sync("caught_up")
    run = sync("drained")
    assert "The target holds 1 keys that the source does not have" in run.message
    assert [one["key"] for one in run.result["extra"]] == ["theirs\\n"]
    assert not run.result["proved"] and run.result["following"]
    assert "start it with 'prune: true'" in run.message


def test_a_server_that_goes_away_is_named_at_the_next_call(
    live: LiveFactory, redis_server: Callable[..., RedisServer]
) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    source.client().set("a", 1)
    sync = live(source, target, timeout=0.5)
    sync("started")
    sync("caught_up")
    process = sync.process()
    source.stop()
    until(lambda: sync.state()["phase"] == "failed", 20)
    drained = sync("drained")
    message = drained.message
    assert "The process that follows the source" in message and "has failed" in message and "refused" in message
    assert drained.result["totals"]["moved"] == 1 and not drained.result["following"]
    sync.assert_nothing_left(process)
    assert "refused" in sync("started").message
    assert not sync.directory.exists()


def test_it_warns_where_everything_is_compared_in_the_drain(
    live: LiveFactory, shared_server: SharedServer, fault_proxy: Callable[..., FaultProxy]
) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)
    source.client().set("a", 1)
    proxy = fault_proxy(source.port, redis=True)
    proxy.rewrite_reply("INFO", without_section(b"commandstats"))
    sync = live(source, target, source=source.endpoint(port=proxy.port))
    started = sync("started").ok
    assert "does not count its commands" in started["compares_in_drain"]
    assert "compared once more while the applications stand still" in str(started["warnings"])
    sync("caught_up")
    drained = sync("drained").ok
    assert drained["verified"]["in_drain"] == 1
    assert drained["databases"] == {"0": {"source_keys": 1, "target_keys": 1}}


def test_tls_and_users_with_the_documented_permissions(
    live: LiveFactory,
    redis_server: Callable[..., RedisServer],
    tls_frontend: Callable[..., TlsFrontend],
    authority: Authority,
) -> None:
    page = (REPO / "docs" / "permissions.md").read_text()
    at_source, at_target = (
        " ".join(page.split(f"```{name}\n")[1].split("```")[0].split()) for name in ("acl-source", "acl-target")
    )
    ends = []
    for name, rules in (
        ("redis-7.0", f"{at_source} +pexpiretime +client|tracking"),
        ("redis-8.2", f"{at_target} +pexpiretime +hpexpiretime +hpexpireat +hscan +restore +mset +msetnx"),
    ):
        server = redis_server(
            name, acl_lines=["user admin on >admin ~* &* +@all", f"user mover on >{SECRET} ~* {rules}"]
        )
        front = tls_frontend(server.port)
        ends.append((server, {
            "host": "127.0.0.1", "port": front.port, "username": "mover", "password": SECRET, "tls": True,
            "ca_certs": str(authority.ca_file),
        }))  # fmt: skip
    (source, here), (target, there) = ends
    dataset.fill(source.client, databases=(0,))
    sync = live(source, target, source=here, target=there)
    with Writers(source, databases=(0,)) as writers:
        started = sync("started")
        pid, _identity = sync.process()
        for place in ("cmdline", "environ"):
            assert SECRET.encode() not in Path(f"/proc/{pid}/{place}").read_bytes()
        sync("caught_up", patience_seconds=30)
        writers.stop()
        left = [path.read_text() for path in sync.directory.iterdir()]
        assert len(left) >= 3
        drained = sync("drained")
    assert drained.ok["proved"]
    sync.assert_equal()
    assert SECRET not in "".join([*left, str(started), str(drained)])


def test_a_user_without_the_feed_is_told_what_is_missing(
    live: LiveFactory, redis_server: Callable[..., RedisServer]
) -> None:
    source = redis_server("redis-7.0", acl_lines=[f"user mover on >{SECRET} ~* +@all -client|tracking"])
    target = redis_server("redis-8.2")
    sync = live(source, target, source=source.endpoint(username="mover", password=SECRET))
    for run in (sync("started"), run_module("redis_live_sync", check=True, state="started", **sync.options)):
        assert "it gives no feed of changes" in run.message and "+client|tracking" in run.message
    assert not sync.directory.exists() or not list(sync.directory.iterdir())


@pytest.mark.parametrize("watched", [False, soak(True)])
def test_a_play(watched: bool, shared_server: SharedServer, tmp_path: Path) -> None:
    """By the names of the collection, through the action plugin; the process ends with the playbook that did not stop it.

    Nothing that it shows or leaves holds a password; `watched`, nor does anything that others could see meanwhile.
    """
    source, target = shared_server("redis-6.2"), shared_server("redis-8.2", 2)
    dataset.fill_benchmark(source.client(3), "strings100", 400)
    sync = "dataservices.redis_migration.redis_live_sync"
    secrets = {"the source's": SECRET, "the target's": SECRET.replace("S", "T")}
    for server, password in zip((source, target), secrets.values(), strict=True):
        server.admin().execute_command("ACL", "SETUSER", "mover", "reset", "on", f">{password}", "~*", "&*", "+@all")
    here, there = (
        server.endpoint(username="mover", password=password)
        for server, password in zip((source, target), secrets.values(), strict=True)
    )
    ends = {"source": here, "target": there, "log_path": str(tmp_path / "log")}
    slowly = {**ends, "databases": [0], "max_keys_per_second": 20}
    hurried = {"max_lag_seconds": 0, "patience_seconds": 1, "progress_seconds": 0.3}
    ask, done = tmp_path / "stop", tmp_path / "stopped"
    tasks: list[dict[str, Any]] = [
        {sync: {**slowly, "state": "started"}},
        {sync: {**slowly, **hurried, "state": "caught_up"}, "register": "behind", "failed_when": "behind is success"},
        {sync: {**slowly, "state": "stopped"}},
        {"ansible.builtin.file": {"path": str(ask), "state": "touch"}},
        {"ansible.builtin.wait_for": {"path": str(done)}},
        # What the first process copied and the source has deleted meanwhile is to go.
        {sync: {**ends, "state": "started", "prune": True}},
        {sync: {**ends, "state": "caught_up"}},
        {sync: {**ends, "state": "drained"}, "register": "drained"},
        {"ansible.builtin.assert": {"that": ["drained.lag_over_time | map('last') | max < 60"]}},
        {"ansible.builtin.assert": {"that": ["drained.proved", "drained.verified.unchanged_since >= 400"]}},
        {sync: {**ends, "state": "started"}},
    ]
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]
    watch = Watch([tmp_path])
    with watch if watched else contextlib.nullcontext(), Writers(source, databases=(0,), keys=3) as writers:

        def stop_when_asked() -> None:
            until(ask.exists, 120)
            writers.stop()
            done.touch()

        stopping = threading.Thread(target=stop_when_asked, daemon=True)
        stopping.start()
        run = run_playbook(play, {}, "-vvvv", environment={"XDG_RUNTIME_DIR": str(tmp_path)}).ok
        stopping.join()
    assert "localhost: following: " in run.output and "changes/s at the source, lag " in run.output
    assert "Proved equal after" in (tmp_path / "log").read_text()
    until(lambda: not (tmp_path / f"redis-migration-live-{os.getuid()}").exists(), 30)
    assert not any(":writes:" in one["name"] for one in target.admin().client_list())
    assert watched == any(b'"phase"' in content for _where, content in watch.traces)
    assert leaked(secrets, [*watch.traces, *files_below(tmp_path), ("the output", run.output.encode())]) == []
    found = compare(source, target)
    assert not found, report(found)
