# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run does what is left to do and nothing else; check mode knows beforehand what that will be."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable

import pytest

from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.engine import moved
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]
Proxies = Callable[..., FaultProxy]

STRATEGIES = pytest.mark.parametrize("strategy", ["copy", "migrate"])


def assert_equal(source: RedisServer, target: RedisServer) -> None:
    found = compare(source, target)
    assert not found, report(found)


def change_the_source(source: RedisServer) -> dict[str, set[bytes]]:
    """Changes of every kind over several databases; returns the names of what is copied, updated and vanished."""
    first, second = source.client(0), source.client(5)
    value = first.get("string:1mb")
    first.set("string:1mb", bytes([value[0] ^ 1]) + value[1:])
    first.hset("hash:large", "field:7", "one field of many")
    first.zincrby("zset:large", 0.5, "member:3")
    first.rpush("list:long", "one more")
    first.xack("stream:orders", "billing", "1002-0")
    first.persist("ttl:string:3")
    first.pexpire("string:1", 7_200_000)
    first.delete("set:many")
    first.set("set:many", "a string now")
    first.set("new:string", "v")
    first.hset(b"new\n\xff", "f", "v")
    second.sadd("new:set", 1, 2)
    second.lset("list:mixed", 0, "changed")
    second.pexpire("session:gone", 1)
    return {
        "copied": {b"new:string", b"new\n\xff", b"new:set"},
        "updated": {
            b"string:1mb", b"hash:large", b"zset:large", b"list:long", b"stream:orders", b"ttl:string:3", b"string:1",
            b"set:many", b"list:mixed",
        },
    }  # fmt: skip


@STRATEGIES
def test_just_what_changed_moves_and_just_what_was_deleted_is_pruned(strategy: str, server_pair: Pair) -> None:
    source, target = server_pair
    filled = dataset.fill(source.client, databases=(0, 5))
    engine.migrate(source, target, strategy=strategy)

    changed = change_the_source(source)
    done = engine.migrate(source, target, strategy=strategy)
    total = filled.total + len(changed["copied"])
    assert moved(done) == {
        "scanned": total,
        "copied": len(changed["copied"]),
        "updated": len(changed["updated"]),
        "unchanged": filled.total - len(changed["updated"]),
    }
    assert_equal(source, target)

    source.client(0).delete("string:0", "hash:large", b"new\n\xff", "", "stream:orders")
    source.client(5).delete("list:mixed")
    source.client(5).pexpire("string:2", 1)
    time.sleep(0.02)
    kept = engine.migrate(source, target, strategy=strategy)
    assert kept["totals"]["pruned"] == 0
    assert len(compare(source, target)) == 7

    pruned = engine.migrate(source, target, strategy=strategy, prune=True)
    assert moved(pruned) == {"scanned": total - 7, "unchanged": total - 7, "pruned": 7}
    assert {number: counters["pruned"] for number, counters in pruned["databases"].items()} == {"0": 5, "5": 2}
    assert_equal(source, target)


def test_an_update_writes_the_differing_key_once_and_nothing_else(server_pair: Pair) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0,))
    engine.migrate(source, target)
    source.client().set("string:1", "another value")
    writes = source.write_calls(), target.write_calls()
    engine.migrate(source, target)
    assert (source.write_calls(), target.write_calls()) == (writes[0], writes[1] + 1)


@STRATEGIES
def test_check_mode_predicts_the_counters_and_writes_nothing(strategy: str, server_pair: Pair) -> None:
    source, target = server_pair
    filled = dataset.fill(source.client, databases=(0, 1, 7), size="small")
    source_writes = source.write_calls()

    predicted = engine.migrate(source, target, strategy=strategy, check=True)

    assert source.write_calls() == source_writes
    assert target.write_calls() == 0
    assert target.client().info("keyspace") == {}
    assert predicted["changed"]
    real = engine.migrate(source, target, strategy=strategy)
    for number in filled.keys:
        expected, counted = predicted["databases"][str(number)], real["databases"][str(number)]
        assert expected == counted

    change_the_source_five(source)
    writes = source.write_calls(), target.write_calls()
    predicted = engine.migrate(source, target, strategy=strategy, check=True, prune=True)
    assert (source.write_calls(), target.write_calls()) == writes
    real = engine.migrate(source, target, strategy=strategy, prune=True)
    assert moved(predicted) == moved(real)
    assert real["totals"]["pruned"] == 1
    assert_equal(source, target)


def change_the_source_five(source: RedisServer) -> None:
    client = source.client(7)
    client.set("string:1", "changed")
    client.delete("hash:small")
    client.set("new", "v")


