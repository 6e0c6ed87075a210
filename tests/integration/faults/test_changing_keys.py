# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source is written to while it is moved: keys expire, are renewed, renamed, retyped, deleted and made anew."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from tests.support import dataset, engine
from tests.support.attempt import attempt, digest
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]
Proxies = Callable[..., FaultProxy]

STRATEGIES = pytest.mark.parametrize("strategy", ["copy", "migrate", "rebuild"])


def assert_equal(source: RedisServer, target: RedisServer) -> None:
    found = compare(source, target)
    assert not found, report(found)


def test_the_first_expiry_appears_in_the_middle(server_pair: Pair, fault_proxy: Proxies) -> None:
    """Nothing expired when the run began; many chunks are on their way when that changes."""
    source, target = server_pair
    dataset.fill_benchmark(source.client(), "strings100", 20_000)
    proxy = fault_proxy(source.port, redis=True)

    def expire_some() -> None:
        with source.client().pipeline(transaction=False) as pipeline:
            for number in range(0, 20_000, 50):
                pipeline.pexpire(f"key:{number:012d}", 3_600_000)
            pipeline.execute()

    proxy.on_command("MGET", expire_some, skip=2)
    done = engine.migrate(source.endpoint(port=proxy.port), target)
    assert done["totals"]["copied"] == 20_000
    engine.migrate(source, target)
    assert_equal(source, target)


class _Writer:
    """An application that does everything to the keys of one database."""

    def __init__(self, server: RedisServer, seed: str) -> None:
        self._client = server.client()
        self._chance = random.Random(seed)
        self._keys = [key for key in self._client.scan_iter(count=1000) if len(key) < 1000]
        self.changes = 0

    def change(self) -> None:
        client, key = self._client, self._chance.choice(self._keys)
        what = self._chance.randrange(10)
        with contextlib.suppress(redis.ResponseError):  # no such key, or of another type
            if what == 0:
                client.delete(key)
            elif what == 1:
                client.set(key, self._chance.randbytes(50))
            elif what == 2:
                client.pexpire(key, self._chance.randrange(1, 300))
            elif what == 3:
                client.pexpire(key, 3_600_000)
            elif what == 4:
                client.persist(key)
            elif what == 5:
                client.rename(key, self._chance.choice(self._keys))
            elif what == 6:
                client.delete(key)
                client.rpush(key, *range(self._chance.randrange(1, 200)))
            elif what == 7:
                client.delete(key)
                client.hset(key, mapping={f"f{number}": number for number in range(self._chance.randrange(1, 700))})
            elif what == 8:
                client.append(key, "more")
            else:
                client.zadd(key, {"m": self._chance.random(), "n": 1})
        self.changes += 1


@contextlib.contextmanager
def busy(writer: _Writer) -> Iterator[None]:
    done = threading.Event()

    def write() -> None:
        while not done.wait(0.001):
            writer.change()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@STRATEGIES
def test_a_busy_source(strategy: str, server_pair: Pair, fault_proxy: Proxies) -> None:
    """Between scan, read and write of every key lies time enough for it to become another one."""
    source, target = server_pair
    dataset.fill(source.client, databases=(0,))
    writer = _Writer(source, strategy)
    proxies = fault_proxy(source.port, latency=0.05), fault_proxy(target.port, latency=0.05)
    ends = [server.endpoint(port=proxy.port) for server, proxy in zip(server_pair, proxies)]
    with busy(writer):
        tried = [attempt(*ends, strategy=strategy, max_keys_per_second=300) for _run in range(2)]
    assert writer.changes > 50
    for one in tried:
        reasons = {found["reason"] for found in one.result["failures"]}
        # A key that never stands still cannot be read in pieces; that is told, with its name.
        assert reasons <= ({"the key was written to while it was read, 3 times"} if strategy == "rebuild" else set())
        assert one.ok["drift"]
    time.sleep(0.4)  # until then expires what the writer left with the shortest lives
    # It stops; the last run brings what changed up to date, and prune takes what was deleted.
    before, written = digest(source), source.write_calls()
    done = engine.migrate(source, target, strategy=strategy, prune=True)
    assert done["totals"]["failed"] == 0
    assert_equal(source, target)
    assert digest(source) == before
    assert source.write_calls() - source.command_calls().get("migrate", 0) <= written


@STRATEGIES
@pytest.mark.parametrize("command", ["read", "write"])
def test_each_kind_of_change_between_two_steps(
    strategy: str, command: str, server_pair: Pair, fault_proxy: Proxies
) -> None:
    """Everything happens to a key right before it is read, or after that and before it is written."""
    source, target = server_pair
    client = source.client()
    kinds = ("deleted", "expired", "renewed", "renamed", "retyped", "changed", "grown", "emptied")
    for kind in kinds:
        client.rpush(f"list:{kind}", 1, 2, 3)
        client.set(f"string:{kind}", "value", px=3_600_000)

    def change() -> None:
        for prefix in ("list", "string"):
            client.delete(f"{prefix}:deleted")
            client.pexpire(f"{prefix}:expired", 1)
            client.pexpire(f"{prefix}:renewed", 7_200_000)
            client.rename(f"{prefix}:renamed", f"{prefix}:under another name")
            client.delete(f"{prefix}:retyped")
            client.zadd(f"{prefix}:retyped", {"m": 1})
        client.rpush("list:changed", 4)
        client.set("string:changed", "another")
        client.rpush("list:grown", *range(5000))
        client.append("string:grown", "x" * 300_000)
        client.ltrim("list:emptied", 1, 0)
        client.setrange("string:emptied", 0, "")

    reads = {"copy": "MGET", "migrate": "MIGRATE", "rebuild": "TYPE"}
    writes = {"copy": "SET", "migrate": "EXISTS", "rebuild": "RENAMENX"}
    proxy = fault_proxy((source if command == "read" else target).port, redis=True)
    happened = threading.Event()

    def once() -> None:
        if not happened.is_set():
            happened.set()
            change()

    for name in {reads[strategy]} if command == "read" else {writes[strategy], "RESTORE", "MSETNX"}:
        proxy.on_command(name, once)
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    ends["source" if command == "read" else "target"]["port"] = proxy.port
    done = engine.migrate(**ends, strategy=strategy)
    assert happened.is_set()
    assert done["totals"]["failed"] == 0, done["failures"]
    assert done["drift"]
    engine.migrate(source, target, strategy=strategy, prune=True)
    assert_equal(source, target)


def test_a_thousand_keys_expire_on_the_way(server_pair: Pair, fault_proxy: Proxies) -> None:
    """None of them is a failure, none is brought back to life."""
    source, target = server_pair
    dataset.fill(source.client, databases=(0,))
    dataset.add_short_ttls(source.client(), 1000, 400)
    proxy = fault_proxy(target.port, latency=0.3)
    done = engine.migrate(source, target.endpoint(port=proxy.port))
    assert done["totals"]["failed"] == 0
    engine.migrate(source, target)
    assert_equal(source, target)
    assert target.client().exists("short:0", "short:999") == 0
