# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The feed of changes names whatever changes, says when it cannot, and its barrier holds, on each server."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.feed import Feed, FeedRefused, News
from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.rules import Rules
from tests.conftest import ServerFactory
from tests.support.faultproxy import FaultProxy
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend

from .conftest import SharedServer

SERVERS = ("redis-6.2", "redis-7.0", "redis-8.2", "valkey-9")
EACH_SERVER = pytest.mark.parametrize("name", SERVERS)


@contextmanager
def feed_of(server: RedisServer, most_bytes: int = 1 << 20, **fields: Any) -> Iterator[Feed]:
    feed = Feed(parse_endpoint(server.endpoint(**fields), "source"), most_bytes)
    try:
        feed.open()
        yield feed
    finally:
        feed.close()


def barrier(feed: Feed, rules: Rules | None = None) -> tuple[set[bytes], bool]:
    """Everything that has changed up to now: names, and whether it may be any key."""
    rules = rules or Rules()
    rules.feed_opened()
    rules.writers_stopped()
    names: set[bytes] = set()
    everything = False
    deadline = time.monotonic() + 20
    while not rules.all_changes_named:
        assert time.monotonic() < deadline
        if feed.may_ping:
            rules.asked()
            feed.ping()
        feed.wait(0.05)
        news = feed.collect()
        assert news.lost is None, news.lost
        names |= news.names
        everything |= news.everything
        for _pong in range(news.pongs):
            rules.answered()
    return names, everything


def until(feed: Feed, enough: Callable[[News], Any]) -> News:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        feed.wait(0.5)
        news = feed.collect()
        if enough(news):
            return news
    raise AssertionError("it did not come")


# By what is done: commands, and the names that they change beside those with which they begin.
CHANGES: dict[str, list[tuple[Any, ...]]] = {
    "string": [("SET", "k", 1), ("APPEND", "k", 2), ("INCR", "k"), ("SETRANGE", "k", 1, "x"), ("SETBIT", "k", 1, 1)],
    "list": [
        ("RPUSH", "k", 1, 2, 3),
        ("LSET", "k", 0, 9),
        ("LTRIM", "k", 0, 1),
        ("LPOP", "k"),
        ("LINSERT", "k", "BEFORE", 2, 7),
    ],
    "set": [("SADD", "k", 1, 2), ("SREM", "k", 1), ("SPOP", "k")],
    "hash": [("HSET", "k", "f", 1), ("HINCRBY", "k", "f", 1), ("HDEL", "k", "f")],
    "sorted set": [("ZADD", "k", 1, "m", 2, "n"), ("ZINCRBY", "k", 1, "m"), ("ZREM", "k", "n"), ("ZPOPMIN", "k")],
    "stream": [
        ("XADD", "k", "1-1", "f", 1),
        ("XADD", "k", "1-2", "f", 1),
        ("XTRIM", "k", "MAXLEN", 1),
        ("XDEL", "k", "1-2"),
    ],
    "group that makes its stream": [("XGROUP", "CREATE", "k", "g", "0", "MKSTREAM")],
    "HyperLogLog": [("PFADD", "k", 1)],
    "geo": [("GEOADD", "k", 1, 1, "m")],
    "bit field": [("BITFIELD", "k", "SET", "u8", 0, 1)],
    "expiry": [("SET", "k", 1), ("EXPIRE", "k", 100), ("PERSIST", "k"), ("GETEX", "k", "EX", 10)],
    "deletion": [("SET", "k", 1), ("DEL", "k"), ("SET", "k", 1), ("UNLINK", "k"), ("SET", "k", 1), ("GETDEL", "k")],
}


@EACH_SERVER
@pytest.mark.parametrize("kind", CHANGES)
def test_each_change_is_named(name: str, kind: str, shared_server: SharedServer) -> None:
    server = shared_server(name)
    with feed_of(server) as feed, server.client(5) as client:
        for command in CHANGES[kind]:
            client.execute_command(*command)
            assert until(feed, lambda news: news.names).names == {b"k"}, command


