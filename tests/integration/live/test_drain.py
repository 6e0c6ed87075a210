# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drain looks at besides the feed: writes that go on, swapped databases, the servers' own counts, evictions."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis

from tests.conftest import ServerFactory
from tests.support import dataset
from tests.support.faultproxy import FaultProxy
from tests.support.replies import bulk, without_section
from tests.support.servers import RedisServer

from .conftest import SharedServer
from .test_follow import assert_proved, following, walked

Pair = tuple[RedisServer, RedisServer]


@pytest.fixture
def pair(shared_server: SharedServer) -> Pair:
    return shared_server("redis-7.0"), shared_server("redis-8.2", 2)


def fill(server: RedisServer, count: int = 300) -> None:
    for number in (0, 3):
        dataset.fill_benchmark(server.client(number), "mixed", count)


@contextmanager
def slow_writer(server: RedisServer, seconds: float, *command: str) -> Iterator[None]:
    """One command now and then."""
    stopped = threading.Event()

    def write() -> None:
        with server.client() as client:
            while not stopped.wait(seconds):
                client.execute_command(*command)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    yield
    stopped.set()
    thread.join()


@pytest.mark.parametrize("command", ["SET slow 1", "DEL nothing"])
def test_a_slow_writer_that_was_not_stopped_is_noticed(command: str, pair: Pair) -> None:
    source, target = pair
    source.client().set("slow", 1)
    with following(source, target) as follower:
        walked(follower)
        with source.client().pipeline(transaction=False) as pipeline:
            for number in range(2000):  # so that the feed is never silent
                pipeline.set(f"short:{number}", 1, px=300 + number)
            pipeline.execute()
        with slow_writer(source, 0.05, *command.split()):
            result = follower.drain(20)
        assert not result.proved
        assert re.search(r"\d+ write commands? r[ea]n at the source during the drain", str(result.reason))
        assert_proved(follower.drain(20), source, target)


def test_where_calls_are_not_counted_a_swap_is_found_by_comparing(
    pair: Pair, fault_proxy: Callable[..., FaultProxy]
) -> None:
    source, target = pair
    fill(source)
    proxy = fault_proxy(source.port, redis=True)
    proxy.rewrite_reply("INFO", without_section(b"commandstats"))
    with following(source.endpoint(port=proxy.port), target) as follower:
        walked(follower)
        assert follower.status.compares_in_drain
        source.client(0).set("here", 1)
        source.client(3).set("there", 1)
        source.client().swapdb(0, 3)
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.in_drain >= 602


def test_keys_that_the_target_loses_show_in_its_counts(pair: Pair) -> None:
    source, target = pair
    fill(source)
    source.client(3).set("lasting", 1)
    source.client(3).set("short", 1, px=30_000)
    with following(source, target) as follower:
        walked(follower)
        target.client(3).delete("lasting", "short")
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.counts == {0: (300, 300), 3: (302, 302)}


def test_counts_that_go_on_to_differ_are_no_proof(pair: Pair, fault_proxy: Callable[..., FaultProxy]) -> None:
    source, target = pair
    fill(source, 50)
    proxy = fault_proxy(target.port, redis=True)

    def one_more(_command: bytes, reply: bytes) -> bytes:
        if b"# Keyspace" not in reply:
            return reply
        return bulk(reply.split(b"\r\n", 1)[1][:-2].replace(b"db3:keys=50", b"db3:keys=51"))

    with following(source, target.endpoint(port=proxy.port)) as follower:
        walked(follower)
        proxy.rewrite_reply("INFO", one_more)
        result = follower.drain()
    assert not result.proved
    assert "In database 3 the source counts 40 keys without an expiry, and the target 41" in str(result.reason)


