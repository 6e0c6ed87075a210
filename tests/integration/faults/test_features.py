# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products that call themselves a version and lack its commands, or have roles of their own."""

from __future__ import annotations

import pytest

from tests.conftest import ServerFactory
from tests.support import engine
from tests.support.attempt import Watch, attempt
from tests.support.faultproxy import FaultProxy
from tests.support.replies import bulk, words_of
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]


def unknown(name: str) -> bytes:
    return b"-ERR unknown command '%b', with args beginning with: \r\n" % name.encode()


def without(proxy: FaultProxy, *names: str, told: bool = True) -> None:
    """A server that does not know these commands; `told`: and says so to COMMAND INFO."""
    for name in names:
        proxy.replace_reply(name, unknown(name), times=-1)

    def tell(command: bytes, reply: bytes) -> bytes:
        if not told:
            return unknown("COMMAND")
        return b"*2\r\n*-1\r\n*-1\r\n" if words_of(command)[1:2] == [b"INFO"] else reply

    proxy.rewrite_reply("COMMAND", tell)


@pytest.fixture
def pair(redis_server: ServerFactory) -> Pair:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    with source.client() as client:
        client.hset("large", mapping={f"field:{index}": "x" * 50 for index in range(2000)})
        client.set("expires", "x", px=3_600_000)
    return source, target


@pytest.mark.parametrize("strategy", ["copy", "rebuild"])
def test_a_7_4_without_its_commands_is_moved(pair: Pair, strategy: str) -> None:
    watch = Watch(*pair)
    with FaultProxy(pair[0].port, redis=True) as proxy:
        without(proxy, "PEXPIRETIME", "HPEXPIRETIME")
        source = pair[0].endpoint(port=proxy.port)
        tried = attempt(source, pair[1], strategy=strategy, large_key_bytes=20_000)
        assert engine.moved(tried.ok) == {"scanned": 2, "copied": 2}, tried.result["failures"]
        assert engine.diff(source, pair[1])["identical"]
    watch.settle(tried)


def test_the_first_reply_tells_too(pair: Pair) -> None:
    """Neither end says what it knows; expiries are asked in the older way."""
    with FaultProxy(pair[0].port, redis=True) as proxy, FaultProxy(pair[1].port, redis=True) as other:
        for one in (proxy, other):
            without(one, "PEXPIRETIME", told=False)
        source, target = pair[0].endpoint(port=proxy.port), pair[1].endpoint(port=other.port)
        assert engine.moved(attempt(source, target).ok)["copied"] == 2
        assert engine.diff(source, target)["identical"]


@pytest.mark.parametrize("role", [b"active-replica", b"multi-master"])
def test_a_role_of_its_own_takes_writes(pair: Pair, role: bytes) -> None:
    def rewrite(_command: bytes, reply: bytes) -> bytes:
        return (
            bulk(reply.split(b"\r\n", 1)[1][:-2].replace(b"role:master", b"role:" + role))
            if reply[:1] == b"$"
            else reply
        )

    with FaultProxy(pair[1].port, redis=True) as proxy:
        proxy.rewrite_reply("INFO", rewrite)
        assert engine.moved(attempt(pair[0], pair[1].endpoint(port=proxy.port)).ok)["copied"] == 2