@EACH_SERVER
def test_each_key_of_a_change_is_named(name: str, shared_server: SharedServer) -> None:
    server = shared_server(name)
    with feed_of(server) as feed, server.client(1) as client:

        def changed(*command: Any) -> set[bytes]:
            client.execute_command(*command)
            return barrier(feed)[0]

        assert changed("MSET", "a", 1, "b", 2) == {b"a", b"b"}
        assert changed("RENAME", "a", "c") == {b"a", b"c"}
        assert changed("COPY", "c", "d") == {b"d"}
        assert changed("MOVE", "d", 2) == {b"d"}
        assert changed("EVAL", "redis.call('SET', KEYS[1], 1) redis.call('DEL', KEYS[2])", 2, "e", "c") == {b"e", b"c"}
        payload = client.dump("e")
        assert payload is not None
        assert changed("RESTORE", "f", 0, payload) == {b"f"}
        with client.pipeline(transaction=True) as transaction:
            transaction.set("g", 1).rpush("h", 1).execute()
        assert barrier(feed)[0] == {b"g", b"h"}
        assert changed("LMOVE", "h", "i", "LEFT", "LEFT") == {b"h", b"i"}
        assert changed("SADD", "s", 1) == {b"s"}
        assert changed("SUNIONSTORE", "u", "s") == {b"u"}
        assert changed("SORT", "s", "STORE", "sorted") == {b"sorted"}
        client.set("short", 1, px=30)
        assert until(feed, lambda news: news.names).names == {b"short"}
        assert until(feed, lambda news: news.names).names == {b"short"}  # it has expired
        name_of_all = b"\x00\xff\r\n" * 3
        assert changed("SET", name_of_all, 1) == {name_of_all}


@EACH_SERVER
@pytest.mark.parametrize("command", ["FLUSHDB", "FLUSHALL"])
def test_a_flush_may_be_any_key(name: str, command: str, shared_server: SharedServer) -> None:
    server = shared_server(name)
    with feed_of(server) as feed, server.client(3) as client:
        client.execute_command(command)
        assert barrier(feed) == (set(), True)


@EACH_SERVER
def test_what_is_not_named(name: str, shared_server: SharedServer) -> None:
    """Groups, XSETID and SWAPDB: once a server names them too, the look at the end is not needed any more."""
    server = shared_server(name)
    with server.client() as client:
        client.xadd("k", {"f": 1}, "1-1")
        with feed_of(server) as feed:
            client.xgroup_create("k", "g", "0")
            client.xreadgroup("g", "c", {"k": ">"})
            client.xack("k", "g", "1-1")
            client.execute_command("XSETID", "k", "9-9")
            client.swapdb(0, 1)
            assert barrier(feed) == (set(), False)


@EACH_SERVER
@pytest.mark.parametrize("threads", [1, 4])
def test_the_barrier_outlasts_every_change(name: str, threads: int, shared_server: SharedServer) -> None:
    """Harder than in use: PINGs without a pause between them."""
    server = shared_server(name, io_threads=threads)
    trials = int(os.environ.get("TRIALS", "150"))
    written: list[bytes] = []
    done = threading.Barrier(4)
    ended = False

    def write(number: int) -> None:
        with server.client(number) as client:
            while True:
                done.wait()
                if ended:
                    return
                mine = [b"%d:%d" % (number, len(written) + place) for place in range(3)]
                for key in mine:
                    client.set(key, 1)
                written.extend(mine)
                done.wait()

    with feed_of(server) as feed:
        writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
        for writer in writers:
            writer.start()
        try:
            for trial in range(trials):
                written.clear()
                done.wait()
                done.wait()
                rules = Rules()
                rules.feed_opened()
                rules.writers_stopped()
                names: set[bytes] = set()
                while not rules.all_changes_named:
                    if not feed._waits_for_pong:
                        rules.asked()
                        feed.ping()
                    feed.wait(1)
                    news = feed.collect()
                    names |= news.names
                    for _pong in range(news.pongs):
                        rules.answered()
                assert set(written) <= names, (trial, set(written) - names)
        finally:
            ended = True
            done.wait()
            for writer in writers:
                writer.join()


def test_too_many_names_are_said_to_be_too_many(shared_server: SharedServer) -> None:
    server = shared_server("redis-7.0")
    with feed_of(server, most_bytes=20_000) as feed, server.client() as client:
        client.mset({f"key{number}": 1 for number in range(100)})
        assert len(until(feed, lambda news: news.names).names) == 100
        client.mset({f"key{number}": 1 for number in range(1000)})
        assert barrier(feed)[1]
        assert feed.overflows
        assert feed.share_held <= 1
        client.set("one more", 1)
        assert barrier(feed) == ({b"one more"}, False)


