# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Equality of many small streams at once: XINFO STREAM FULL tells all of a stream in one reply."""

from __future__ import annotations

import typing as t

from .._connection.replies import is_error
from .._keys.name import printable
from .._pipeline.end import End
from .._pipeline.job import Job
from .both_ends import Both
from .verdict import GONE_AT_SOURCE, Difference, Verdict

# Of a stream and of a group; what one of the two servers does not know is not compared.
_STREAM = (b"last-generated-id", b"entries", b"max-deleted-entry-id", b"entries-added")
_GROUP = (b"last-delivered-id", b"pel-count", b"pending", b"entries-read")

_Fields = dict[bytes, t.Any]


# In a reply to XINFO STREAM: before, and behind, what matters of a stream without groups. Behind that begins its data.
_BEFORE = b"$17\r\nlast-generated-id\r\n"
_BEHIND = b"$6\r\ngroups\r\n:0\r\n$11\r\nfirst-entry\r\n"


def unproved_heads(count: int, mine: bytes, its: bytes) -> t.Sequence[int]:
    """Positions of those of ``count`` streams that unparsed replies to XINFO STREAM do not prove alike.

    Those that have groups are among them. Entries are not looked at.
    """
    here, there = mine.split(_BEFORE)[1:], its.split(_BEFORE)[1:]
    # Data can hold the same text. Then there are too many.
    if not len(here) == len(there) == count:
        return range(count)
    return [position for position, replies in enumerate(zip(here, there)) if not _same_head(*replies)]


def _same_head(mine: bytes, its: bytes) -> bool:
    head, behind, _data = mine.partition(_BEHIND)
    its_head, its_behind, _its_data = its.partition(_BEHIND)
    if not (behind and its_behind) or b"groups" in head or b"groups" in its_head:
        return False
    if head == its_head:
        return True
    # Before Redis 7.0 a stream has nothing there but its last ID; what one end does not know is not compared.
    shorter, longer = sorted((head, its_head), key=len)
    return shorter.count(b"\r\n") == 2 and longer.startswith(shorter)


def same_streams(source: End, target: End, keys: Both) -> Job[list[Verdict]]:
    """Verdicts on streams that fit into memory whole."""
    ask, its_ask = keys.asked(b"XINFO STREAM", b"FULL", b"COUNT", b"0")
    here, there = yield source.call(ask, len(keys)), target.call(its_ask, len(keys))
    verdicts: list[Verdict] = []
    for mine, its in zip(here, there):
        if is_error(mine) and "no such key" in str(mine):
            verdicts.append(GONE_AT_SOURCE)
            continue
        if is_error(its) and "no such key" in str(its):
            verdicts.append(Difference("missing", "not at the target", "stream"))
            continue
        source.check([mine], "XINFO")
        target.check([its], "XINFO")
        verdicts.append(_same(_fields(mine), _fields(its)))
    return verdicts


def _fields(flat: t.Sequence[t.Any]) -> _Fields:
    return dict(zip(flat[::2], flat[1::2]))


def _same(mine: _Fields, its: _Fields) -> Verdict:
    verdict = _same_fields(mine, its)
    if verdict is not None:
        return verdict
    if not mine[b"groups"] and not its[b"groups"]:
        return None
    groups, its_groups = _by_name(mine[b"groups"]), _by_name(its[b"groups"])
    if set(groups) != set(its_groups):
        names = ", ".join(sorted(printable(name[:60]) for name in set(groups) ^ set(its_groups)))
        return Difference("value", f"consumer groups at one end only: {names}", "stream")
    for group, fields in groups.items():
        what = _group_difference(fields, its_groups[group])
        if what:
            return Difference("value", f"consumer group '{printable(group[:60])}': its {what} differ", "stream")
    return None


def _same_fields(mine: _Fields, its: _Fields) -> Verdict:
    for name in _STREAM:
        if name in mine and name in its and mine[name] != its[name]:
            return Difference("value", f"its {name.decode()} differ", "stream")
    return None


def _by_name(items: t.Sequence[t.Any]) -> dict[bytes, _Fields]:
    return {fields[b"name"]: fields for fields in map(_fields, items)}


def _group_difference(mine: _Fields, its: _Fields) -> str | None:
    for name in _GROUP:
        # A server that cannot know an older stream's counter says nil.
        if (
            name in mine
            and name in its
            and mine[name] != its[name]
            and not (name == b"entries-read" and None in (mine[name], its[name]))
        ):
            return "pending entries" if name in (b"pel-count", b"pending") else name.decode()
    if set(_by_name(mine[b"consumers"])) != set(_by_name(its[b"consumers"])):
        return "consumers"
    return None
