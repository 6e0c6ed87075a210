# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Random keys: every type, awkward names, large values, expiries from a moment to years.

@given(st.lists(keys()))
def test(drawn: list[Key]) -> None:
    write(server, drawn)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import redis
from hypothesis import strategies as st

from tests.support.attempt import TEMPORARY
from tests.support.dataset import AWKWARD_NAMES, SCORES
from tests.support.servers import RedisServer

# Keys that expire earlier may do so at any moment of a test, others never do.
SOON = 600_000


class Long(bytes):
    """Many equal bytes, which an example of a failure need not show."""

    def __repr__(self) -> str:
        return f"Long({self[:1]!r} * {len(self)})"


_names = st.one_of(st.sampled_from(AWKWARD_NAMES), st.binary(max_size=24)).filter(lambda name: TEMPORARY not in name)
_texts = st.one_of(
    st.binary(max_size=40), st.integers(-(2**63), 2**63 - 1).map(lambda n: b"%d" % n), st.just(Long(b"x" * 3000))
)
_scores = st.one_of(st.sampled_from(SCORES), st.floats(allow_nan=False))


class Key(NamedTuple):
    """One key: commands that make it, given as type and content, and its time to live in milliseconds."""

    database: int
    name: bytes
    kind: str
    content: Any
    ttl: int | None


_contents = st.one_of(
    st.tuples(st.just("string"), st.one_of(_texts, st.sampled_from([Long(b"y" * 200_000), Long(b"z" * 3_000_000)]))),
    st.tuples(st.just("list"), st.lists(_texts, min_size=1, max_size=10)),
    st.tuples(st.just("set"), st.sets(_texts, min_size=1, max_size=10)),
    st.tuples(st.just("hash"), st.dictionaries(_texts, _texts, min_size=1, max_size=10)),
    st.tuples(st.just("zset"), st.dictionaries(_texts, _scores, min_size=1, max_size=10)),
    st.tuples(st.just("stream"), st.lists(st.tuples(_texts, st.booleans()), min_size=1, max_size=20)),
    st.tuples(st.just("many"), st.sampled_from([("list", 3000), ("set", 3000), ("hash", 3000), ("zset", 3000)])),
)

_ttls = st.one_of(st.none(), st.none(), st.integers(SOON, 10**12), st.integers(1, 800))


@st.composite
def keys(draw: st.DrawFn) -> Key:
    kind, content = draw(_contents)
    return Key(draw(st.sampled_from([0, 0, 0, 2])), draw(_names), kind, content, draw(_ttls))


def write(server: RedisServer, keys: list[Key]) -> None:
    for key in keys:
        with server.client(key.database) as client:
            client.delete(key.name)
            _MAKE[key.kind](client, key.name, key.content)
            if key.ttl is not None:
                client.pexpire(key.name, key.ttl)


def _make_stream(client: redis.Redis, name: bytes, entries: list[tuple[bytes, bool]]) -> None:
    for number, (value, _deleted) in enumerate(entries, 1):
        client.xadd(name, {b"f": value}, id=f"{number}-1")
    client.xgroup_create(name, "group", id="0")
    client.xreadgroup("group", "consumer", {name: ">"}, count=max(1, len(entries) // 2))
    for number, (_value, deleted) in enumerate(entries, 1):
        if deleted:
            client.xdel(name, f"{number}-1")


def _make_many(client: redis.Redis, name: bytes, what: tuple[str, int]) -> None:
    kind, count = what
    contents: dict[str, Any] = {
        "list": [b"element %d" % number for number in range(count)],
        "set": {b"member %d" % number for number in range(count)},
        "hash": {b"field %d" % number: b"value" for number in range(count)},
        "zset": {b"member %d" % number: number / 7 for number in range(count)},
    }
    _MAKE[kind](client, name, contents[kind])


_MAKE: dict[str, Callable[[redis.Redis, bytes, Any], object]] = {
    "string": lambda client, name, value: client.set(name, value),
    "list": lambda client, name, value: client.rpush(name, *value),
    "set": lambda client, name, value: client.sadd(name, *value),
    "hash": lambda client, name, value: client.hset(name, mapping=value),
    "zset": lambda client, name, value: client.zadd(name, value),
    "stream": _make_stream,
    "many": _make_many,
}
