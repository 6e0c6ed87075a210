# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Equality of a stream of any size at both ends: entries, last ID, counters, groups, consumers and pending entries."""

from __future__ import annotations

import typing as t

from .._connection.commands import TIME, pack
from .._connection.replies import clock_ms, fields_of, is_error
from .._keys.name import printable
from .._pipeline.job import Job
from .._pipeline.pipe import ReplyTooLarge
from .._pipeline.stride import Stride
from .._rdb.stream_id import after
from .both_ends import Ask, Pair, together
from .verdict import GONE_AT_SOURCE, Difference, Verdict

_PENDING = 1000

# XPENDING tells how long ago an entry was delivered; the two ends are asked a moment apart.
_DELIVERY_TOLERANCE_MS = 1000

# Of XINFO STREAM and XINFO GROUPS; what one of the servers does not know is not compared. The length is not among
# them: a damaged stream says another one than it has entries, which are compared.
_STREAM_FIELDS = ("last-generated-id", "max-deleted-entry-id", "entries-added")
_GROUP_FIELDS = ("last-delivered-id", "pending", "entries-read")


def same_stream(pair: Pair) -> Job[Verdict]:
    """The verdict on a stream, read in pieces."""
    source, target = pair.source, pair.target
    here, there = yield from together(
        Ask(source, _facts(pair.key) + pack(b"MEMORY", b"USAGE", pair.key), 3), Ask(target, _facts(pair.its_key), 2)
    )
    if is_error(here[0]) and "no such key" in str(here[0]):
        return GONE_AT_SOURCE
    source.check(here[:2], "XINFO")
    source.check(here[2:], "MEMORY USAGE")
    target.check(there, "XINFO")
    mine = fields_of(here[0])
    if mine.get("groups", len(here[1])) != len(here[1]):
        return Difference("value", "could not be compared: its source counts other groups than it shows", "stream")
    verdict = _same_fields(mine, fields_of(there[0]), _STREAM_FIELDS, "")
    if verdict is None:
        verdict = yield from _same_entries(pair, mine["last-generated-id"], Stride(here[2] or 0, mine["length"]))
    if verdict is None:
        verdict = yield from _same_groups(pair, here[1], there[1])
    return verdict


def _facts(key: bytes) -> bytes:
    return pack(b"XINFO", b"STREAM", key) + pack(b"XINFO", b"GROUPS", key)


def _same_fields(mine: dict[str, t.Any], its: dict[str, t.Any], names: t.Sequence[str], where: str) -> Verdict:
    for name in names:
        if name in mine and name in its and mine[name] != its[name]:
            # A server that cannot know an older stream's counter says nil.
            if name == "entries-read" and None in (mine[name], its[name]):
                continue
            return Difference("value", f"{where}{name} differs", "stream")
    return None


def _same_entries(pair: Pair, last: bytes, stride: Stride) -> Job[Verdict]:
    start = b"-"
    while True:
        count = stride.elements
        try:
            here, there = yield from pair.ask(b"XRANGE", start, last, b"COUNT", count, stride=stride)
        except ReplyTooLarge:
            if not stride.shorten():
                raise
            continue
        if here != there:
            theirs = {entry[0]: entry[1] for entry in there}
            wrong = next((entry[0] for entry in here if theirs.get(entry[0]) != entry[1]), b"?")
            return Difference("value", f"entry {wrong.decode()} differs", "stream")
        if len(here) < count or here[-1][0] == last:
            return None
        start = after(here[-1][0])


def _same_groups(pair: Pair, here: t.Any, there: t.Any) -> Job[Verdict]:
    mine = {group["name"]: group for group in map(fields_of, here)}
    its = {group["name"]: group for group in map(fields_of, there)}
    if set(mine) != set(its):
        names = ", ".join(sorted(printable(name[:60]) for name in set(mine) ^ set(its)))
        return Difference("value", f"consumer groups at one end only: {names}", "stream")
    for name, group in mine.items():
        where = f"consumer group '{printable(name[:60])}': "
        verdict = _same_fields(group, its[name], _GROUP_FIELDS, where)
        if verdict is None:
            verdict = yield from _same_consumers(pair, name, where)
        if verdict is None and group.get("pending"):
            verdict = yield from _same_pending(pair, name, where)
        if verdict is not None:
            return verdict
    return None


def _same_consumers(pair: Pair, group: bytes, where: str) -> Job[Verdict]:
    here, there = yield from together(
        Ask(pair.source, pack(b"XINFO", b"CONSUMERS", pair.key, group)),
        Ask(pair.target, pack(b"XINFO", b"CONSUMERS", pair.its_key, group)),
    )
    pair.source.check(here, "XINFO")
    pair.target.check(there, "XINFO")
    mine, its = ({fields["name"]: fields["pending"] for fields in map(fields_of, side)} for side in (here[0], there[0]))
    if mine != its:
        return Difference("value", f"{where}its consumers or how much they have pending differ", "stream")
    return None


def _same_pending(pair: Pair, group: bytes, where: str) -> Job[Verdict]:
    start = b"-"
    while True:
        args = (group, start, b"+", _PENDING)
        here, there = yield from together(
            Ask(pair.source, TIME + pack(b"XPENDING", pair.key, *args), 2),
            Ask(pair.target, TIME + pack(b"XPENDING", pair.its_key, *args), 2),
        )
        pair.source.check(here, "XPENDING")
        pair.target.check(there, "XPENDING")
        mine, its = here[1], there[1]
        if [entry[:2] + entry[3:] for entry in mine] != [entry[:2] + entry[3:] for entry in its]:
            return Difference("value", f"{where}its pending entries differ", "stream")
        for one, other in zip(mine, its):
            delivered, its_delivered = clock_ms(here[0]) - one[2], clock_ms(there[0]) - other[2]
            if abs(delivered - its_delivered) > _DELIVERY_TOLERANCE_MS:
                detail = f"{where}entry {one[0].decode()} was delivered at another time"
                return Difference("value", detail, "stream")
        if len(mine) < _PENDING:
            return None
        start = after(mine[-1][0])
