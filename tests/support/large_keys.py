# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One key of many elements, of each type, written fast; and what a test wants to know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import redis

KINDS = ("string", "list", "set", "hash", "zset", "stream")

TEMPORARY = "__redis_migration_tmp:*"

_BATCH = 1000


def write(client: redis.Redis, kind: str, key: str, elements: int) -> None:
    """Write `elements` elements (of a string: ten bytes each) to `key`; the same ones every time."""
    with client.pipeline(transaction=False) as pipeline:
        for begin in range(0, elements, _BATCH):
            _WRITE[kind](pipeline, key, range(begin, min(begin + _BATCH, elements)))
            pipeline.execute()
    if kind == "stream":
        client.xgroup_create(key, "readers", id="0")
        client.xreadgroup("readers", "one", {key: ">"}, count=elements // 10)
        client.xreadgroup("readers", "two", {key: ">"}, count=elements // 10)
        client.xdel(key, "7-0", f"{elements // 20}-0", f"{elements}-0")
        client.xtrim(key, minid="5-0", approximate=False)


def _stream(pipeline: redis.client.Pipeline, key: str, numbers: range) -> None:
    for number in numbers:
        pipeline.xadd(key, {"event": number, "n": f"x{number}"}, id=f"{number + 1}-0")


_WRITE: dict[str, Callable[[redis.client.Pipeline, str, range], object]] = {
    "string": lambda client, key, numbers: client.append(key, "".join(f"{number:09d} " for number in numbers)),
    "list": lambda client, key, numbers: client.rpush(key, *[f"element:{number}" for number in numbers]),
    "set": lambda client, key, numbers: client.sadd(key, *[f"member:{number}" for number in numbers]),
    "hash": lambda client, key, numbers: client.hset(key, mapping={f"field:{n}": f"value:{n * 7}" for n in numbers}),
    "zset": lambda client, key, numbers: client.zadd(key, {f"member:{number}": number / 7 for number in numbers}),
    "stream": _stream,
}

# A change of one element that leaves their number as it is.
CHANGE: dict[str, Callable[[redis.Redis, str], object]] = {
    "string": lambda client, key: client.setrange(key, 3, "X"),
    "list": lambda client, key: client.lset(key, 3, "another"),
    "set": lambda client, key: (client.srem(key, "member:3"), client.sadd(key, "another")),
    "hash": lambda client, key: client.hset(key, "field:3", "another"),
    "zset": lambda client, key: client.zadd(key, {"member:3": -1}),
    "stream": lambda client, key: client.xgroup_setid(key, "readers", "1-0"),
}

LENGTH = {"string": "STRLEN", "list": "LLEN", "set": "SCARD", "hash": "HLEN", "zset": "ZCARD", "stream": "XLEN"}


def length(client: redis.Redis, kind: str, key: str) -> int:
    """The number of elements (of a string: bytes)."""
    return int(client.execute_command(LENGTH[kind], key))


def temporary(client: redis.Redis) -> list[bytes]:
    """The temporary keys of the engine that are there."""
    found: Iterator[bytes] = client.scan_iter(TEMPORARY, count=1000)
    return list(found)
