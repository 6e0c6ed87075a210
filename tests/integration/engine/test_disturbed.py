# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections break, servers restart, and a run goes on: complete, equal, and with the numbers of an undisturbed one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.migration import Migration
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.resume import (
    diff_progress,
    migration_progress,
    migration_token,
)
from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.engine import RedisMigrationError, moved
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.servers import HOST, RedisServer

Pair = tuple[RedisServer, RedisServer]
Proxies = Callable[..., FaultProxy]

STRATEGIES = pytest.mark.parametrize("strategy", ["copy", "migrate"])
ENDS = pytest.mark.parametrize("end", ["source", "target"])


def assert_equal(source: RedisServer, target: RedisServer) -> None:
    found = compare(source, target)
    assert not found, report(found)


def fill(server: RedisServer, mixed: int = 6000) -> int:
    """Databases 0 and 3; returns the number of keys."""
    dataset.fill_benchmark(server.client(0), "mixed", mixed)
    return mixed + dataset.fill(server.client, databases=(3,)).total


class Through:
    """Both ends behind a proxy each; MIGRATE goes past them."""

    def __init__(self, source: RedisServer, target: RedisServer, fault_proxy: Proxies) -> None:
        self.proxies = {
            "source": fault_proxy(source.port, redis=True),
            "target": fault_proxy(target.port, redis=True),
        }
        self.source = source.endpoint(port=self.proxies["source"].port)
        self.target = target.endpoint(port=self.proxies["target"].port, backend={"host": HOST, "port": target.port})


@pytest.fixture
def through(server_pair: Pair, fault_proxy: Proxies) -> Through:
    return Through(*server_pair, fault_proxy)


@STRATEGIES
@ENDS
@pytest.mark.parametrize("direction", ["to_server", "to_client"])
def test_a_connection_that_is_cut_again_and_again(
    strategy: str, end: str, direction: Any, server_pair: Pair, through: Through
) -> None:
    source, target = server_pair
    total = fill(source)
    # Little is said in answer to RESTORE, and nearly nothing to and by the target when the source sends the keys.
    little = {("copy", "target", "to_client"): 5000, ("migrate", "target", "to_client"): 3000}
    often = little.get((strategy, end, direction), 60_000 if strategy == "copy" else 25_000)
    first = {"source": "SCAN", "target": "RESTORE" if strategy == "copy" else "EXISTS"}[end]
    proxy = through.proxies[end]
    proxy.on_command(first, lambda: proxy.cut_after(often, direction, times=8))

    done = engine.migrate(through.source, through.target, strategy=strategy)

    assert done["reconnects"] >= (1 if (end, direction) == ("target", "to_client") else 3)
    assert moved(done) == {"scanned": total, "copied": total}
    assert_equal(source, target)
    through.proxies[end].heal()
    again = engine.migrate(source, target, ttl_tolerance_ms=20)
    assert moved(again) == {"scanned": total, "unchanged": total}


@pytest.mark.parametrize("policy", ["update", "replace", "skip", "fail"])
@pytest.mark.parametrize(
    ("strategy", "end", "command"),
    [
        *(("copy", "target", command) for command in ("RESTORE", "MSET", "SET")),
        *(("copy", "source", command) for command in ("DUMP", "SCAN", "MGET")),
        ("migrate", "source", "MIGRATE"),
        ("migrate", "source", "EXISTS"),
        ("migrate", "target", "EXISTS"),
        ("migrate", "target", "PEXPIREAT"),
    ],
)
def test_the_counters_tell_what_was_done_though_answers_got_lost(
    policy: str, strategy: str, end: str, command: str, server_pair: Pair, through: Through
) -> None:
    """The command is carried out and its answer lost, on a target that holds some of the keys already."""
    source, target = server_pair
    client = source.client()
    for number in range(40):
        client.set(f"string:{number}", number)
        client.rpush(f"list:{number}", number)
        client.set(f"timed:{number}", number, px=3_600_000 + number)
    expected = {
        "update": {"copied": 60, "updated": 30, "unchanged": 30},
        "replace": {"copied": 60, "updated": 60},
        "skip": {"copied": 60, "skipped": 60},
        "fail": {"copied": 60, "failed": 60},
    }[policy]
    engine.migrate(source, target, match=["*[02468]"])
    for number in range(0, 40, 4):
        target.client().set(f"string:{number}", "old")
        target.client().rpush(f"list:{number}", "old")
        target.client().set(f"timed:{number}", "old")
    proxy = through.proxies[end]
    proxy.on_command(command, lambda: proxy.cut_after(1, "to_client"), skip=1 if command == "EXISTS" else 0)

    done = engine.migrate(through.source, through.target, strategy=strategy, existing_keys=policy)

    assert moved(done) == {"scanned": 120, **expected}
    if policy in ("update", "replace"):
        assert_equal(source, target)


