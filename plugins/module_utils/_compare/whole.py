# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Equality of the values of small keys at both ends, by ordinary commands; for large ones see :mod:`chunks`.

Unordered types are compared without order, scores as numbers, streams with groups, consumers and pending entries,
hash fields with their expiries.
"""

from __future__ import annotations

import typing as t

from .._connection.commands import pack
from .._pipeline.end import End
from .._pipeline.job import Job
from .both_ends import Both, Pair
from .expiring_fields import fields_expire, same_hashes
from .streams_whole import same_streams
from .vector_sets import same_vector_set
from .verdict import GONE_AT_SOURCE, Difference, Verdict, mapping_detail

# The command that reads all of a key: its name, and what stands behind the key.
_WHOLE: dict[str, tuple[bytes, ...]] = {
    "hash": (b"HGETALL",),
    "set": (b"SMEMBERS",),
    "zset": (b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
    "list": (b"LRANGE", b"0", b"-1"),
    "string": (b"GET",),
}


def string_detail(mine: bytes, its: bytes) -> str:
    """Where two strings differ first, without showing them."""
    if len(mine) != len(its):
        return f"{len(mine)} bytes at the source, {len(its)} at the target"
    low, high = 0, len(mine)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if mine[low:middle] != its[low:middle] else (middle, high)
    return f"differs at byte {low}"


def same_whole(source: End, target: End, keys: t.Sequence[tuple[bytes, str]]) -> Job[list[Verdict]]:
    """Verdicts on keys that fit into memory whole, given as (key, type); the type is the same at both ends."""
    verdicts: list[Verdict] = [None] * len(keys)
    by_type: dict[str, list[int]] = {}
    for index, (_key, kind) in enumerate(keys):
        by_type.setdefault(kind, []).append(index)
    timed = "hash" in by_type and (yield from fields_expire(source, target))
    for kind, indexes in by_type.items():
        names = [keys[index][0] for index in indexes]
        found = yield from _same_of_type(source, target, kind, names, timed=timed and kind == "hash")
        for index, verdict in zip(indexes, found):
            verdicts[index] = verdict
    return verdicts


def _same_of_type(source: End, target: End, kind: str, keys: list[bytes], *, timed: bool) -> Job[list[Verdict]]:
    """``timed``: whether fields of some hashes expire."""
    if kind == "stream":
        return (yield from same_streams(source, target, Both.of(keys, target)))
    if kind not in _WHOLE:
        verdicts = []
        for key in keys:
            verdicts.append((yield from same_payload(source, target, key, kind)))
        return verdicts
    command, *after = _WHOLE[kind]
    commands, its_commands = Both.of(keys, target).asked(command, *after)
    here, there = yield source.call(commands, len(keys)), target.call(its_commands, len(keys))
    source.check(here, command.decode())
    target.check(there, command.decode())
    if timed:
        return (yield from same_hashes(source, target, keys, here, there))
    compare_one = _COMPARE[kind]
    return [_verdict(compare_one, mine, its) for mine, its in zip(here, there)]


def _verdict(compare_one: t.Callable[[t.Any, t.Any], Verdict], mine: t.Any, its: t.Any) -> Verdict:
    # Nothing at both ends is no equality: a moment ago both had it.
    if mine in (None, []):
        return GONE_AT_SOURCE
    return None if mine == its else compare_one(mine, its)


def _hash_verdict(mine: list[bytes], its: list[bytes]) -> Verdict:
    one_hash, other = dict(zip(mine[::2], mine[1::2])), dict(zip(its[::2], its[1::2]))
    if one_hash == other:
        return None
    return Difference("value", mapping_detail(one_hash, other, "field"), "hash")


def _zset_verdict(mine: list[bytes], its: list[bytes]) -> Verdict:
    # Versions print the same score differently, so scores are compared as numbers.
    if mine[::2] == its[::2] and list(map(float, mine[1::2])) == list(map(float, its[1::2])):
        return None
    one_set = dict(zip(mine[::2], map(float, mine[1::2])))
    other = dict(zip(its[::2], map(float, its[1::2])))
    if one_set == other:
        return None
    return Difference("value", mapping_detail(one_set, other, "member"), "zset")


def _set_verdict(mine: list[bytes], its: list[bytes]) -> Verdict:
    one_set, other = set(mine), set(its)
    if one_set == other:
        return None
    return Difference("value", f"{len(one_set - other)} members missing, {len(other - one_set)} extra", "set")


def _list_verdict(mine: list[bytes], its: list[bytes]) -> Verdict:
    if len(mine) != len(its):
        return Difference("value", f"{len(mine)} elements at the source, {len(its)} at the target", "list")
    index = next(index for index, pair in enumerate(zip(mine, its)) if pair[0] != pair[1])
    return Difference("value", f"element {index} differs", "list")


def _string_verdict(mine: bytes, its: bytes | None) -> Verdict:
    return Difference("value", string_detail(mine, its or b""), "string")


_COMPARE: dict[str, t.Callable[[t.Any, t.Any], Verdict]] = {
    "hash": _hash_verdict,
    "set": _set_verdict,
    "zset": _zset_verdict,
    "list": _list_verdict,
    "string": _string_verdict,
}


def same_payload(source: End, target: End, key: bytes, kind: str) -> Job[Verdict]:
    """A type of a module: only its payload can be compared, except of vector sets."""
    if kind == "vectorset":
        return (yield from same_vector_set(Pair(source, target, key, target.name_of(key))))
    here, there = yield source.call(pack(b"DUMP", key), 1), target.call(pack(b"DUMP", target.name_of(key)), 1)
    source.check(here, "DUMP")
    target.check(there, "DUMP")
    if here[0] is None:
        return GONE_AT_SOURCE
    if there[0] is not None and here[0][:-10] == there[0][:-10]:
        return None
    return Difference("value", f"the payloads of this {kind} differ (its content cannot be compared here)", kind)