def test_a_closed_connection_is_a_lost_feed(shared_server: SharedServer) -> None:
    server = shared_server("redis-8.2")
    with feed_of(server) as feed, server.client() as client:
        client.set("before", 1)
        barrier(feed)
        client.client_kill_filter(_type="normal", skipme=True)
        lost = until(feed, lambda news: news.lost).lost
        assert "closed the connection" in str(lost)
        with pytest.raises(RedisMigrationError, match="closed the connection"):
            feed.ask_identity()


def test_a_silent_connection_is_a_lost_feed(
    shared_server: SharedServer, fault_proxy: Callable[..., FaultProxy]
) -> None:
    server = shared_server("redis-6.2")
    proxy = fault_proxy(server.port)
    with feed_of(server, port=proxy.port, timeout=0.5) as feed:
        time.sleep(0.8)
        assert feed.collect().lost is None  # asked now and then, it has answered
        proxy.swallow()
        assert "did not answer within 0.5 s" in str(until(feed, lambda news: news.lost).lost)


@EACH_SERVER
def test_who_is_there_is_asked_on_the_connection_of_the_feed(name: str, shared_server: SharedServer) -> None:
    server = shared_server(name)
    with feed_of(server) as feed:
        assert feed.identity.known
        now = feed.ask_identity()
        assert feed.identity.same_process(now)
        assert feed.identity.same_data(now)
        server.admin().swapdb(0, 1)
        assert not feed.identity.same_data(feed.ask_identity())


@EACH_SERVER
def test_through_tls(
    name: str, shared_server: SharedServer, tls_frontend: Callable[..., TlsFrontend], authority: Any
) -> None:
    server = shared_server(name)
    frontend = tls_frontend(server.port)
    with (
        feed_of(server, port=frontend.port, tls=True, ca_certs=str(authority.ca_file)) as feed,
        server.client() as client,
    ):
        names = {f"key{number}": "x" for number in range(20_000)}
        client.mset(names)
        assert len(barrier(feed)[0]) + feed.overflows > 0
        client.set("a", 1)
        assert b"a" in barrier(feed)[0]


RIGHTS = "user feeder on >pw resetkeys +hello +ping +info +time +client"


@pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2"])
def test_a_user_with_few_rights(name: str, redis_server: ServerFactory) -> None:
    server = redis_server(name, acl_lines=[RIGHTS])
    with feed_of(server, username="feeder", password="pw") as feed, server.client() as client:
        client.set("a", 1)
        assert barrier(feed)[0] == {b"a"}


def test_a_user_without_the_right(redis_server: ServerFactory) -> None:
    server = redis_server("redis-7.0", acl_lines=[RIGHTS.replace("+client", "-client")])
    with pytest.raises(FeedRefused, match=r"NOPERM.*no feed of changes.*'feeder'"):
        feed_of(server, username="feeder", password="pw").__enter__()


@pytest.mark.parametrize(
    "reply", [b"-ERR unknown command 'HELLO'\r\n", b"-NOPROTO unsupported protocol version\r\n", b"*0\r\n"]
)
def test_a_server_without_it(reply: bytes, shared_server: SharedServer, fault_proxy: Callable[..., FaultProxy]) -> None:
    proxy = fault_proxy(shared_server("redis-6.2").port, redis=True)
    proxy.replace_reply("HELLO", reply)
    with pytest.raises(FeedRefused, match=r"Redis 6\.0 or newer"):
        feed_of(shared_server("redis-6.2"), port=proxy.port).__enter__()


def test_an_odd_reply_is_no_identity(shared_server: SharedServer, fault_proxy: Callable[..., FaultProxy]) -> None:
    proxy = fault_proxy(shared_server("redis-7.0").port, redis=True)
    proxy.replace_reply("TIME", b":7\r\n", skip=1, times=-1)
    with (
        feed_of(shared_server("redis-7.0"), port=proxy.port) as feed,
        pytest.raises(RedisMigrationError, match="answered TIME with a number"),
    ):
        feed.ask_identity()