def test_a_cut_while_pruning_counts_every_key_once(server_pair: Pair, through: Through) -> None:
    source, target = server_pair
    source.client().set("a", 1)
    target.client().mset({f"extra:{number}": number for number in range(3000)})
    proxy = through.proxies["target"]
    proxy.on_command("UNLINK", lambda: proxy.cut_after(1, "to_client"), skip=1)

    done = engine.migrate(through.source, through.target, prune=True)

    assert done["reconnects"] >= 1
    assert moved(done) == {"scanned": 1, "copied": 1, "pruned": 3000}
    assert_equal(source, target)


@ENDS
def test_a_line_that_goes_silent_is_given_up_and_opened_anew(end: str, server_pair: Pair, through: Through) -> None:
    source, target = server_pair
    total = fill(source, 2000)
    ends = {"source": through.source, "target": through.target}
    ends[end]["timeout"] = 0.5
    proxy = through.proxies[end]
    heal = threading.Timer(1.5, proxy.heal)

    def go_silent() -> None:
        proxy.swallow("to_client")
        heal.start()

    proxy.on_command("DUMP" if end == "source" else "RESTORE", go_silent, skip=50)
    done = engine.migrate(ends["source"], ends["target"])

    assert done["reconnects"] >= 1
    assert moved(done) == {"scanned": total, "copied": total}
    assert_equal(source, target)


@ENDS
def test_an_end_that_stays_away_ends_the_run_with_what_was_done_until_then(
    end: str, server_pair: Pair, through: Through
) -> None:
    source, target = server_pair
    total = fill(source, 20_000)
    proxy = through.proxies[end]
    command = "DUMP" if end == "source" else "RESTORE"
    proxy.on_command(command, lambda: (proxy.refuse(), proxy.cut_now()), skip=12_000)

    run = engine.migration(through.source, through.target, timeout=1.0)
    with pytest.raises(RedisMigrationError, match=rf"{end} {HOST}"):
        run.run()

    counted = run.progress.totals
    assert 0 < counted.copied < total
    assert counted.copied <= sum(target.client(number).dbsize() for number in (0, 3))
    proxy.heal()
    done = engine.migrate(source, target)
    assert moved(done)["copied"] + moved(done)["unchanged"] == total
    assert_equal(source, target)


@pytest.mark.parametrize(
    "answer", ["-LOADING Redis is loading", "-BUSY script", "-MASTERDOWN Link", "-READONLY You can't"]
)
@ENDS
def test_an_end_that_is_busy_for_a_while_is_waited_for(
    answer: str, end: str, server_pair: Pair, through: Through
) -> None:
    source, target = server_pair
    total = fill(source, 2000)
    command = "DUMP" if end == "source" else "RESTORE"
    through.proxies[end].replace_reply(command, answer.encode() + b" for a while\r\n", skip=100, times=3)

    done = engine.migrate(through.source, through.target)

    assert moved(done) == {"scanned": total, "copied": total}
    assert_equal(source, target)


# -- other processes behind the same address -------------------------------------------------------------------------


@pytest.mark.parametrize("keeps_data", [False, True], ids=["comes-back-empty", "comes-back-with-its-data"])
@STRATEGIES
def test_the_target_is_restarted(strategy: str, keeps_data: bool, server_pair: Pair, through: Through) -> None:
    source, target = server_pair
    total = fill(source)
    proxy = through.proxies["source"]

    def restart() -> None:
        if keeps_data:
            target.stop(save=True)
        else:
            target.kill()
        target.start()

    command = "DUMP" if strategy == "copy" else "MIGRATE"
    proxy.on_command(command, restart, skip=2500 if strategy == "copy" else 4)

    done = engine.migrate(through.source, through.target, strategy=strategy)

    assert moved(done) == {"scanned": total, "copied": total}
    assert_equal(source, target)
    assert moved(engine.migrate(source, target)) == {"scanned": total, "unchanged": total}


@STRATEGIES
@pytest.mark.parametrize("policy", ["update", "fail"])
def test_the_source_is_restarted(strategy: str, policy: str, server_pair: Pair, through: Through) -> None:
    """Its cursors mean nothing to the new process: whoever goes on with one misses keys."""
    source, target = server_pair
    total = fill(source)
    proxy = through.proxies["target"] if strategy == "copy" else through.proxies["source"]

    def restart() -> None:
        source.stop(save=True)
        source.start()

    proxy.on_command("RESTORE" if strategy == "copy" else "MIGRATE", restart, skip=2500 if strategy == "copy" else 4)

    done = engine.migrate(through.source, through.target, strategy=strategy, existing_keys=policy)

    assert moved(done) == {"scanned": total, "copied": total}
    assert_equal(source, target)


def test_a_comparison_across_a_restart_begins_anew(server_pair: Pair, through: Through) -> None:
    source, target = server_pair
    fill(source)
    engine.migrate(source, target)

    def restart() -> None:
        target.stop(save=True)
        target.start()

    through.proxies["source"].on_command("SCAN", restart, skip=3)
    assert engine.diff(through.source, through.target)["identical"]