def test_keys_that_have_expired_and_are_still_counted_are_no_difference(shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0", enable_debug_command="yes"), shared_server("redis-8.2", 2)
    fill(source, 50)
    # Nothing is removed there before somebody asks for it.
    source.client().execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    try:
        with source.client().pipeline(transaction=False) as pipeline:
            for number in range(100):
                pipeline.set(f"short:{number}", 1, px=1)
            pipeline.execute()
        with following(source, target) as follower:
            walked(follower)
            assert_proved(follower.drain(), source, target)
    finally:
        source.client().execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_what_a_killed_run_left_is_no_difference(pair: Pair) -> None:
    source, target = pair
    left = {f"__redis_migration_tmp:{{1}}:0123456789abcdef:{number}": "half" for number in range(3)}
    source.client().mset(left | {"key": "value"})
    with following(source, target) as follower:
        walked(follower)
        result = follower.drain(20)
    assert result.proved
    assert target.client().keys() == [b"key"]


def test_a_selection_is_not_counted(pair: Pair) -> None:
    source, target = pair
    fill(source, 50)
    target.client().set("other", 1)
    with following(source, target, match=["mixed:1*"]) as follower:
        walked(follower)
        assert follower.drain().proved


def test_a_key_of_the_target_that_the_source_creates_later_is_no_extra(pair: Pair) -> None:
    source, target = pair
    fill(source, 50)
    target.client().set("later", "theirs")
    with following(source, target) as follower:
        walked(follower)
        source.client().set("later", "ours")
        assert_proved(follower.drain(), source, target)


def fill_streams(source: RedisServer) -> redis.Redis:
    """A hundred streams, each with a group. Returns the client that made them."""
    client = source.client()
    for number in range(100):
        client.xadd(f"stream:{number}", {"f": 1}, "1-1")
        client.xgroup_create(f"stream:{number}", "old", "0")
    return client


def test_only_streams_with_groups_are_looked_at(pair: Pair) -> None:
    """These always: an XREADGROUP that blocks is not counted (test_odd_source.py)."""
    source, target = pair
    client = fill_streams(source)
    for number in range(50):
        client.xadd(f"without groups:{number}", {"f": 1}, "1-1")
    with following(source, target) as follower:
        walked(follower)
        client.xadd("stream:1", {"f": 2}, "1-2")
        result = follower.drain()
        assert_proved(result, source, target)
        assert result.in_drain == 100
        client.xreadgroup("old", "reader", {"stream:2": ">"})
        assert_proved(follower.drain(), source, target)


def test_more_streams_than_are_held(pair: Pair) -> None:
    source, target = pair
    client = fill_streams(source)
    with following(source, target, most_bytes=8000) as follower:
        walked(follower)
        assert follower.status.compares_in_drain
        for number in range(100):
            client.xgroup_create(f"stream:{number}", "new", "0")
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.in_drain >= 100


def test_names_compared_in_the_drain_are_bounded(pair: Pair) -> None:
    source, target = pair
    fill(source, 50)
    with following(source, target, most_bytes=40_000) as follower:
        walked(follower)
        for _part in range(3):
            source.client(3).mset({f"many:{number}": 1 for number in range(200)})
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.in_drain >= 200


@pytest.mark.parametrize("ends", [True, False], ids=["for a moment", "all the time"])
def test_a_target_that_evicts(ends: bool, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    with source.client().pipeline(transaction=False) as pipeline:
        for number in range(400):
            pipeline.set(f"key:{number}", "x" * 4000)
        pipeline.execute()
    admin = target.admin()
    with following(source, target) as follower:
        walked(follower)
        used = admin.info("memory")["used_memory"]
        admin.config_set("maxmemory-policy", "allkeys-random")
        admin.config_set("maxmemory", used - 400_000)
        target.client().set("key:0", "y")
        if ends:
            admin.config_set("maxmemory", 0)
        result = follower.drain(4)
        if ends:
            assert_proved(result, source, target)
            assert follower.evictions
            return
    assert not result.proved
    assert re.search(r"The target evicts keys \(\d+ since the run began\)", str(result.reason))
