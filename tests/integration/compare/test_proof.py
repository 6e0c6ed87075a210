# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many small keys are proved equal at once, across formats too; not one that differs among them is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from tests.conftest import ServerFactory
from tests.integration.faults.test_odd_replies import NOTHING, ODD, OddReplies
from tests.support import engine
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]
KINDS = ("string", "list", "set", "hash", "zset", "stream")
EACH = 40

# Texts that look like replies, and what else is not plain.
HOSTILE = [b"-1", b"-ERR odd\r\n", b"\r\n-ERR odd\r\n", b"*0\r\n", b"$-1\r\n", b"", b"$66", b"*2\r\n$1\r\n0\r\n*"]
HOSTILE += [b"$17\r\nlast-generated-id\r\n$3\r\n1-0\r\n$6\r\ngroups\r\n:0\r\n$11\r\nfirst-entry\r\n"]


def fill(client: redis.Redis, texts: list[bytes]) -> None:
    with client.pipeline(transaction=False) as pipeline:
        for number in range(EACH):
            pipeline.set(f"string:{number}", texts[number % len(texts)] + b"%d" % number)
            pipeline.rpush(f"list:{number}", *texts)
            pipeline.sadd(f"set:{number}", *texts)
            pipeline.hset(f"hash:{number}", mapping=dict(zip(texts, reversed(texts), strict=True)))
            pipeline.zadd(f"zset:{number}", {text: (number + 1) / (at + 3) for at, text in enumerate(texts)})
            for at, text in enumerate(texts, 1):
                pipeline.xadd(f"stream:{number}", {b"f" + text: text}, id=f"{at}-0")
        pipeline.execute()


def test_what_differs_is_found_among_many(upgrade_pair: Pair) -> None:
    source, target = upgrade_pair
    fill(source.client(), HOSTILE)
    engine.migrate(source, target)
    assert engine.diff(source, target)["identical"]

    client = target.client()
    first, middle = HOSTILE[:2]
    changes: dict[str, Callable[[], object]] = {
        "string:7": lambda: client.append("string:7", "x"),
        "list:7": lambda: client.lset("list:7", 1, middle + b"x"),
        "list:8": lambda: (client.lset("list:8", 0, middle), client.lset("list:8", 1, first)),
        "set:7": lambda: (client.srem("set:7", middle), client.sadd("set:7", middle + b"x")),
        "hash:7": lambda: client.hset("hash:7", middle, "another"),
        "hash:8": lambda: (client.hdel("hash:8", middle), client.hset("hash:8", middle + b"x", HOSTILE[-2])),
        "zset:7": lambda: client.zincrby("zset:7", 1e-9, middle),
        "stream:7": lambda: client.xdel("stream:7", "2-0"),
        "stream:8": lambda: client.execute_command("XSETID", "stream:8", "99-0"),
        "stream:9": lambda: client.xgroup_create("stream:9", "group", "0"),
        "string:9": lambda: client.pexpire("string:9", 3_600_000),
        "list:9": lambda: client.rename("set:9", "list:9"),
        "hash:9": lambda: client.delete("hash:9"),
    }
    for change in changes.values():
        change()
    found = engine.diff(source, target)
    kinds = {one["key"]: one["kind"] for one in found["differences"]}
    others = {"string:9": "ttl", "list:9": "type", "set:9": "missing", "hash:9": "missing"}
    assert kinds == {**dict.fromkeys(changes, "value"), **others}
    assert found["totals"]["source_keys"] == EACH * len(KINDS)


