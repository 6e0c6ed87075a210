# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deterministic data to move: every core type, awkward names, expiries, and fast loaders for benchmarks.

Only commands that Redis 6.2 knows, except where a function says otherwise.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import redis

from tests.support.servers import raw_connection

ClientForDatabase = Callable[[int], redis.Redis]
Size = Literal["small", "medium", "large"]
Kind = Literal["strings100", "strings10k", "mixed"]

MEGABYTE = 1 << 20
_SECOND, _DAY = 1000, 86_400_000

AWKWARD_NAMES: tuple[bytes, ...] = (
    b"",
    b"\n",
    b"line one\nline two\r\n",
    b"\x00",
    b"nul\x00inside",
    b"single'quote",
    b'double"quote',
    b"back\\slash \\x00 \\n",
    b" leading and trailing ",
    b"tab\there",
    b"{}",
    b"{tag}:value",
    b"{{ jinja }} {% raw %}",
    b"glob*?[a-z]^",
    b"\xff\xfe\x80invalid utf-8\xc3",
    "Schlüssel-\u2603-\U0001f680".encode(),
    b"$HOME `id` $(id) ; rm",
    b"--option",
    b"*3\r\n$3\r\nSET\r\n",
    b"%s %d %n",
)

SCORES: tuple[float, ...] = (
    3.14,
    float("-inf"),
    float("inf"),
    1e300,
    0.1 + 0.2,
    -2.5e-300,
    0.0,
    -1.0,
    1.0,
    17.0,
    2.0**53,
    2.0**53 + 2,
    -1.7976931348623157e308,
    5e-324,
    1 / 3,
)


@dataclass(frozen=True)
class _Scale:
    """How much of everything."""

    hash_fields: int
    sorted_members: int
    elements: int
    plain_keys: int
    stream_entries: int


_SCALES: dict[Size, _Scale] = {
    "small": _Scale(2_000, 1_000, 300, 20, 50),
    "medium": _Scale(200_000, 100_000, 5_000, 300, 2_000),
    "large": _Scale(1_000_000, 500_000, 100_000, 20_000, 100_000),
}


@dataclass
class Filled:
    """What `fill` wrote: keys per database as the server counts them."""

    keys: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.keys.values())


def fill(
    client_for_db: ClientForDatabase,
    *,
    seed: int = 1,
    databases: Iterable[int] = (0, 1, 5, 15),
    size: Size = "small",
) -> Filled:
    """Write a sample of every core type into each database; the first one gets the largest keys.

    The same seed writes the same keys and values, up to the clock (expiries count from now, and streams remember
    when an entry was delivered). 1 MB values and names are always in the first database.
    """
    filled = Filled()
    for position, database in enumerate(databases):
        chance = random.Random(f"{seed}/{database}")
        client = client_for_db(database)
        scale = _SCALES[size] if position == 0 else _SCALES["small"]
        _strings(client, chance, scale)
        _lists(client, chance, scale)
        _sets(client, chance, scale)
        _hashes(client, chance, scale)
        _sorted_sets(client, chance, scale)
        _streams(client, chance, scale)
        _special_encodings(client, chance)
        _awkward_names(client, chance)
        _expiries(client, chance, scale)
        if position == 0:
            client.set("string:1mb", chance.randbytes(MEGABYTE))
            client.set(b"name of one megabyte " + b"\xee" * MEGABYTE, b"the value is short")
        filled.keys[database] = client.dbsize()
    return filled


def fill_hash_ttls(client: redis.Redis, *, seed: int = 1) -> None:
    """Hashes with expiring fields; Redis 7.4+ and Valkey 9+ only."""
    chance = random.Random(seed)
    for number in range(5):
        key = f"hash:ttl:{number}"
        client.hset(key, mapping={f"field:{index}": chance.randrange(1000) for index in range(20 * (number + 1))})
        now = _now_ms(client)
        for index in range(0, 20 * (number + 1), 3):
            expiry = now + chance.randrange(600 * _SECOND, 365 * _DAY)
            client.execute_command("HPEXPIREAT", key, expiry, "FIELDS", 1, f"field:{index}")


def add_short_ttls(client: redis.Redis, count: int, milliseconds: int, *, prefix: str = "short") -> list[bytes]:
    """`count` string keys that expire within `milliseconds`; returns their names."""
    names = [f"{prefix}:{number}".encode() for number in range(count)]
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.set(name, b"soon gone", px=milliseconds)
        pipeline.execute()
    return names


