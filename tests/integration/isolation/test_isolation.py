# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_isolation: who is there, waiting until nobody is, holding back writes, letting go."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.attempt import until
from tests.support.run import ModuleRun, StartedModule, run_module, run_playbook
from tests.support.servers import RedisServer
from tests.support.started_playbook import started_playbook

ServerFactory = Callable[..., RedisServer]

SERVERS = ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-9"]


def isolation(server: RedisServer, *, check: bool = False, **options: Any) -> ModuleRun:
    return run_module("redis_isolation", check=check, endpoint=options.pop("endpoint", server.endpoint()), **options)


def warnings(run: ModuleRun) -> str:
    return str(run.result.get("warnings", ""))


@contextmanager
def application(server: RedisServer, name: str = "shop", every: float = 0) -> Iterator[redis.Redis]:
    """A connected application; it writes all the time if `every` so many seconds."""
    done = threading.Event()
    with server.client(client_name=name, retry=None) as client:
        client.ping()

        def write() -> None:
            with suppress(redis.RedisError):
                while not done.wait(every):
                    client.incr("counter")

        thread = threading.Thread(target=write)
        if every:
            thread.start()
        try:
            yield client
        finally:
            done.set()
            if every:
                thread.join()


@contextmanager
def waiting_write(client: redis.Redis, key: str) -> Iterator[list[Any]]:
    """A write that the application has sent; yields what came of it, once it is known."""
    outcome: list[Any] = []

    def write() -> None:
        try:
            outcome.append(client.set(key, "late"))
        except redis.RedisError as error:
            outcome.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(0.3)
    yield outcome
    thread.join(20)
    assert not thread.is_alive()


# -- waiting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVERS)
def test_nobody_is_there(redis_server: ServerFactory, name: str) -> None:
    server = redis_server(name)
    run = isolation(server, quiet_seconds=0.5)
    assert run.ok["isolated"] is True
    assert run.ok["changed"] is False
    assert run.ok["clients"] == []
    assert run.ok["writes"] == 0
    assert run.ok["waited_seconds"] >= 0.5