@ENDS
def test_a_comparison_survives_cuts(end: str, server_pair: Pair, through: Through) -> None:
    source, target = server_pair
    total = fill(source)
    engine.migrate(source, target)
    target.client(3).set("extra", 1)
    through.proxies[end].cut_after(40_000, "to_client", times=8)

    found = engine.diff(through.source, through.target)

    assert found["totals"] == {
        "source_keys": total, "target_keys": total + 1, "missing": 0, "extra": 1, "different": 0
    }  # fmt: skip


# -- slices -----------------------------------------------------------------------------------------------------------


@STRATEGIES
@pytest.mark.parametrize("seconds", [0.0001, 0.05])
def test_slices_add_up_to_one_run(
    strategy: str, seconds: float, redis_server: ServerFactory, through: Through, server_pair: Pair
) -> None:
    source, target = server_pair
    whole = redis_server("redis-8.2")
    dataset.fill_benchmark(source.client(0), "mixed", 8_000)
    dataset.fill(source.client, databases=(2, 7))
    for server in (target, whole):
        server.client(2).mset({f"extra:{number}": number for number in range(50)})
        server.client(2).set("string:1", "other")
        server.client(9).set("extra", 1)
    expected = engine.migrate(source, whole, strategy=strategy, prune=True)
    target_end = target.endpoint()

    done, slices = engine.migrate_in_slices(source, target_end, seconds, strategy=strategy, prune=True)

    assert slices > 1
    assert moved(done) == moved(expected)
    # Samples of all slices together.
    points = done["progress_over_time"]
    assert points == sorted(points) and points[-1][0] <= done["elapsed_seconds"]
    assert {name: counted["pruned"] for name, counted in done["databases"].items()} == {
        name: counted["pruned"] for name, counted in expected["databases"].items()
    }
    assert_equal(source, target)

    compared, slices = engine.diff_in_slices(source, target_end, seconds)
    assert slices > 1
    assert compared["identical"]
    assert compared["totals"] == engine.diff(source, target)["totals"]


def test_failures_and_changes_are_carried_from_slice_to_slice(server_pair: Pair, through: Through) -> None:
    source, _target = server_pair
    for database in (0, 1):
        with source.client(database).pipeline(transaction=False) as pipeline:
            for number in range(2500):
                pipeline.rpush(b"list:\xff%d" % number, number)
            pipeline.execute()
    through.proxies["target"].replace_reply("RESTORE", b"-ERR odd\r\n", skip=10, times=7)

    done, slices = engine.migrate_in_slices(source, through.target, 0.0001)

    assert slices > 3
    assert moved(done) == {"scanned": 5000, "copied": 4993, "failed": 7}
    assert len(done["failures"]) == 7
    assert all(failure["reason"].startswith("ERR odd") for failure in done["failures"])


def test_differences_are_carried_from_slice_to_slice(server_pair: Pair) -> None:
    source, target = server_pair
    dataset.fill_benchmark(source.client(0), "mixed", 5000)
    source.client(4).set(b"\xff missing", 1)
    source.client(5).set("different", 1)
    target.client(5).set("different", 2)
    target.client(6).set("extra", 1)

    found, slices = engine.diff_in_slices(source, target, 0.0001, max_differences=10_000)

    assert slices > 3
    assert not found["identical"]
    assert found["totals"]["missing"] == 5001
    assert found["totals"]["extra"] == 1
    assert found["totals"]["different"] == 1
    assert len(found["differences"]) == 5003


def test_a_server_that_is_away_between_two_slices_is_waited_for(server_pair: Pair, through: Through) -> None:
    source, target = server_pair
    total = fill(source)
    proxy = through.proxies["target"]
    run = engine.migration(through.source, through.target)
    progress = run.run(0.0001)
    assert not progress.finished
    token = migration_token(progress)
    proxy.refuse()
    later = threading.Timer(0.5, proxy.accept)
    later.start()
    done = Migration(run._plan, migration_progress(token)).run()
    later.join()
    assert done.finished
    assert done.totals.copied == total
    assert_equal(source, target)


def test_a_target_restarted_between_two_slices(server_pair: Pair) -> None:
    source, target = server_pair
    total = fill(source)
    run = engine.migration(source, target)
    token = migration_token(run.run(0.0001))
    target.kill()
    target.start()
    done = Migration(run._plan, migration_progress(token)).run()
    assert done.totals.scanned == total
    assert done.totals.copied == total
    assert_equal(source, target)


@pytest.mark.parametrize("token", ["x", "AAAA", "eJwDAAAAAAE=", "{}", "ä"])
def test_a_resume_that_is_none_is_refused(token: str) -> None:
    for read in (migration_progress, diff_progress):
        with pytest.raises(RedisMigrationError, match=r"'resume' is not what an earlier slice returned"):
            read(token)