# -- one function a type ----------------------------------------------------------------------------------------


def _strings(client: redis.Redis, chance: random.Random, scale: _Scale) -> None:
    with client.pipeline(transaction=False) as pipeline:
        values: list[bytes | int] = [0, -1, 42, 2**31, 2**63 - 1, -(2**63), 9999, 10000]
        values += [b"", b" ", b"\x00", b"007", b"+1", b"1e5", b"nan", "Grüße".encode(), chance.randbytes(44)]
        values += [chance.randbytes(45), chance.randbytes(10_000), b"x" * 100_000, b"9" * 30]
        for number, value in enumerate(values):
            pipeline.set(f"string:{number}", value)
        pipeline.incrbyfloat("string:float", 3.14)
        pipeline.incrbyfloat("string:float:small", 1e-10)
        pipeline.append("string:appended", "in ")
        pipeline.append("string:appended", "parts")
        pipeline.setrange("string:padded", 1000, "end")
        for number in range(scale.plain_keys):
            pipeline.set(f"user:{number}:name", chance.randbytes(chance.randrange(60)))
        pipeline.execute()


def _lists(client: redis.Redis, chance: random.Random, scale: _Scale) -> None:
    client.rpush("list:one", "")
    client.rpush("list:mixed", 1, -5, 2**40, "text", b"\xff\x00", b"", 3.5, "x" * 5000)
    client.rpush("list:large-element", chance.randbytes(200_000), "small")
    _chunked(
        lambda chunk: client.rpush("list:long", *chunk),
        (chance.randbytes(chance.randrange(1, 40)) for _number in range(scale.elements)),
    )
    client.rpush("list:same", *["again"] * 100)
    client.lpush("queue:{jobs}", *[f'{{"id":{number}}}' for number in range(30)])


def _sets(client: redis.Redis, chance: random.Random, scale: _Scale) -> None:
    client.sadd("set:int16", *range(-50, 50))
    client.sadd("set:int64", *[2**40 + number for number in range(50)], -(2**63), 2**63 - 1)
    client.sadd("set:int:many", *range(0, 3000, 3))
    client.sadd("set:small", "a", "b", "", b"\x00", b"\xff\xff")
    client.sadd("set:one", "")
    _chunked(
        lambda chunk: client.sadd("set:many", *chunk),
        (f"member:{chance.getrandbits(40)}" for _number in range(scale.elements)),
    )


def _hashes(client: redis.Redis, chance: random.Random, scale: _Scale) -> None:
    client.hset("hash:small", mapping={"name": "Ada", "born": 1815, "": "empty field", "empty value": ""})
    client.hset("hash:binary", mapping={b"\x00\xff": b"\xfe\x00", b"a\nb": b"c\r\nd"})
    client.hset("hash:long-value", mapping={"blob": chance.randbytes(100_000), "short": "s"})
    client.hincrbyfloat("hash:counters", "float", 0.1)
    client.hincrby("hash:counters", "int", -7)
    with client.pipeline(transaction=False) as pipeline:
        for begin in range(0, scale.hash_fields, 1000):
            fields = range(begin, min(begin + 1000, scale.hash_fields))
            pipeline.hset("hash:large", mapping={f"field:{number}": chance.getrandbits(32) for number in fields})
        pipeline.execute()


def _sorted_sets(client: redis.Redis, chance: random.Random, scale: _Scale) -> None:
    client.zadd("zset:scores", {f"member:{number}": score for number, score in enumerate(SCORES)})
    client.zadd("zset:same-score", dict.fromkeys((b"a", b"b", b"", b"\x00", b"\xff"), 0))
    client.zadd("zset:long-member", {chance.randbytes(10_000): 1, "short": 1})
    client.zincrby("zset:summed", 0.1, "m")
    client.zincrby("zset:summed", 0.2, "m")
    with client.pipeline(transaction=False) as pipeline:
        for begin in range(0, scale.sorted_members, 1000):
            members = range(begin, min(begin + 1000, scale.sorted_members))
            pipeline.zadd("zset:large", {f"member:{number}": chance.uniform(-1e9, 1e9) for number in members})
        pipeline.execute()


