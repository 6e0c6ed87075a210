# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source whose clock is another one: its keys end at the target when the source would have ended them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import ServerFactory
from tests.support import engine
from tests.support.attempt import attempt
from tests.support.faultproxy import FaultProxy
from tests.support.run import run_module
from tests.support.servers import RedisServer

DAY = 86_400_000

# What a measurement on a busy machine may be wrong by, in milliseconds.
NOISE = 500

# By which the keys of the source expire, in milliseconds from now.
LEFT = {b"hour": 3_600_000, b"two days": 2 * DAY, b"minute": 60_000}


class OtherClock(FaultProxy):
    """A server behind it seems to have a clock that is `ahead` milliseconds ahead (of what is read there)."""

    def __init__(self, port: int, ahead: int) -> None:
        super().__init__(port, redis=True)
        self._ahead = ahead

    def __enter__(self) -> Any:
        made = super().__enter__()
        self.rewrite_reply("TIME", self._time)
        for command in ("PEXPIRETIME", "HPEXPIRETIME"):
            self.rewrite_reply(command, lambda _command, reply: re.sub(rb":(\d+)", self._later, reply))
        return made

    def _later(self, found: re.Match[bytes]) -> bytes:
        return b":%d" % (int(found[1]) + self._ahead)

    def _time(self, _command: bytes, reply: bytes) -> bytes:
        _count, _size, seconds, size, rest = reply.split(b"\r\n", 4)
        later = b"%d" % (int(seconds) + self._ahead // 1000)
        return b"*2\r\n$%d\r\n%b\r\n%b\r\n%b" % (len(later), later, size, rest)


@pytest.fixture(params=["redis-6.2", "redis-8.2"])
def servers(request: pytest.FixtureRequest, redis_server: ServerFactory) -> tuple[RedisServer, RedisServer]:
    """Where expiries are asked as TIME + PTTL, and where as PEXPIRETIME."""
    source, target = redis_server(request.param), redis_server("redis-8.2")
    with source.client() as client:
        for key, left in LEFT.items():
            client.set(key, "x", px=left)
            client.rpush(b"list " + key, "x")
            client.pexpire(b"list " + key, left)
        client.set("for ever", "x")
    return source, target


@pytest.fixture(params=[-DAY, DAY, -3000], ids=["a day behind", "a day ahead", "3 s behind"])
def proxy(request: pytest.FixtureRequest, servers: tuple[RedisServer, RedisServer]) -> Iterator[OtherClock]:
    with OtherClock(servers[0].port, request.param) as made:
        yield made


def assert_left(source: RedisServer, target: RedisServer) -> None:
    """Every key has as much time left at both ends."""
    with source.client() as here, target.client() as there:
        names = sorted(here.scan_iter())
        assert sorted(there.scan_iter()) == names
        for name in names:
            mine, its = here.pttl(name), there.pttl(name)
            assert (mine < 0) == (its < 0) and abs(mine - its) <= NOISE, (name, mine, its)


@pytest.mark.parametrize("strategy", ["copy", "rebuild"])
def test_keys_end_when_the_source_would_have_ended_them(
    servers: tuple[RedisServer, RedisServer], proxy: OtherClock, strategy: str
) -> None:
    source = servers[0].endpoint(port=proxy.port)
    tried = attempt(source, servers[1], strategy=strategy)
    assert engine.moved(tried.ok) == {"scanned": 7, "copied": 7}
    assert abs(tried.ok["clock_difference_ms"]) > 2500
    assert_left(*servers)
    found = engine.diff(source, servers[1])
    assert found["identical"], found["differences"]
    again = attempt(source, servers[1], strategy=strategy)
    assert engine.moved(again.ok) == {"scanned": 7, "unchanged": 7}


def test_other_expiries_are_found_all_the_same(servers: tuple[RedisServer, RedisServer], proxy: OtherClock) -> None:
    """Carried without regard to the clocks: the same numbers, other moments."""
    engine.migrate(servers[0], servers[1])
    with servers[1].client() as client:
        client.pexpire("hour", 3_000_000)
    found = engine.diff(servers[0].endpoint(port=proxy.port), servers[1])
    assert [(one["key"], one["kind"]) for one in found["differences"]] == [("hour", "ttl")]


def test_both_modules_warn(servers: tuple[RedisServer, RedisServer], proxy: OtherClock) -> None:
    source = servers[0].endpoint(port=proxy.port)
    for name in ("redis_migrate_keys", "redis_key_diff"):
        done = run_module(name, source=source, target=servers[1].endpoint()).ok
        assert any("clock is" in str(warning) for warning in done["warnings"]), done


@pytest.mark.parametrize("strategy", ["copy", "rebuild"])
def test_fields_of_hashes_too(redis_server: ServerFactory, strategy: str) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    with source.client() as client:
        client.hset("hash", mapping={"stays": "1", "goes": "2"})
        client.execute_command("HPEXPIRE", "hash", 3_600_000, "FIELDS", 1, "goes")
    with OtherClock(source.port, -DAY) as proxy:
        end = source.endpoint(port=proxy.port)
        assert not attempt(end, target, strategy=strategy).error
        with source.client() as here, target.client() as there:
            ask = ("HPTTL", "hash", "FIELDS", 2, "stays", "goes")
            mine, its = here.execute_command(*ask), there.execute_command(*ask)
        assert mine[0] == its[0] == -1 and abs(mine[1] - its[1]) <= NOISE, (mine, its)
        assert engine.diff(end, target)["identical"]


def test_clocks_that_agree_within_a_second_change_nothing(servers: tuple[RedisServer, RedisServer]) -> None:
    with OtherClock(servers[0].port, 0) as proxy:
        assert not attempt(servers[0].endpoint(port=proxy.port), servers[1]).error
    with servers[0].client() as here, servers[1].client() as there:
        for key in LEFT:
            assert abs(here.pttl(key) - there.pttl(key)) <= NOISE