def test_it_waits_until_the_last_one_has_gone(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2")
    with application(server, every=0.02):
        started = StartedModule("redis_isolation", {"endpoint": server.endpoint(), "quiet_seconds": 0.5, "timeout": 60})
        time.sleep(2)
    run = started.wait(60)
    assert run.ok["isolated"] is True
    assert run.ok["writes"] > 0
    assert run.ok["waited_seconds"] > 0.5


@pytest.mark.parametrize("name", SERVERS)
def test_who_is_still_there_is_named(redis_server: ServerFactory, name: str) -> None:
    server = redis_server(name)
    with application(server), application(server, "cron", every=0.02):
        run = isolation(server, timeout=1)
    assert "2 clients" in run.message
    assert "'shop'" in run.message
    assert "'cron'" in run.message
    assert "write commands while waiting" in run.message
    assert run.result["isolated"] is False
    assert {client["name"] for client in run.result["clients"]} == {"shop", "cron"}
    assert all(client["address"].startswith("127.0.0.1:") for client in run.result["clients"])


def test_the_service_itself_and_we_are_no_applications(redis_server: ServerFactory) -> None:
    server, replica, target = redis_server("redis-8.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    replica.replicaof(server)
    with server.client() as client:
        client.mset({f"key:{number}": number for number in range(2000)})
    ours = StartedModule(
        "redis_migrate_keys", {"source": server.endpoint(), "target": target.endpoint(), "max_keys_per_second": 200}
    )
    try:
        with application(server, "sentinel-0123456789abcdef0123-cmd"):
            run = isolation(server, quiet_seconds=0.3)
    finally:
        ours.kill()
        ours.wait()
    assert run.ok["isolated"] is True
    # The other way round: a primary's link to a replica that is asked.
    assert isolation(replica, quiet_seconds=0.3).ok["clients"] == []


@pytest.mark.parametrize("rule", [{"name": "exp*"}, {"address": "127.0.0.1:*"}, {"user": "watch"}])
def test_monitoring_may_stay(redis_server: ServerFactory, rule: dict[str, str]) -> None:
    server = redis_server("redis-8.2", acl_lines=["user watch on >pw +@all"])
    with server.client(client_name="exporter", username="watch", password="pw") as client:
        client.ping()
        end = server.endpoint(username="watch", password="pw")
        assert isolation(server, endpoint=end, timeout=0.3, ignore=[{**rule, "name": "other"}]).result["failed"]
        run = isolation(server, endpoint=end, quiet_seconds=0.3, ignore=[rule])
        assert run.ok["isolated"] is True
        client.ping()


def test_disconnecting_by_rule(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2")
    replica = redis_server("redis-8.2")
    replica.replicaof(server)
    with application(server) as shop, application(server, "exporter") as exporter:
        options = {"disconnect": [{"address": "*"}], "ignore": [{"name": "exporter"}], "quiet_seconds": 0.3}
        known = shop.client_id()
        planned = isolation(server, check=True, **options)
        assert [client["name"] for client in planned.ok["disconnected"]] == ["shop"]
        assert planned.ok["changed"] is True
        assert shop.client_id() == known
        run = isolation(server, **options)
        assert run.ok["isolated"] is True
        assert run.ok["changed"] is True
        assert [client["name"] for client in run.ok["disconnected"]] == ["shop"]
        assert run.ok["disconnected"][0]["id"] == known
        assert known not in {int(client["id"]) for client in exporter.client_list()}
        assert isolation(server, **options).ok["changed"] is False
    with server.client() as client:
        assert client.info("replication")["connected_slaves"] == 1


def test_an_empty_rule_is_refused(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2")
    with application(server) as client:
        assert "'disconnect'" in isolation(server, disconnect=[{}]).message
        client.ping()


def test_a_user_who_may_not_see_clients_waits_for_writes_only(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2", acl_lines=["user reader on >pw ~* +@all -client|list -command"])
    end = server.endpoint(username="reader", password="pw")
    with application(server):
        run = isolation(server, endpoint=end, quiet_seconds=0.5)
    assert run.ok["isolated"] is True
    assert run.ok["clients"] is None
    assert run.ok["writes"] is None
    assert "CLIENT LIST" in warnings(run)
    assert "count of changes" in warnings(run)
    with application(server, every=0.02):
        run = isolation(server, endpoint=end, quiet_seconds=0.5, timeout=1)
    assert "last written to" in run.message


def test_a_user_who_may_not_disconnect_is_told(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2", acl_lines=["user reader on >pw ~* +@all -client|kill -client|pause"])
    end = server.endpoint(username="reader", password="pw")
    with application(server):
        run = isolation(server, endpoint=end, disconnect=[{"address": "*"}])
    assert "client|kill" in run.message
    assert "'reader'" in run.message
    assert "client|pause" in isolation(server, endpoint=end, state="paused").message


def test_times_that_make_no_sense(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2")
    assert "timeout" in isolation(server, timeout=-1).message
    assert "timeout is nan" in isolation(server, timeout="nan").message
    for seconds in (0, 86_401, "nan"):
        assert f"pause_seconds is {seconds}" in isolation(server, state="paused", pause_seconds=seconds).message


# -- holding back writes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SERVERS)
def test_writes_are_held_back_and_let_go(redis_server: ServerFactory, name: str) -> None:
    server = redis_server(name)
    with application(server) as client:
        client.set("before", 1)
        assert isolation(server, check=True, state="paused").ok["changed"] is True
        client.set("before", 2)
        run = isolation(server, state="paused", pause_seconds=60)
        assert (run.ok["changed"], run.ok["paused"]) == (True, True)
        assert [one["name"] for one in run.ok["clients"]] == ["shop"]
        # Again: nothing changes, but it lasts longer now.
        assert isolation(server, state="paused", pause_seconds=60).ok["changed"] is False
        assert client.get("before") == b"2"
        with waiting_write(server.client(client_name="late"), "after") as outcome:
            assert outcome == []
            run = isolation(server, state="released")
        assert (run.ok["changed"], run.ok["paused"]) == (True, False)
        # The write that waited has run here, which the operator has to know.
        assert "'late'" in warnings(run)
        assert client.get("after") == b"late"
        run = isolation(server, state="released")
        assert (run.ok["changed"], run.ok["paused"]) == (False, False)
        assert warnings(run) in ("", "None")


@pytest.mark.parametrize("name", SERVERS)
def test_who_is_cut_off_with_the_release_writes_nothing_more(redis_server: ServerFactory, name: str) -> None:
    server = redis_server(name)
    isolation(server, state="paused", pause_seconds=60)
    with waiting_write(server.client(client_name="late", retry=None), "after") as outcome:
        planned = isolation(server, check=True, state="released", disconnect=[{"address": "*"}])
        assert [one["name"] for one in planned.ok["disconnected"]] == ["late"]
        assert outcome == []
        run = isolation(server, state="released", disconnect=[{"address": "*"}])
    assert [one["name"] for one in run.ok["disconnected"]] == ["late"]
    assert isinstance(outcome[0], redis.ConnectionError)
    assert warnings(run) in ("", "None")
    with server.client() as client:
        assert client.get("after") is None
        client.set("writes", "go on")


def test_a_pause_ends_by_itself(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2")
    isolation(server, state="paused", pause_seconds=2)
    with server.client() as client:
        begin = time.monotonic()
        client.set("after", 1)
        assert time.monotonic() - begin < 10
    assert isolation(server, state="released").ok["changed"] is False


def test_copying_goes_on_while_writes_are_held_back(server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    with source.client() as client:
        client.mset({f"key:{number}": number for number in range(500)})
    isolation(source, state="paused", pause_seconds=120)
    run = run_module("redis_migrate_keys", source=source.endpoint(), target=target.endpoint(), strategy="copy")
    assert run.ok["totals"]["copied"] == 500
    assert run.seconds < 60


# -- holding back writes for the time of a playbook -------------------------------------------------------------------


class Writer:
    """An application that writes again and again; `.longest` is the most that it had to wait for one write."""

    def __init__(self, server: RedisServer) -> None:
        self._client = server.client(client_name="shop", retry=None, socket_timeout=None)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.longest = self.began = 0.0
        self.writes = 0

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join(20)
        assert not self._thread.is_alive(), "it is still held back"

    def _write(self) -> None:
        while not self._done.wait(0.01):
            self.began = time.monotonic()
            self._client.incr("counter")
            self.longest = max(self.longest, time.monotonic() - self.began)
            self.writes += 1

    @property
    def waiting(self) -> float:
        """For how long it has been waiting."""
        return time.monotonic() - self.began


def slow_migration(source: RedisServer, target: RedisServer, **variables: Any) -> dict[str, Any]:
    """3000 keys in three seconds."""
    with source.client() as client:
        client.mset({f"key:{number}": number for number in range(3000)})
    host = {
        "redis_migration_source": source.endpoint(),
        "redis_migration_target": target.endpoint(),
        "redis_migration_strategy": "copy",
        "redis_migration_isolate": "pause",
        "redis_migration_max_keys_per_second": 1000,
        "redis_migration_progress_seconds": 1,
        **variables,
    }
    return {"redis_migrations": {"hosts": {"orders": host}}}


def test_writes_are_held_back_until_a_long_migration_is_proved(
    server_pair: tuple[RedisServer, RedisServer], tmp_path: Path
) -> None:
    source, target = server_pair
    hosts = slow_migration(source, target, redis_migration_isolate_pause_seconds=2)
    with Writer(source) as writer:
        run = run_playbook("migrate", hosts, directory=tmp_path).ok
        assert "PROVED equal, 3,001 keys" in run.output
        written = writer.writes
        until(lambda: writer.writes > written, 10)
    assert writer.longest > 3.5, "longer than the pause would last by itself"
    with source.client() as client:
        before = client.get("counter")
        time.sleep(2.5)
        client.incr("counter")
        assert client.get("counter") == b"%d" % (int(before) + 1), "nobody renews it any more"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_writes_go_on_once_the_playbook_is_ended(
    how: signal.Signals, server_pair: tuple[RedisServer, RedisServer], tmp_path: Path
) -> None:
    source, target = server_pair
    hosts = slow_migration(source, target)
    with Writer(source) as writer, started_playbook("migrate", hosts, directory=tmp_path) as process:
        until(lambda: target.client().dbsize() > 50, 60)
        until(lambda: writer.waiting > 0.5, 15)
        os.killpg(process.pid, how)
        written = writer.writes
        until(lambda: writer.writes > written, 15)


def test_a_pause_that_would_hold_back_the_migration_is_refused(
    server_pair: tuple[RedisServer, RedisServer], tmp_path: Path
) -> None:
    source, target = server_pair
    hosts = slow_migration(source, target, redis_migration_strategy="migrate")
    run = run_playbook("migrate", hosts, "--skip-tags", "preflight", directory=tmp_path)
    assert run.returncode == 2 and "holds back all writes at the source, and MIGRATE is one" in run.output
    assert source.client().set("nobody", "waits") and target.client().dbsize() == 0


def test_writes_go_on_after_a_failure(server_pair: tuple[RedisServer, RedisServer], tmp_path: Path) -> None:
    source, target = server_pair
    limits = {"redis_migration_max_keys_per_second": 0, "redis_migration_databases": [0]}
    hosts = slow_migration(source, target, redis_migration_existing_keys="fail", **limits)
    hosts["redis_migrations"]["hosts"]["orders"]["redis_migration_preflight_ignore"] = ["target_keys"]
    with target.client() as client:
        client.set("key:7", "other")
    with Writer(source) as writer:
        run = run_playbook("migrate", hosts, "--skip-tags", "verify", directory=tmp_path)
        assert run.returncode == 2 and "1 of 3001 keys could not be moved" in run.output
        written = writer.writes
        until(lambda: writer.writes > written, 10)


def test_a_source_that_dies_meanwhile_is_told_in_the_report_too(
    server_pair: tuple[RedisServer, RedisServer], tmp_path: Path
) -> None:
    source, target = server_pair
    hosts = slow_migration(source, target, redis_migration_timeout=2)
    with started_playbook("migrate", hosts, directory=tmp_path):
        until(lambda: target.client().dbsize() > 50, 60)
        source.kill()
        report = tmp_path / "redis-migration-report" / "report.json"
        until(report.exists, 60)
    failure = json.loads(report.read_text())["migrations"][0]["failure"]
    assert failure["phase"] == "migrate" and "Nothing accepts connections at the source" in failure["message"]


def test_a_pause_is_renewed_between_slices_where_nobody_watches_it(redis_server: ServerFactory) -> None:
    """As on a worker that is another machine."""
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    with source.client() as client:
        client.mset({f"key:{number}": number for number in range(10_000)})
    ends = {"source": source.endpoint(), "target": target.endpoint(), "strategy": "copy", "max_keys_per_second": 2000}
    name = "dataservices.redis_migration."
    paused = {"endpoint": source.endpoint(), "state": "paused", "pause_seconds": 6}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [
            {f"{name}redis_isolation": paused, "register": "__redis_migration_pause"},
            {f"{name}redis_migrate_keys": ends},
        ],
    }
    assert run_playbook([play], {"all": {"hosts": {}}}).ok
    assert source.command_calls()["client|pause"] >= 3, "once by the task, then at the beginning and in between"