def _streams(client: redis.Redis, chance: random.Random, scale: _Scale) -> None:
    client.xadd("stream:one", {"only": "entry"}, id="1-1")
    client.xadd("stream:emptied", {"a": 1}, id="5-5")
    client.xdel("stream:emptied", "5-5")
    client.xgroup_create("stream:group-only", "waiting", id="0", mkstream=True)
    client.xadd("stream:shapes", {"same": 1, "fields": 2}, id="1-0")
    client.xadd("stream:shapes", {"same": 3, "fields": 4}, id="1-1")
    client.xadd("stream:shapes", {b"\x00other": b"", "n": 10**15, "": "x"}, id="7-0")
    client.xadd("stream:ahead", {"a": 1}, id="10-0")
    client.execute_command("XSETID", "stream:ahead", "99-9")

    key = "stream:orders"
    with client.pipeline(transaction=False) as pipeline:
        for number in range(1, scale.stream_entries + 1):
            pipeline.xadd(key, {"order": number, "total": round(chance.uniform(1, 500), 2)}, id=f"{1000 + number}-0")
        pipeline.execute()
    client.xgroup_create(key, "billing", id="0")
    client.xgroup_create(key, b"ship\x00ping \xff", id="1010-0")
    client.xgroup_create(key, "idle group", id="$")
    client.execute_command("XGROUP", "CREATECONSUMER", key, "idle group", "never read")
    client.xreadgroup("billing", "alice", {key: ">"}, count=10)
    client.xreadgroup("billing", "bob", {key: ">"}, count=5)
    client.xreadgroup("billing", "carol", {key: ">"}, count=1)
    client.xack(key, "billing", "1001-0", "1003-0", "1016-0")  # the last one leaves carol without pending entries
    client.xreadgroup(b"ship\x00ping \xff", "c", {key: ">"}, count=20)
    # Deliver some again, once with a counter as a long retry would have left it.
    client.xclaim(key, "billing", "bob", 0, ["1002-0"], retrycount=17)
    client.xclaim(key, "billing", "alice", 0, ["1011-0", "1012-0"])
    client.xclaim(key, "billing", "dave", 0, ["1004-0"], idle=3_600_000)
    client.xdel(key, "1005-0", "1013-0", "1030-0")  # the first two stay pending


