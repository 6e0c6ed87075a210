# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two runs at once into the same target: the second one refuses; nobody is refused without need."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.engine import moved
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.run import StartedModule, run_module, run_playbook
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]

KEYS = 2000


@contextlib.contextmanager
def slow_run(source: RedisServer, target: RedisServer, **options: Any) -> Iterator[StartedModule]:
    """A run of the module that is writing to the target right now and would take about half a minute."""
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    started = StartedModule("redis_migrate_keys", {**ends, "max_keys_per_second": 70, **options})
    try:
        until(lambda: writers(target) and sum(found["keys"] for found in target.client().info("keyspace").values()))
        yield started
    finally:
        os.kill(started.pid, signal.SIGKILL)
        started.wait()


def writers(server: RedisServer) -> list[str]:
    """The names of the connections that write to it."""
    return [client["name"] for client in server.client().client_list() if ":writes:" in client["name"]]


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def assert_equal(source: RedisServer, target: RedisServer) -> None:
    found = compare(source, target)
    assert not found, report(found)


@pytest.fixture
def filled(server_pair: Pair) -> Pair:
    source, target = server_pair
    for database in (0, 3):
        dataset.fill_benchmark(source.client(database), "strings100", KEYS)
    return source, target


def test_the_second_run_refuses_and_a_killed_one_holds_nothing(filled: Pair) -> None:
    source, target = filled
    with slow_run(source, target):
        refused = run_module("redis_migrate_keys", source=source.endpoint(), target=target.endpoint())
        assert "Another run is writing to databases 0,3 of the target" in refused.message
        assert "run again" in refused.message
        assert moved(refused.result) == {}
    # Killed a moment ago: its connections are gone, so nothing is in the way.
    assert engine.migrate(source, target)["totals"]["copied"] > 0
    assert_equal(source, target)
    writes = target.write_calls()
    assert moved(engine.migrate(source, target)) == {"scanned": 2 * KEYS, "unchanged": 2 * KEYS}
    assert target.write_calls() == writes


def test_reading_and_planning_and_other_databases_go_on_beside_a_run(filled: Pair) -> None:
    source, target = filled
    with slow_run(source, target, databases=[0]):
        assert not engine.diff(source, target)["identical"]
        assert engine.migrate(source, target, check=True)["totals"]["scanned"] == 2 * KEYS
        assert moved(engine.migrate(source, target, databases=[3])) == {"scanned": KEYS, "copied": KEYS}
        into_another = engine.migrate(source, target, databases=[0], database_map={0: 7})
        assert into_another["totals"]["copied"] == KEYS
        with pytest.raises(engine.RedisMigrationError, match="database 0 of the target"):
            engine.migrate(source, target, databases=[3], database_map={3: 0})
        # Another target is nobody else's business.
        assert engine.migrate(target, source, databases=[7], database_map={7: 9})["totals"]["copied"] == KEYS


def test_slices_of_one_run_do_not_meet_each_other(filled: Pair) -> None:
    source, target = filled
    done, slices = engine.migrate_in_slices(source, target, 0.01, max_keys_per_second=10_000)
    assert slices > 1
    assert moved(done) == {"scanned": 2 * KEYS, "copied": 2 * KEYS}


