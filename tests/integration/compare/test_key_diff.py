# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The comparison finds every kind of difference, names it, and finds nothing where data is equal."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.engine import RedisMigrationError
from tests.support.left_out import need_server
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]
Change = Callable[[redis.Redis], object]


@pytest.fixture(
    scope="module", params=[("redis-6.2", "redis-8.2"), ("redis-8.2", "redis-8.2"), ("redis-7.0", "valkey-9")]
)
def equal_pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Two servers that hold the same, database 2 of it large; tests take their changes back."""
    source_name, target_name = request.param
    need_server(source_name)
    need_server(target_name)
    with RedisServer(source_name) as source, RedisServer(target_name) as target:
        dataset.fill(source.client, databases=(2,), size="medium")
        engine.migrate(source, target)
        yield source, target


def rewritten(client: redis.Redis, name: str, new: Change) -> None:
    client.delete(name)
    new(client)


# Change at the target, the key, and the kind and detail of the difference that it must make.
CHANGES: dict[str, tuple[Change, str, str, str]] = {
    "missing": (lambda c: c.delete("list:one"), "list:one", "missing", "not at the target"),
    "extra": (lambda c: c.set("only here", 1), "only here", "extra", "not at the source"),
    "type": (
        lambda c: rewritten(c, "set:small", lambda c: c.rpush("set:small", "a")), "set:small", "type", "set.*list",
    ),
    "string": (lambda c: c.setrange("string:0", 0, "x"), "string:0", "value", "byte"),
    "string to empty": (lambda c: c.set("string:1", ""), "string:1", "value", "bytes"),
    "one byte of a large string": (lambda c: flip(c, "string:1mb", 777_777), "string:1mb", "value", "byte"),
    "one byte of a value in a large hash": (
        lambda c: c.hset("hash:large", "field:150000", flipped(c.hget("hash:large", "field:150000"))),
        "hash:large", "value", "field:150000",
    ),
    "a field of a large hash replaced": (
        lambda c: (c.hdel("hash:large", "field:7"), c.hset("hash:large", "field:x", "1")), "hash:large", "value", "field",
    ),
    "a field of a large hash missing": (lambda c: c.hdel("hash:large", "field:7"), "hash:large", "value", "elements|field"),
    "a field of a small hash": (lambda c: c.hset("hash:small", "name", "Bda"), "hash:small", "value", "name"),
    "the score of one in a large sorted set": (
        lambda c: c.zadd("zset:large", {"member:99999": 1.5}), "zset:large", "value", "member:99999",
    ),
    "the last digit of a score": (
        lambda c: c.zadd("zset:scores", {"member:4": 0.3}), "zset:scores", "value", "member:4",
    ),
    "a member of a large set": (
        lambda c: (c.spop("set:many"), c.sadd("set:many", "a stranger")), "set:many", "value", "member",
    ),
    "an element of a long list": (lambda c: c.lset("list:long", 4321, b"\0"), "list:long", "value", "element 4321"),
    "a list turned round": (
        lambda c: rewritten(c, "queue:{jobs}", lambda c: c.rpush("queue:{jobs}", *JOBS)), "queue:{jobs}", "value", "element",
    ),
    "a sparse HyperLogLog": (lambda c: c.pfadd("hll:sparse", "one more"), "hll:sparse", "value", ""),
    "the field of a stream's entry": (
        lambda c: rewritten(c, "stream:one", lambda c: c.xadd("stream:one", {"only": "Entry"}, id="1-1")),
        "stream:one", "value", "entry|entries",
    ),
    "an entry of a long stream": (lambda c: c.xdel("stream:orders", "2500-0"), "stream:orders", "value", ""),
    "the last ID of a stream": (lambda c: c.execute_command("XSETID", "stream:ahead", "100-1"), "stream:ahead", "value", "last"),
    "a consumer group": (lambda c: c.xgroup_destroy("stream:group-only", "waiting"), "stream:group-only", "value", "group"),
    "a group's last delivered ID": (
        lambda c: c.xgroup_setid("stream:orders", "idle group", "1020-0"), "stream:orders", "value", "idle group.*delivered",
    ),
    "one pending entry": (lambda c: c.xack("stream:orders", "billing", "1002-0"), "stream:orders", "value", "billing.*pending"),
    "the owner of a pending entry": (
        lambda c: c.xclaim("stream:orders", "billing", "carol", 0, ["1002-0"], justid=True),
        "stream:orders", "value", "billing.*(pending|consumers)",
    ),
    "the delivery count of a pending entry": (
        lambda c: c.xclaim("stream:orders", "billing", "bob", 0, ["1002-0"], retrycount=18, idle=5),
        "stream:orders", "value", "billing",
    ),
    "an idle consumer": (
        lambda c: c.execute_command("XGROUP", "CREATECONSUMER", "stream:orders", "billing", "zoe"),
        "stream:orders", "value", "billing.*consumers",
    ),
    "a later expiry": (
        lambda c: c.pexpireat("ttl:hash:2", c.pexpiretime("ttl:hash:2") + 500), "ttl:hash:2", "ttl", r"(49|50)\d ms later",
    ),
    "an earlier expiry": (
        lambda c: c.pexpireat("ttl:zset:5", c.pexpiretime("ttl:zset:5") - 500), "ttl:zset:5", "ttl", r"(49|50)\d ms earlier",
    ),
    "an expiry at the source only": (lambda c: c.persist("ttl:string:1"), "ttl:string:1", "ttl", "at the source only"),
    "an expiry at the target only": (lambda c: c.pexpire("string:5", 9_999_999), "string:5", "ttl", "at the target only"),
    "an expiry of a large key": (lambda c: c.pexpire("hash:large", 9_999_999), "hash:large", "ttl", "at the target only"),
}  # fmt: skip

JOBS = [f'{{"id":{number}}}' for number in range(30)]


def flipped(value: Any) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def flip(client: redis.Redis, name: str, at: int) -> None:
    client.setrange(name, at, flipped(client.getrange(name, at, at)))


@pytest.mark.parametrize("name", CHANGES)
def test_one_difference_is_found_and_nothing_else(name: str, equal_pair: Pair) -> None:
    source, target = equal_pair
    change, key, kind, expected = CHANGES[name]
    client = target.client(2)
    change(client)
    try:
        # Among all keys where that tells most, as it takes its time.
        among_all = name in ("missing", "extra", "type", "one pending entry", "an expiry at the target only")
        found = engine.diff(source, target, match=[] if among_all else [key])
        assert [(one["key"], one["kind"]) for one in found["differences"]] == [(key, kind)]
        (difference,) = found["differences"]
        assert base64.b64decode(difference["key_base64"]) == key.encode()
        assert difference["database"] == 2
        assert re.search(expected, difference["detail"]), difference
        assert not found["identical"]
        column = {"missing": "missing", "extra": "extra"}.get(kind, "different")
        assert found["databases"]["2"][column] == found["totals"][column] == 1
        assert sum(found["totals"][name] for name in ("missing", "extra", "different")) == 1

        metadata = engine.diff(source, target, level="metadata", match=[key])
        assert metadata["identical"] == (kind == "value")
        names = engine.diff(source, target, level="keys", match=[key])
        assert names["identical"] == (kind not in ("missing", "extra"))
    finally:
        # Put right by the engine itself, as a person would.
        engine.migrate(source, target, prune=True, match=[key])
    assert engine.diff(source, target, match=[key])["identical"]


def test_order_is_no_difference(server_pair: Pair) -> None:
    source, target = server_pair
    for server, step in ((source, 1), (target, -1)):
        client = server.client()
        numbers = list(range(3000))[::step]
        client.hset("hash", mapping={f"field:{number}": number for number in numbers})
        client.sadd("set", *[f"m{number}" for number in numbers])
        client.sadd("ints", *numbers)
        client.zadd("zset", {f"m{number}": number % 7 for number in numbers})
        client.hset("small", mapping={f"f{number}": number for number in numbers[:10] + numbers[-10:]} | {})
    target.client().delete("small")
    target.client().hset("small", mapping=dict(reversed(list(source.client().hgetall("small").items()))))
    assert engine.diff(source, target)["identical"]
    assert engine.migrate(source, target)["totals"]["unchanged"] == 5


def test_scores_are_numbers(server_pair: Pair) -> None:
    source, target = server_pair
    source.client().execute_command("ZADD", "z", "1e3", "a", "0.1", "b", "-0", "c", "inf", "d")
    target.client().execute_command("ZADD", "z", "1000", "a", "0.10000000000000001", "b", "0", "c", "+inf", "d")
    assert engine.diff(source, target)["identical"]


def test_the_number_of_differences_told_is_limited_and_the_counters_are_not(server_pair: Pair) -> None:
    source, target = server_pair
    source.client().mset({f"missing:{number}": 1 for number in range(3000)})
    target.client(1).mset({f"extra:{number}": 1 for number in range(2000)})
    for most in (0, 7, 100):
        found = engine.diff(source, target, max_differences=most)
        assert len(found["differences"]) == most
        assert (found["totals"]["missing"], found["totals"]["extra"]) == (3000, 2000)


def test_the_tolerance_for_expiries(server_pair: Pair) -> None:
    source, target = server_pair
    at = int(source.client().time()[0]) * 1000 + 3_600_000
    for server, late in ((source, 0), (target, 400)):
        server.client().set("a", 1)
        server.client().pexpireat("a", at + late)
    assert engine.diff(source, target, ttl_tolerance_ms=300)["totals"]["different"] == 1
    assert engine.diff(source, target, ttl_tolerance_ms=500)["identical"]
    assert engine.migrate(source, target, ttl_tolerance_ms=500)["totals"]["unchanged"] == 1
    assert engine.migrate(source, target, ttl_tolerance_ms=300)["totals"]["updated"] == 1


def test_hash_fields_that_expire(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    for count, name in ((10, "small"), (100_000, "large")):
        source.client().hset(name, mapping={f"f{number}": number for number in range(count)})
    engine.migrate(source, target)
    for name in ("small", "large"):
        target.client().execute_command("HPEXPIRE", name, 5_000_000, "FIELDS", 1, "f3")
        found = engine.diff(source, target)
        assert [(one["key"], one["kind"]) for one in found["differences"]] == [(name, "ttl")]
        assert "f3" in found["differences"][0]["detail"]
        engine.migrate(source, target)
        assert engine.diff(source, target)["identical"]


@pytest.mark.parametrize("kind", ["list", "hash", "set", "zset", "stream"])
def test_large_elements_are_compared_within_bounds(kind: str, server_pair: Pair) -> None:
    """Pieces are bounded by bytes: five hundred elements of half a megabyte are no piece."""
    source, target = server_pair
    write: dict[str, Callable[[redis.Redis, int, bytes], object]] = {
        "list": lambda client, _number, value: client.rpush("k", value),
        "hash": lambda client, number, value: client.hset("k", number, value),
        "set": lambda client, _number, value: client.sadd("k", value),
        "zset": lambda client, number, value: client.zadd("k", {value: number}),
        "stream": lambda client, number, value: client.xadd("k", {"f": value}, id=f"{number + 1}-0"),
    }
    for server in server_pair:
        with server.client() as client:
            for number in range(200):
                write[kind](client, number, b"%03d" % number + b"v" * 500_000)
    assert engine.diff(source, target)["identical"]
    client = target.client()
    other = b"199" + b"v" * 499_999 + b"w"
    {
        "list": lambda: client.lset("k", 199, other),
        "hash": lambda: client.hset("k", 199, other),
        "set": lambda: (client.srem("k", b"199" + b"v" * 500_000), client.sadd("k", other)),
        "zset": lambda: client.zadd("k", {b"199" + b"v" * 500_000: 198}),
        "stream": lambda: (client.xdel("k", "150-0"), source.client().xdel("k", "151-0")),
    }[kind]()
    found = engine.diff(source, target)
    assert found["totals"]["different"] == 1
    assert [one["kind"] for one in found["differences"]] == ["value"]


def test_sizes_that_memory_usage_guesses_wrong(server_pair: Pair) -> None:
    """MEMORY USAGE looks at five elements; the large one is none of them."""
    source, target = server_pair
    with source.client().pipeline(transaction=False) as pipeline:
        for number in range(100):
            pipeline.rpush(f"list:{number}", *[b"x" * 5000] * 50, b"y" * 1_000_000)
        pipeline.execute()
    engine.migrate(source, target)
    assert engine.diff(source, target)["identical"]
    target.client().lset("list:50", 50, b"y" * 999_999 + b"z")
    assert engine.diff(source, target)["totals"]["different"] == 1


def test_a_comparison_writes_nothing_and_disturbs_no_lru(server_pair: Pair) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0, 1))
    engine.migrate(source, target)
    writes = source.write_calls(), target.write_calls()
    engine.diff(source, target)
    assert (source.write_calls(), target.write_calls()) == writes


def test_keys_that_expire_meanwhile_are_no_difference(server_pair: Pair) -> None:
    source, target = server_pair
    at = int(source.client().time()[0]) * 1000 + 1500
    for server in server_pair:
        with server.client().pipeline(transaction=False) as pipeline:
            for number in range(5000):
                pipeline.set(f"soon:{number}", number)
                pipeline.pexpireat(f"soon:{number}", at + number % 500)
            pipeline.execute()
    for level in ("keys", "metadata", "values") * 3:
        found = engine.diff(source, target, level=level)
        assert found["identical"], found["differences"][:3]


def test_an_unknown_level_is_refused_by_the_module_and_a_wrong_end_by_both(redis_server: ServerFactory) -> None:
    server = redis_server("redis-6.2")
    server.client().set("a", 1)
    with pytest.raises(RedisMigrationError, match=r"same server"):
        engine.diff(server, server)