@pytest.mark.parametrize("policy", ["update", "replace", "skip", "fail"])
@STRATEGIES
def test_check_mode_predicts_every_policy_on_a_target_that_holds_keys(
    policy: str, strategy: str, server_pair: Pair
) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0,))
    target.client().set("string:0", "in the way")
    target.client().set("string:1", source.client().get("string:1"))

    predicted = engine.migrate(source, target, strategy=strategy, existing_keys=policy, check=True)
    real = engine.migrate(source, target, strategy=strategy, existing_keys=policy)

    assert moved(predicted) == moved(real)


@pytest.mark.parametrize(
    ("policy", "expected", "in_the_way"),
    [
        ("update", {"copied": 3, "updated": 1, "unchanged": 1}, b"right"),
        ("replace", {"copied": 3, "updated": 2}, b"right"),
        ("skip", {"copied": 3, "skipped": 2}, b"wrong"),
        ("fail", {"copied": 3, "failed": 2}, b"wrong"),
    ],
)
@STRATEGIES
@pytest.mark.parametrize("fresh", [True, False], ids=["appears-meanwhile", "there-before"])
def test_keys_that_the_target_holds_already(
    policy: str,
    expected: dict[str, int],
    in_the_way: bytes,
    strategy: str,
    fresh: bool,
    server_pair: Pair,
    fault_proxy: Proxies,
) -> None:
    source, target = server_pair
    client = source.client(2)
    for name in (b"one", b"two", b"three", b"different", b"equal"):
        client.set(name, b"right")

    def put_in_the_way() -> None:
        target.client(2).set(b"different", b"wrong")
        target.client(2).set(b"equal", b"right")

    proxy = fault_proxy(source.port, redis=True)
    if fresh:
        # The run has seen an empty database by the time it scans the source.
        proxy.on_command("SCAN", put_in_the_way)
    else:
        put_in_the_way()

    done = engine.migrate(source.endpoint(port=proxy.port), target, strategy=strategy, existing_keys=policy)

    not_ours = {b"different", b"equal"}
    if fresh and strategy == "migrate":
        # MIGRATE tells one error for the whole batch: of what is equal afterwards nobody knows who wrote it.
        expected = {"copied": 4, **{name: 1 for name in expected if name not in ("copied", "unchanged")}}
        not_ours = {b"different"}
    assert moved(done) == {"scanned": 5, **expected}
    assert target.client(2).get(b"different") == in_the_way
    assert target.client(2).get(b"three") == b"right"
    if policy == "fail":
        assert {base64.b64decode(failure["key_base64"]) for failure in done["failures"]} == not_ours
        for failure in done["failures"]:
            assert failure["database"] == 2
            assert "already holds" in failure["reason"]
            assert "existing_keys" in failure["hint"]


def test_a_target_with_keys_of_its_own_keeps_them_unless_pruned(server_pair: Pair) -> None:
    source, target = server_pair
    source.client(1).set("a", 1)
    target.client(1).set("own", 1)
    target.client(9).set("own", 1)

    done = engine.migrate(source, target)
    assert moved(done) == {"scanned": 1, "copied": 1}
    assert target.client(1).exists("own")

    pruned = engine.migrate(source, target, prune=True)
    assert moved(pruned) == {"scanned": 1, "unchanged": 1, "pruned": 2}
    assert set(pruned["databases"]) == {"1", "9"}
    assert_equal(source, target)


def test_prune_never_empties_a_target_because_the_source_is_empty(server_pair: Pair) -> None:
    source, target = server_pair
    target.client(3).set("precious", 1)
    for check in (False, True):
        with pytest.raises(engine.RedisMigrationError, match=r"holds no keys, and prune would delete all 1 keys"):
            engine.migrate(source, target, prune=True, check=check)
    assert target.client(3).exists("precious")


def test_prune_stays_within_the_selection(server_pair: Pair) -> None:
    source, target = server_pair
    source.client().set("app:1", 1)
    target.client().mset({"app:old": 1, "app:skip": 1, "other": 1})
    target.client().rpush("app:list", 1)
    target.client(4).set("app:old", 1)

    done = engine.migrate(
        source, target, prune=True, databases=[0], match=["app:*"], exclude=["*skip"], types=["string"]
    )

    assert moved(done) == {"scanned": 1, "copied": 1, "pruned": 1}
    assert sorted(target.client().keys()) == [b"app:1", b"app:list", b"app:skip", b"other"]
    assert target.client(4).exists("app:old")


def test_a_run_on_an_empty_source_does_nothing(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    done = engine.migrate(source, target)
    assert moved(done) == {}
    assert not done["changed"]
    assert done["databases"] == {}
    assert engine.diff(source, target)["identical"]