def _special_encodings(client: redis.Redis, chance: random.Random) -> None:
    client.pfadd("hll:sparse", *range(10))
    client.pfadd("hll:dense", *[chance.getrandbits(60) for _number in range(4000)])
    client.pfadd("hll:empty")
    client.geoadd("geo:cities", [13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"])
    client.geoadd("geo:cities", [-73.985, 40.748, "New York", 8.682, 50.11, "Frankfurt"])
    client.setbit("bitmap:days", 10_000, 1)
    client.setbit("bitmap:days", 3, 1)
    client.execute_command("BITFIELD", "bitmap:fields", "SET", "u8", 0, 255, "SET", "i16", 8, -1)


def _awkward_names(client: redis.Redis, chance: random.Random) -> None:
    for number, name in enumerate(AWKWARD_NAMES):
        kind = number % 4
        if kind == 0:
            client.set(name, chance.randbytes(20))
        elif kind == 1:
            client.hset(name, "field", number)
        elif kind == 2:
            client.rpush(name, "a", "b")
        else:
            client.zadd(name, {"m": number})


def _expiries(client: redis.Redis, chance: random.Random, scale: _Scale) -> None:
    """TTLs from minutes to a hundred years in milliseconds, on every type."""
    now = _now_ms(client)
    ages = [300 * _SECOND, 3600 * _SECOND + 1, _DAY + 123, 30 * _DAY + 7, 365 * _DAY, 10 * 365 * _DAY]
    ages.append(100 * 365 * _DAY + 999)
    with client.pipeline(transaction=False) as pipeline:
        for number, age in enumerate(ages):
            pipeline.set(f"ttl:string:{number}", "v")
            pipeline.rpush(f"ttl:list:{number}", 1, 2)
            pipeline.sadd(f"ttl:set:{number}", 1, 2)
            pipeline.hset(f"ttl:hash:{number}", "a", 1)
            pipeline.zadd(f"ttl:zset:{number}", {"a": 1.5})
            pipeline.xadd(f"ttl:stream:{number}", {"a": 1}, id="1-1")
            for kind in ("string", "list", "set", "hash", "zset", "stream"):
                pipeline.pexpireat(f"ttl:{kind}:{number}", now + age + chance.randrange(1000))
        for number in range(scale.plain_keys):
            pipeline.set(f"session:{chance.getrandbits(64):016x}", chance.randbytes(50))
            pipeline.set(f"cache:{number}", number)
            pipeline.pexpireat(f"cache:{number}", now + chance.randrange(600 * _SECOND, 30 * _DAY))
        pipeline.execute()


# -- benchmarks -------------------------------------------------------------------------------------------------

_BATCH = 5_000


def fill_benchmark(client: redis.Redis, kind: Kind, count: int, *, seed: int = 1) -> None:
    """Write `count` keys as fast as one connection takes them.

    strings100 and strings10k: incompressible strings of 100 and 10,000 bytes. mixed: strings, lists, sets, hashes,
    sorted sets and streams of a few to a few dozen elements, a fifth of them with a TTL.
    Raises RuntimeError when the server did not keep them all.
    """
    before = client.dbsize()
    now = _now_ms(client)
    of_kind: dict[str, Callable[[int, int], Iterable[tuple[bytes, ...]]]] = {
        "strings100": lambda begin, end: _plain(begin, end, seed, 100),
        "strings10k": lambda begin, end: _plain(begin, end, seed, 10_000),
        "mixed": lambda begin, end: _mixed(begin, end, seed, now),
    }
    commands = of_kind[kind]
    with raw_connection(client) as connection:
        # Without replies nobody waits for anybody; DBSIZE is the proof.
        connection.send_packed_command([_packed((b"CLIENT", b"REPLY", b"OFF"))])
        step = _BATCH if kind != "strings10k" else _BATCH // 10
        for begin in range(0, count, step):
            connection.send_packed_command([b"".join(map(_packed, commands(begin, min(begin + step, count))))])
        connection.send_packed_command([_packed((b"CLIENT", b"REPLY", b"ON"))])
        connection.read_response()
    written = client.dbsize() - before
    if written != count:
        raise RuntimeError(f"the server kept {written} of {count} keys")


def _plain(begin: int, end: int, seed: int, length: int) -> Iterator[tuple[bytes, ...]]:
    pool = random.Random(f"{seed}/{begin}").randbytes(length + (end - begin))
    for number in range(begin, end):
        offset = number - begin
        yield b"SET", b"key:%012d" % number, pool[offset : offset + length]


def _mixed(begin: int, end: int, seed: int, now: int) -> Iterator[tuple[bytes, ...]]:
    chance = random.Random(f"{seed}/{begin}")
    for number in range(begin, end):
        key = b"key:%012d" % number
        length = chance.randrange(1, 30)
        kind = number % 6
        if kind == 0:
            yield b"SET", key, chance.randbytes(length * 10)
        elif kind == 1:
            yield b"RPUSH", key, *(chance.randbytes(12) for _number in range(length))
        elif kind == 2:
            yield b"SADD", key, *(b"%d" % chance.getrandbits(20) for _number in range(length))
        elif kind == 3:
            pairs = ((b"field:%d" % index, chance.randbytes(16)) for index in range(length))
            yield b"HSET", key, *(item for pair in pairs for item in pair)
        elif kind == 4:
            scored = ((b"%.17g" % chance.random(), b"member:%d" % index) for index in range(length))
            yield b"ZADD", key, *(item for pair in scored for item in pair)
        else:
            for index in range(1, min(length, 6) + 1):
                yield b"XADD", key, b"%d-0" % index, b"event", chance.randbytes(10), b"n", b"%d" % index
        if number % 5 == 0:
            yield b"PEXPIREAT", key, b"%d" % (now + chance.randrange(3600 * _SECOND, 365 * _DAY))


def _packed(command: tuple[bytes, ...]) -> bytes:
    parts = [b"*%d\r\n" % len(command)]
    for item in command:
        parts.append(b"$%d\r\n%b\r\n" % (len(item), item))
    return b"".join(parts)


def _chunked(write: Callable[[list[bytes | str]], object], items: Iterable[bytes | str]) -> None:
    chunk: list[bytes | str] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == 1000:
            write(chunk)
            chunk = []
    if chunk:
        write(chunk)


def _now_ms(client: redis.Redis) -> int:
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000
