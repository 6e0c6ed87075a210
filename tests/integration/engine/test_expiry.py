# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What expires at a moment on the source expires at that moment on the target, however long the copy takes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.engine import moved
from tests.support.faultproxy import FaultProxy
from tests.support.servers import HOST, RedisServer

Pair = tuple[RedisServer, RedisServer]
Proxies = Callable[..., FaultProxy]

YEAR = 365 * 86_400_000


def now(server: RedisServer) -> int:
    seconds, microseconds = server.client().time()
    return int(seconds) * 1000 + int(microseconds) // 1000


@pytest.mark.parametrize("strategy", ["copy", "migrate"])
@pytest.mark.parametrize("latency", [0.0, 0.1])
def test_expiries_are_absolute_whatever_the_way_takes(
    strategy: str, latency: float, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    begin = now(source)
    client = source.client()
    ages = [60_000, 3_600_001, 30 * 86_400_000, YEAR, 10 * YEAR, 100 * YEAR + 1, 2**42]
    for number, age in enumerate(ages):
        client.set(f"string:{number}", 1)
        client.hset(f"hash:{number}", "f", 1)
        for kind in ("string", "hash"):
            client.pexpireat(f"{kind}:{number}", begin + age)
    near, far = fault_proxy(source.port, latency=latency), fault_proxy(target.port, latency=latency)
    ends = (
        source.endpoint(port=near.port),
        target.endpoint(port=far.port, backend={"host": HOST, "port": far.port}),
    )
    engine.migrate(*ends, strategy=strategy)
    for number, age in enumerate(ages):
        for kind in ("string", "hash"):
            assert target.client().pexpiretime(f"{kind}:{number}") == begin + age


@pytest.mark.parametrize("target_name", ["redis-7.0", "redis-8.2", "valkey-9"])
def test_a_source_that_only_tells_remaining_times(target_name: str, redis_server: ServerFactory) -> None:
    """6.2 has no PEXPIRETIME: TIME and PTTL together may err by a few milliseconds, not by the time that passes."""
    source, target = redis_server("redis-6.2"), redis_server(target_name)
    begin = now(source)
    with source.client().pipeline(transaction=False) as pipeline:
        for number in range(3000):
            pipeline.set(f"key:{number}", number)
            pipeline.pexpireat(f"key:{number}", begin + 600_000 + number)
        pipeline.execute()
    engine.migrate(source, target, max_keys_per_second=3000)
    client = target.client()
    assert all(abs(client.pexpiretime(f"key:{number}") - begin - 600_000 - number) <= 5 for number in range(3000))


@pytest.mark.parametrize("strategy", ["copy", "migrate"])
def test_lifetimes_of_milliseconds_vanish_or_arrive_and_never_outlive(strategy: str, server_pair: Pair) -> None:
    source, target = server_pair
    client = source.client()
    dataset.fill_benchmark(client, "mixed", 2000)
    begin = now(source)
    lifetimes = [1, 2, 5, 10, 20, 50, 100, 200, 400, 800]
    with client.pipeline(transaction=False) as pipeline:
        for number in range(1000):
            pipeline.set(f"soon:{number}", number)
            pipeline.pexpireat(f"soon:{number}", begin + 30 + lifetimes[number % 10])
        pipeline.execute()

    done = engine.migrate(source, target, strategy=strategy)

    totals = done["totals"]
    assert totals["failed"] == 0
    assert totals["scanned"] == totals["copied"] + totals["vanished"]
    time.sleep(max(0.0, (begin + 900 - now(source)) / 1000))
    for server in server_pair:
        assert not server.client().exists(*[f"soon:{number}" for number in range(1000)])
    assert target.client().dbsize() == 2000


@pytest.mark.parametrize("strategy", ["copy", "migrate"])
def test_a_key_that_expires_on_the_way_is_vanished(
    strategy: str, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    client = source.client()
    client.mset({f"lasting:{number}": 1 for number in range(50)})
    proxy = fault_proxy(source.port, redis=True)

    def hurry() -> None:
        for number in range(20):
            client.pexpire(f"lasting:{number}", 1)
        time.sleep(0.02)

    proxy.on_command("MGET" if strategy == "copy" else "MIGRATE", hurry)
    done = engine.migrate(source.endpoint(port=proxy.port), target, strategy=strategy)
    assert moved(done) == {"scanned": 50, "copied": 30, "vanished": 20}
    assert target.client().dbsize() == 30


def test_a_key_gets_an_expiry_while_nothing_else_has_one(redis_server: ServerFactory, fault_proxy: Proxies) -> None:
    """Where nothing expires nobody asks for expiries; one that appears in between must not be missed."""
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    client = source.client()
    client.mset({f"string:{number}": 1 for number in range(500)})
    for number in range(500):
        client.rpush(f"list:{number}", 1)
    at = now(source) + 3_600_000
    proxy = fault_proxy(source.port, redis=True)
    # Before the values are read: with the value comes its expiry.
    proxy.on_command("SCAN", lambda: (client.pexpireat("string:7", at), client.pexpireat("list:7", at)))

    engine.migrate(source.endpoint(port=proxy.port), target)

    for name in ("string:7", "list:7"):
        assert target.client().pexpiretime(name) == at
    assert target.client().pexpiretime("string:8") == -1


def test_an_expiry_that_is_taken_away_is_taken_away_at_the_target_too(server_pair: Pair) -> None:
    source, target = server_pair
    source.client().set("string", 1, ex=1000)
    source.client().rpush("list", 1)
    source.client().expire("list", 1000)
    engine.migrate(source, target)
    source.client().persist("string")
    source.client().persist("list")
    assert moved(engine.migrate(source, target)) == {"scanned": 2, "updated": 2}
    assert target.client().ttl("string") == target.client().ttl("list") == -1


@pytest.mark.parametrize("policy", ["update", "replace"])
def test_an_expired_key_at_the_source_leaves_the_old_one_at_the_target_to_prune(policy: str, server_pair: Pair) -> None:
    source, target = server_pair
    source.client().set("gone", "new", px=1)
    source.client().set("stays", 1)
    target.client().set("gone", "old")
    time.sleep(0.01)
    done = engine.migrate(source, target, existing_keys=policy)
    assert done["totals"]["copied"] == 1
    assert target.client().get("gone") == b"old"
    assert engine.migrate(source, target, existing_keys=policy, prune=True)["totals"]["pruned"] == 1