def test_two_that_begin_together_take_turns_or_refuse(filled: Pair) -> None:
    source, target = filled
    ended: list[dict[str, Any] | Exception] = []
    gate = threading.Barrier(2)

    def one() -> None:
        gate.wait()
        try:
            ended.append(engine.migrate(source, target))
        except engine.RedisMigrationError as exc:
            ended.append(exc)

    threads = [threading.Thread(target=one) for _run in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [end for end in ended if isinstance(end, dict)]
    assert done, ended
    assert sum(end["totals"]["copied"] for end in done) == 2 * KEYS, "no key was moved twice"
    assert all("Another run" in str(end) for end in ended if not isinstance(end, dict))
    assert_equal(source, target)


def test_a_run_that_began_while_this_one_was_cut_off(filled: Pair, fault_proxy: Callable[..., FaultProxy]) -> None:
    source, target = filled
    proxy = fault_proxy(target.port)
    ended: list[Any] = []

    def first() -> None:
        try:
            ended.append(engine.migrate(source, target.endpoint(port=proxy.port), max_keys_per_second=400))
        except engine.RedisMigrationError as exc:
            ended.append(exc)

    thread = threading.Thread(target=first)
    thread.start()
    until(lambda: target.client().dbsize() > 0)
    proxy.refuse()
    proxy.cut_now()
    until(lambda: not writers(target))
    with slow_run(source, target):
        proxy.accept()
        thread.join()
    assert "Another run is writing" in str(ended[0])
    engine.migrate(source, target)
    assert_equal(source, target)


@pytest.mark.parametrize("missing", ["client|list", "client|setname"])
def test_where_others_cannot_be_seen_the_run_says_so(missing: str, filled: Pair, redis_server: ServerFactory) -> None:
    source, _target = filled
    target = redis_server("redis-8.2", acl_lines=[f"user mover on >pw ~* &* +@all -{missing}"])
    run = run_module(
        "redis_migrate_keys", source=source.endpoint(), target=target.endpoint(username="mover", password="pw")
    )
    assert run.ok["totals"]["copied"] == 2 * KEYS
    warning = " ".join(str(warning) for warning in run.ok["warnings"])
    assert "Whether another run writes to the same target cannot be seen" in warning
    assert missing.split("|")[1].upper() in warning.upper()


def test_a_restore_and_another_run_refuse_each_other(
    filled: Pair, fault_proxy: Callable[..., FaultProxy], tmp_path: Any
) -> None:
    source, target = filled
    options = {"src": str(tmp_path / "dump.rdb"), "existing_keys": "replace"}
    assert run_module("redis_backup", endpoint=source.endpoint(), dest=options["src"]).ok["changed"]
    with slow_run(source, target):
        run = run_module("redis_restore", endpoint=target.endpoint(), database_map={"3": 5}, **options)
        assert "Another run is writing to database 0 of the endpoint" in run.message
        assert "run again" in run.message
        assert run.result["totals"]["restored"] == 0
        assert target.client(5).dbsize() == 0
        elsewhere = {"databases": [3], "database_map": {"3": 7}}
        assert run_module("redis_restore", endpoint=target.endpoint(), **elsewhere, **options).ok["changed"]
        planned = run_module("redis_restore", check=True, endpoint=target.endpoint(), **options).ok
        assert planned["totals"]["restored"] == 2 * KEYS
    target.client().flushall()

    slow = fault_proxy(target.port, bandwidth=10_000)
    started = StartedModule("redis_restore", {"endpoint": target.endpoint(port=slow.port), **options})
    try:
        until(lambda: writers(target))
        with pytest.raises(engine.RedisMigrationError, match="Another run is writing to databases 0,3 of the target"):
            engine.migrate(source, target)
        run = run_module("redis_restore", endpoint=target.endpoint(), **options)
        assert "Another run is writing to databases 0,3" in run.message
        assert run.result["totals"]["restored"] == 0
    finally:
        started.kill()
        started.wait()
    until(lambda: not writers(target))
    assert run_module("redis_restore", endpoint=target.endpoint(), **options).ok["changed"]
    assert_equal(source, target)


def test_a_restore_that_cannot_see_others_says_so(filled: Pair, redis_server: ServerFactory, tmp_path: Any) -> None:
    source, _target = filled
    target = redis_server("redis-8.2", acl_lines=["user mover on >pw ~* &* +@all -client|list"])
    file = str(tmp_path / "dump.rdb")
    assert run_module("redis_backup", endpoint=source.endpoint(), dest=file).ok["changed"]
    run = run_module("redis_restore", endpoint=target.endpoint(username="mover", password="pw"), src=file)
    assert run.ok["totals"]["restored"] == 2 * KEYS
    assert "Whether another run writes to the same databases cannot be seen" in str(run.ok["warnings"])


def test_two_playbooks_at_once(filled: Pair, tmp_path: Any) -> None:
    source, target = filled
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    hosts = {"redis_migrations": {"hosts": {"orders": ends}}}
    with slow_run(source, target):
        run = run_playbook("migrate", hosts, "--tags", "migrate", directory=tmp_path)
    assert run.returncode == 2
    assert "Another run is writing" in run.output