@pytest.mark.parametrize("source", ["redis-6.2", "redis-8.2"])
def test_what_differs_is_found_among_large_values(source: str, redis_server: ServerFactory) -> None:
    """These are taken apart as they arrive, strings as well as payloads; the first of them are not, as nobody knows yet."""
    pair = redis_server(source), redis_server("redis-8.2")
    here, there = pair[0].client(), pair[1].client()
    names = [f"big:{number}" for number in range(3000)]
    here.mset({name: b"%06d" % number + b"$-1\r\n-ERR " * 300 for number, name in enumerate(names)})
    for number in range(200):
        here.rpush(f"big:list:{number}", *[b"\r\n-ERR odd%d" % number + b"x" * 50] * 60)
    engine.migrate(*pair)
    assert engine.diff(*pair)["identical"]
    changes: dict[str, Callable[[], object]] = {
        "big:1": lambda: there.setrange("big:1", 3000, "y"),
        "big:700": lambda: there.append("big:700", "y"),
        "big:1400": lambda: there.set("big:1400", ""),
        "big:list:60": lambda: there.lset("big:list:60", 59, "y"),
        "big:list:190": lambda: there.rpop("big:list:190"),
        "big:2100": lambda: there.delete("big:2100"),
        "big:2999": lambda: there.rename("big:list:0", "big:2999"),
        "big:2998": lambda: there.pexpire("big:2998", 3_600_000),
    }
    for change in changes.values():
        change()
    found = engine.diff(*pair)
    kinds = {one["key"]: one["kind"] for one in found["differences"]}
    others = {"big:2100": "missing", "big:2999": "type", "big:list:0": "missing", "big:2998": "ttl"}
    assert kinds == {**dict.fromkeys(changes, "value"), **others}


def test_equal_keys_are_not_looked_at_one_by_one(server_pair: Pair) -> None:
    source, target = server_pair
    fill(source.client(), [b"a", b"-b", b"\xff"])
    engine.migrate(source, target)
    before = target.command_calls()
    assert engine.diff(source, target)["identical"]
    after = target.command_calls()
    # Each is a command of the second, closer look.
    assert [name for name in ("type", "get", "zrange", "dump") if after.get(name, 0) > before.get(name, 0)] == []
    # Scores that versions print differently need no other look either.
    target.client().delete("zset:0")
    target.client().zadd("zset:0", {b"a": 1 / 3, b"-b": 1 / 4, b"\xff": 1 / 5})
    assert engine.diff(source, target)["identical"]
    assert target.command_calls().get("zrange", 0) == after.get("zrange", 0)


def test_one_of_many_field_expiries(redis_server: ServerFactory) -> None:
    """Hashes whose fields expire are never proved by their fields and values alone."""
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    fill(source.client(), [b"a", b"b", b"c"])
    engine.migrate(source, target)
    target.client().execute_command("HPEXPIRE", "hash:7", 3_600_000, "FIELDS", 1, "b")
    found = engine.diff(source, target)
    assert [(one["key"], one["kind"]) for one in found["differences"]] == [("hash:7", "ttl")]


@pytest.mark.parametrize("kind", ["error", "nothing", "number"])
def test_the_same_odd_reply_of_both_ends_proves_nothing(kind: str, server_pair: Pair) -> None:
    """Every value differs, so none may be called equal, whatever a product in front of both answers."""
    source, target = server_pair
    fill(source.client(), [b"a", b"b", b"c"])
    fill(target.client(), [b"d", b"e", b"f"])
    problems = []
    with OddReplies(source.port) as here, OddReplies(target.port) as there:
        ends = source.endpoint(port=here.port, timeout=2), target.endpoint(port=there.port, timeout=2)
        for command in (b"MGET", b"GET", b"LRANGE", b"SMEMBERS", b"HGETALL", b"ZSCAN", b"XRANGE", b"XINFO", b"TYPE"):
            if ODD[kind] == NOTHING and command == b"XINFO":
                continue
            for proxy in (here, there):
                proxy.order(command, ODD[kind], 0)
            try:
                found = engine.diff(*ends, timeout=1, max_differences=0)
            except engine.RedisMigrationError as exc:
                assert str(exc).rstrip().endswith("."), exc
            else:
                told = found["totals"]["different"] + found["totals"]["missing"]
                if told != EACH * len(KINDS):
                    problems.append(f"{command.decode()}: {told}")
    assert not problems
