# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparison must see every kind of difference, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import redis

from tests.support import dataset
from tests.support.oracle import Difference, compare, report
from tests.support.servers import RedisServer

Change = Callable[[redis.Redis], object]


@pytest.fixture(scope="module")
def twins() -> Iterator[tuple[RedisServer, RedisServer]]:
    """Two servers with the same data: the second was a replica of the first."""
    with RedisServer("redis-8.2") as left, RedisServer("redis-8.2") as right:
        dataset.fill(left.client, databases=(0, 3))
        dataset.fill_hash_ttls(left.client(3))
        right.replicaof(left)
        right.promote()
        yield left, right


def _bump_last_element(client: redis.Redis, key: str) -> None:
    client.lset(key, -1, "changed")


def _redeliver(client: redis.Redis) -> None:
    client.xclaim("stream:orders", "billing", "bob", 0, ["1002-0"], retrycount=18, idle=0, justid=True)


def _deliver_later(client: redis.Redis) -> None:
    entry = client.xpending_range("stream:orders", "billing", "1004-0", "1004-0", 1)[0]
    client.xclaim(
        "stream:orders",
        "billing",
        entry["consumer"],
        0,
        ["1004-0"],
        retrycount=entry["times_delivered"],
        idle=entry["time_since_delivered"] + 500,
    )


PLANTED: dict[str, tuple[str, str, Change]] = {
    "missing": ("string:1", "missing", lambda client: client.delete("string:1")),
    "extra": ("new", "extra", lambda client: client.set("new", 1)),
    "type": ("list:one", "type", lambda client: client.delete("list:one") and client.set("list:one", "")),
    "ttl": ("ttl:hash:2", "ttl", lambda client: client.pexpire("ttl:hash:2", client.pttl("ttl:hash:2") + 200)),
    "ttl on the left only": ("ttl:string:0", "ttl", lambda client: client.persist("ttl:string:0")),
    "ttl on the right only": ("string:2", "ttl", lambda client: client.expire("string:2", 1000)),
    "a byte": ("string:1mb", "value", lambda client: client.setrange("string:1mb", 999_999, b"!!")),
    "a list element": ("list:long", "value", lambda client: _bump_last_element(client, "list:long")),
    "a set member": ("set:many", "value", lambda client: client.spop("set:many") and client.sadd("set:many", "x")),
    "a hash value": ("hash:large", "value", lambda client: client.hset("hash:large", "field:1999", "x")),
    "a score": ("zset:large", "value", lambda client: client.zincrby("zset:large", 1e-7, "member:7")),
    "a hash field's ttl": ("hash:ttl:1", "value", lambda client: client.hpersist("hash:ttl:1", "field:3")),
    "a stream's last id": ("stream:one", "value", lambda client: client.execute_command("XSETID", "stream:one", "9-9")),
    "a stream entry": ("stream:shapes", "value", lambda client: client.xdel("stream:shapes", "1-1")),
    "a stream's group": ("stream:one", "value", lambda client: client.xgroup_create("stream:one", "g", id="0")),
    "a group's position": (
        "stream:orders",
        "value",
        lambda client: client.xgroup_setid("stream:orders", "idle group", "1001-0"),
    ),
    "an idle consumer": (
        "stream:orders",
        "value",
        lambda client: client.xgroup_createconsumer("stream:orders", "billing", "eve"),
    ),
    "a pending entry": ("stream:orders", "value", lambda client: client.xack("stream:orders", "billing", "1002-0")),
    "a delivery count": ("stream:orders", "value", _redeliver),
    "a delivery time": ("stream:orders", "value", _deliver_later),
    "a register of a hyperloglog": ("hll:dense", "value", lambda client: client.pfadd("hll:dense", *range(50))),
}


def test_replicas_are_equal(twins: tuple[RedisServer, RedisServer]) -> None:
    assert compare(*twins) == []


@pytest.mark.parametrize("name", PLANTED)
def test_planted_difference_is_found(twins: tuple[RedisServer, RedisServer], name: str) -> None:
    key, kind, change = PLANTED[name]
    left, right = twins
    database = 3 if key.startswith("hash:ttl") else 0
    client = right.client(database)
    kept, expiry = client.dump(key), client.pexpiretime(key) if client.exists(key) else 0
    change(client)
    try:
        found = compare(left, right)
        assert [(one.database, one.key, one.kind) for one in found] == [(database, key.encode(), kind)], report(found)
        back = compare(right, left)
        assert len(back) == 1, report(back)
    finally:
        client.delete(key)
        if kept is not None:
            client.restore(key, max(expiry, 0), kept, absttl=True)
    assert compare(left, right) == []


def test_order_and_age_of_unordered_types_are_no_difference(server_pair: tuple[RedisServer, RedisServer]) -> None:
    left, right = (server.client() for server in server_pair)
    for numbers, client in ((range(400), left), (range(399, -1, -1), right)):
        for number in numbers:
            client.hset("hash", f"f{number}", number)
            client.sadd("set", f"m{number}")
            client.zadd("zset", {f"m{number}": number / 7})
    assert compare(*server_pair) == []


def test_databases_map_and_filter(server_pair: tuple[RedisServer, RedisServer]) -> None:
    left, right = server_pair
    left.client(0).set("a", 1)
    right.client(4).set("a", 1)
    right.client(7).set("b", 1)
    assert compare(left, right, database_map={0: 4}) == [Difference(7, b"b", "extra", "in right database 7")]
    assert compare(left, right, databases=[0], database_map={0: 4}) == []
    assert compare(left, right, database_map={0: 4}, key_filter=lambda _database, key: key == b"a") == []
    assert {one.kind for one in compare(left, right)} == {"missing", "extra"}


def test_expiry_of_an_old_server_is_exact(server_pair: tuple[RedisServer, RedisServer]) -> None:
    left, right = server_pair  # PTTL on the left, PEXPIRETIME on the right
    for server in server_pair:
        server.client().set("k", 1, pxat=4_102_444_800_000)
    assert compare(left, right, ttl_tolerance_ms=0) == []
    right.client().pexpireat("k", 4_102_444_800_100)
    assert [one.kind for one in compare(left, right)] == ["ttl"]


def test_key_that_expires_meanwhile_is_no_difference(server_pair: tuple[RedisServer, RedisServer]) -> None:
    left, right = server_pair
    for server in server_pair:
        dataset.fill_benchmark(server.client(), "strings100", 5000)
    for server in server_pair:
        dataset.add_short_ttls(server.client(), 500, 400)
    for _round in range(5):
        assert compare(left, right, ttl_tolerance_ms=1000) == []
