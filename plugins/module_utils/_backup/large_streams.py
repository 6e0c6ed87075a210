# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a large stream into a backup in pieces: entries, counters, groups, consumers and pending entries.

Written as a server does: nodes of entries, which the reader of the file takes as they are, then what it remembers.
"""

from __future__ import annotations

import typing as t

from .._connection.line import Line
from .._connection.replies import EXACT_TRIES, clock_ms, fields_of
from .._rdb import format as rdb
from .._rdb.listpack import node
from .._rdb.stream_id import after, parse_id

# As many as servers put into a node by default.
_NODE_ENTRIES = 100
_PENDING = 1000

_UNKNOWN = 2**64 - 1


class StreamChanged(Exception):
    """It is not what it was a moment ago."""


def stream_kind(version: int) -> int:
    """The encoding of streams in a file of this RDB version."""
    return rdb.STREAM if version < 10 else rdb.STREAM_COUNTED if version < 11 else rdb.STREAM_ACTIVE


class StreamReader:
    """The value of one stream. ``put`` takes it piece by piece, ``page`` entries are read at a time."""

    def __init__(self, line: Line, key: bytes, put: t.Callable[[bytes], None], kind: int, page: int) -> None:
        self._line = line
        self._key = key
        self._put = put
        self._kind = kind
        self._node = min(page, _NODE_ENTRIES)
        self._page = page // self._node * self._node

    def read(self) -> None:
        """All of it. Raises :class:`StreamChanged`, and what :class:`Line` raises."""
        facts, groups = self._facts()
        stream = fields_of(facts)
        if stream.get("groups", len(groups)) != len(groups):
            raise StreamChanged()
        self._entries(stream)
        self._put(rdb.length(stream["length"]) + _id(stream["last-generated-id"]))
        if self._kind != rdb.STREAM:
            self._put(_id(stream["recorded-first-entry-id"]) + _id(stream["max-deleted-entry-id"]))
            self._put(rdb.length(stream["entries-added"]))
        self._put(rdb.length(len(groups)))
        for group in map(fields_of, groups):
            self._group(group)
        # What WATCH does not notice: entries that are read by a group, or acknowledged.
        if self._facts() != (facts, groups):
            raise StreamChanged()

    def _facts(self) -> tuple[list[t.Any], list[t.Any]]:
        facts, groups = self._line.ask_all([(b"XINFO", b"STREAM", self._key), (b"XINFO", b"GROUPS", self._key)])
        return facts, groups

    def _entries(self, stream: t.Mapping[str, t.Any]) -> None:
        length, last, size = stream["length"], stream["last-generated-id"], self._node
        self._put(rdb.length(-(-length // size)))
        start, found = b"-", 0
        while found < length:
            entries = self._line.ask(b"XRANGE", self._key, start, last, b"COUNT", self._page)
            found += len(entries)
            if found > length or not entries or (len(entries) < self._page and found < length):
                raise StreamChanged()
            for first in range(0, len(entries), size):
                part = entries[first : first + size]
                self._put(rdb.string(_raw_id(part[0][0])) + rdb.string(node(part)))
            start = after(entries[-1][0])

    def _group(self, group: t.Mapping[str, t.Any]) -> None:
        name, pending = group["name"], group["pending"]
        self._put(rdb.string(name) + _id(group["last-delivered-id"]))
        if self._kind != rdb.STREAM:
            read = group["entries-read"]
            self._put(rdb.length(_UNKNOWN if read is None else read))
        self._put(rdb.length(pending))
        self._pending(pending, (name,), _delivered)
        now, consumers = self._line.ask_all([(b"TIME",), (b"XINFO", b"CONSUMERS", self._key, name)])
        self._put(rdb.length(len(consumers)))
        for consumer in map(fields_of, consumers):
            self._put(rdb.string(consumer["name"]) + _moment(clock_ms(now), consumer["idle"]))
            if self._kind == rdb.STREAM_ACTIVE:
                self._put(_moment(clock_ms(now), consumer["inactive"]))
            self._put(rdb.length(consumer["pending"]))
            self._pending(consumer["pending"], (name, consumer["name"]), lambda entry, _now: _raw_id(entry[0]))

    def _pending(self, count: int, whose: tuple[bytes, ...], encode: t.Callable[[t.Any, int], bytes]) -> None:
        """The ``count`` pending entries of a group, or of a consumer in it."""
        start, found = b"-", 0
        while found < count:
            now, page = self._pending_page(whose[0], start, whose[1:])
            found += len(page)
            if not page or found > count:
                raise StreamChanged()
            self._put(b"".join([encode(entry, now) for entry in page]))
            start = after(page[-1][0])

    def _pending_page(self, group: bytes, start: bytes, consumer: tuple[bytes, ...]) -> tuple[int, t.Any]:
        question = (b"XPENDING", self._key, group, start, b"+", _PENDING, *consumer)
        for _try in range(EXACT_TRIES):
            before, page, then = self._line.ask_all([(b"TIME",), question, (b"TIME",)])
            # How long ago each was delivered is said in milliseconds: within a single one the time itself is exact.
            if clock_ms(before) == clock_ms(then):
                break
        return clock_ms(before), page


def _delivered(entry: t.Any, now: int) -> bytes:
    name, _consumer, idle, deliveries = entry
    return _raw_id(name) + _moment(now, idle) + rdb.length(deliveries)


def _moment(now: int, ago: int) -> bytes:
    """When something was ``ago`` milliseconds before ``now``; never, if that is negative."""
    return (now - ago if ago >= 0 else -1).to_bytes(8, "little", signed=True)


def _id(name: bytes) -> bytes:
    return b"".join(map(rdb.length, parse_id(name)))


def _raw_id(name: bytes) -> bytes:
    return b"".join(part.to_bytes(8, "big") for part in parse_id(name))
