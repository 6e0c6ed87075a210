# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Equality of the values of one key of any size at both ends, chunk by chunk.

The next chunk is read while the last one is compared. What was under way when a connection was lost is asked again.
"""

from __future__ import annotations

import typing as t

from .._connection.commands import TIME, one, pack
from .._connection.cursor import CursorWalk
from .._connection.replies import between_us
from .._keys.name import printable
from .._keys.types import LENGTH, SCAN
from .._pipeline.end import End
from .._pipeline.job import Job
from .._pipeline.pipe import DEFAULT_REPLY_LIMIT, ReplyTooLarge
from .._pipeline.stride import LARGEST_ELEMENT, PIECE_BYTES, Stride
from . import stream_chunks, whole
from .both_ends import Ask, Pair, together
from .expiring_fields import ask_fields, fields_expire, same_piece
from .verdict import GONE_AT_SOURCE, Difference, Verdict, mapping_detail

# Pieces of a string that are asked for together.
_RANGES = 4


def same_in_chunks(source: End, target: End, key: bytes, kind: str, its_key: bytes | None = None) -> Job[Verdict]:
    """The verdict on one key; its type is the same at both ends. ``its_key``: its name at the target, if not its own."""
    pair = Pair(source, target, key, target.name_of(key) if its_key is None else its_key)
    if kind == "stream":
        return (yield from stream_chunks.same_stream(pair))
    length = LENGTH.get(kind.encode())
    if length is None:
        return (yield from whole.same_payload(source, target, key, kind))
    timed = kind == "hash" and (yield from fields_expire(source, target))
    mine, its = yield from pair.ask(length)
    if not mine and kind != "string":
        return GONE_AT_SOURCE
    if mine != its and not timed:
        unit = "bytes" if kind == "string" else "elements"
        return Difference("value", f"{mine} {unit} at the source, {its} at the target", kind)
    if kind == "string":
        return (yield from _string(pair, mine))
    ((size,),) = yield from together(Ask(source, pack(b"MEMORY", b"USAGE", key)))
    source.check([size], "MEMORY")
    stride = Stride(size or 0, mine)
    if kind == "list":
        return (yield from _list(pair, mine, stride))
    verdict = yield from _scanned(pair, kind, mine, stride, timed)
    if verdict is None and mine != its:
        # Each end may count fields that are over; what only the target has shows from there.
        verdict = yield from _scanned(pair.turned(), kind, its, stride, timed)
        if verdict is not None:
            return Difference(verdict.kind, f"seen from the target: {verdict.detail}", kind)
    return verdict


def _string(pair: Pair, length: int) -> Job[Difference | None]:
    step = _RANGES * PIECE_BYTES
    for start in range(0, length, step):
        starts = range(start, min(start + step, length), PIECE_BYTES)
        here, there = yield from together(
            *[
                Ask(end, b"".join([pack(b"GETRANGE", key, at, at + PIECE_BYTES - 1) for at in starts]), len(starts))
                for end, key in ((pair.source, pair.key), (pair.target, pair.its_key))
            ]
        )
        pair.source.check(here, "GETRANGE")
        pair.target.check(there, "GETRANGE")
        if here != there:
            return Difference("value", f"differs between bytes {start} and {min(start + step, length)}", "string")
    return None


def _list(pair: Pair, length: int, stride: Stride) -> Job[Difference | None]:
    start = 0
    while start < length:
        count = stride.elements
        try:
            here, there = yield from pair.ask(b"LRANGE", start, start + count - 1, stride=stride)
        except ReplyTooLarge:
            if not stride.shorten():
                raise
            continue
        if here != there:
            offset = next((i for i, elements in enumerate(zip(here, there)) if elements[0] != elements[1]), 0)
            return Difference("value", f"element {start + offset} differs", "list")
        start += count
    return None


def _scanned(pair: Pair, kind: str, length: int, stride: Stride, timed: bool) -> Job[Difference | None]:
    """Look every element of the source up at the target, while the next ones are read."""
    source = pair.source
    look_up = _LookUpExpiringFields(pair) if timed else _LOOK_UP[kind]
    walk = CursorWalk(source.endpoint, SCAN[kind.encode()].decode(), 2 * length)
    cursor: bytes | None = b"0"
    elements: list[bytes] = []
    while cursor is not None or elements:
        asks: list[Ask] = []
        if cursor is not None:
            limit = LARGEST_ELEMENT if stride.elements == 1 else DEFAULT_REPLY_LIMIT
            scan = pack(SCAN[kind.encode()], pair.key, cursor, b"COUNT", stride.elements)
            asks.append(Ask(source, TIME + scan + TIME, 3, limit))
        looks = look_up.asks(pair, elements) if elements else []
        asks += looks
        try:
            replies = yield from together(*asks)
        except ReplyTooLarge:
            if not stride.shorten():
                raise
            continue
        if elements:
            found = replies[-len(looks) :]
            for ask, answers in zip(looks, found):
                ask.end.check(answers, "looking elements up")
            verdict = look_up.verdict(elements, found)
            if verdict is not None:
                return verdict
        elements = []
        if cursor is not None:
            source.check(replies[0], "reading " + kind)
            before, page, then = replies[0]
            source.check((before, then), "TIME")
            cursor, elements = walk.checked_page(page)
            stride.took(between_us(before, then))
            cursor = None if cursor == b"0" else cursor
    return None


class _LookUp(t.Protocol):
    def asks(self, pair: Pair, elements: list[bytes]) -> list[Ask]:
        """What to ask about ``elements``, as a SCAN command lists them."""

    def verdict(self, elements: list[bytes], found: list[list[t.Any]]) -> Difference | None:
        """Whether the replies to each of :meth:`asks` say the same of them."""


class _LookUpFields:
    def asks(self, pair: Pair, elements: list[bytes]) -> list[Ask]:
        return [Ask(pair.target, pack(b"HMGET", pair.its_key, *elements[::2]))]

    def verdict(self, elements: list[bytes], found: list[list[t.Any]]) -> Difference | None:
        fields, values = elements[::2], elements[1::2]
        ((its_values,),) = found
        if its_values == values:
            return None
        its = {field: value for field, value in zip(fields, its_values) if value is not None}
        return Difference("value", mapping_detail(dict(zip(fields, values)), its, "field"), "hash")


class _LookUpExpiringFields:
    """Some of these fields may be over by the time the other end is asked, so both are asked together."""

    def __init__(self, pair: Pair) -> None:
        self._ends = (pair.source, pair.target)

    def asks(self, pair: Pair, elements: list[bytes]) -> list[Ask]:
        fields = elements[::2]
        return [ask_fields(pair.source, pair.key, fields), ask_fields(pair.target, pair.its_key, fields)]

    def verdict(self, elements: list[bytes], found: list[list[t.Any]]) -> Difference | None:
        here, there = found
        return same_piece(self._ends, elements[::2], here, there)


class _LookUpMembers:
    def asks(self, pair: Pair, elements: list[bytes]) -> list[Ask]:
        end, key = pair.target, pair.its_key
        if _asks_for_many(end):
            return [Ask(end, pack(b"SMISMEMBER", key, *elements))]
        return [Ask(end, b"".join([one(b"SISMEMBER", key, member) for member in elements]), len(elements))]

    def verdict(self, elements: list[bytes], found: list[list[t.Any]]) -> Difference | None:
        (replies,) = found
        known = replies[0] if isinstance(replies[0], list) else replies
        missing = len(elements) - sum(known)
        return Difference("value", f"{missing} members missing in one chunk", "set") if missing else None


class _LookUpScores:
    def asks(self, pair: Pair, elements: list[bytes]) -> list[Ask]:
        end, key = pair.target, pair.its_key
        if _asks_for_many(end):
            return [Ask(end, pack(b"ZMSCORE", key, *elements[::2]))]
        return [Ask(end, b"".join([one(b"ZSCORE", key, member) for member in elements[::2]]), len(elements) // 2)]

    def verdict(self, elements: list[bytes], found: list[list[t.Any]]) -> Difference | None:
        (replies,) = found
        its_scores = replies[0] if isinstance(replies[0], list) else replies
        scores = elements[1::2]
        # The same text is the same score; other text can be it too.
        if its_scores == scores:
            return None
        for member, mine, its in zip(elements[::2], scores, its_scores):
            if mine != its and (its is None or float(mine) != float(its)):
                what = "missing" if its is None else "has another score"
                return Difference("value", f"member '{printable(member[:60])}' {what}", "zset")
        return None


def _asks_for_many(end: End) -> bool:
    return end.server.version_tuple >= (6, 2)


_LOOK_UP: dict[str, _LookUp] = {"hash": _LookUpFields(), "set": _LookUpMembers(), "zset": _LookUpScores()}
