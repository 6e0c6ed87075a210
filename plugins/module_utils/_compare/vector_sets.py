# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Equality of vector sets (Redis 8): parameters, elements, their vectors as they are stored, and their attributes.

RESTORE builds the graph between the elements anew, so two payloads of the same data differ. The graph is an index, no
data. Nor can the matrix be read by which a set that was made with REDUCE shortens vectors; what it made of them can.
"""

from __future__ import annotations

import typing as t

from .._connection.commands import pack
from .._connection.replies import fields_of
from .._keys.name import printable
from .._pipeline.job import Job
from .._pipeline.pipe import ReplyTooLarge
from .._pipeline.stride import Stride
from .both_ends import Ask, Pair, together
from .verdict import GONE_AT_SOURCE, Difference, Verdict

# Of VINFO; max-level and the numbers of nodes belong to the graph.
_PARAMETERS = ("quant-type", "hnsw-m", "vector-dim", "projection-input-dim", "size", "attributes-count")


def same_vector_set(pair: Pair) -> Job[Verdict]:
    """The verdict on a vector set of any size; both ends hold one under this name."""
    source, target = pair.source, pair.target
    (mine,), (its,), (size,) = yield from together(
        Ask(source, pack(b"VINFO", pair.key)),
        Ask(target, pack(b"VINFO", pair.its_key)),
        Ask(source, pack(b"MEMORY", b"USAGE", pair.key)),
    )
    source.check([mine, size], "VINFO")
    target.check([its], "VINFO")
    if mine is None:
        return GONE_AT_SOURCE
    if its is None:
        return Difference("missing", "not at the target", "vectorset")
    parameters, its_parameters = fields_of(mine), fields_of(its)
    for name in _PARAMETERS:
        if parameters.get(name) != its_parameters.get(name):
            return Difference("value", f"its {name} differs", "vectorset")
    return (yield from _same_elements(pair, Stride(size or 0, parameters["size"]), parameters["size"]))


def _same_elements(pair: Pair, stride: Stride, count: int) -> Job[Verdict]:
    """Look every element of the source up at the target. As both have as many, neither has another one."""
    # No command of Redis 8.2 lists them part by part (VRANGE is newer): all names at once, what they stand for in pieces.
    ((names,),) = yield from together(Ask(pair.source, pack(b"VRANDMEMBER", pair.key, count)))
    pair.source.check([names], "VRANDMEMBER")
    names = names or []
    if len(names) != count:
        return Difference("value", "written to while it was compared", "vectorset")
    start = 0
    while start < count:
        part = names[start : start + stride.elements]
        try:
            here, there = yield from together(
                Ask(pair.source, _question(pair.key, part), 2 * len(part)),
                Ask(pair.target, _question(pair.its_key, part), 2 * len(part)),
            )
        except ReplyTooLarge:
            if not stride.shorten():
                raise
            continue
        pair.source.check(here, "VEMB")
        pair.target.check(there, "VEMB")
        if here != there:
            return _difference(part, here, there)
        start += len(part)
    return None


def _question(key: bytes, names: t.Sequence[bytes]) -> bytes:
    vectors = [pack(b"VEMB", key, name, b"RAW") for name in names]
    return b"".join([*vectors, *[pack(b"VGETATTR", key, name) for name in names]])


def _difference(names: t.Sequence[bytes], here: t.Sequence[t.Any], there: t.Sequence[t.Any]) -> Verdict:
    wrong = next(position for position, pair in enumerate(zip(here, there)) if pair[0] != pair[1])
    name = printable(names[wrong % len(names)][:60])
    if wrong >= len(names):
        return Difference("value", f"element '{name}' has other attributes", "vectorset")
    what = "is missing" if there[wrong] is None else "has another vector"
    return Difference("value", f"element '{name}' {what}", "vectorset")
