# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves many small values equal at once, by the bytes that both ends answer to the same commands.

Where these are the same, nothing is taken apart. Where they are not, equal content is a proof too. Everything else is none,
and for :mod:`whole` to look at, which alone says what differs: whatever is odd here costs time and is no difference yet.
"""

from __future__ import annotations

import functools
import typing as t

from .._connection.commands import Packed, each, together
from .._connection.replies import proves_equal
from .._pipeline.end import End
from .._pipeline.job import Job
from .._pipeline.raw_pipe import RawPipe, parse_raw
from .._rdb.payload import same_value
from .both_ends import Both
from .expiring_fields import fields_expire
from .streams_whole import same_streams, unproved_heads

# Below this share of strings nobody asks for them first; every so many chunks somebody looks whether that still holds.
_FEW = 0.3
_LOOK_AGAIN = 20
_SMOOTHING = 0.2

# Answers of more bytes for a key are read as they arrive, one by one: to look through them for what is no value is dearer
# then than to take them apart.
_BULKY = 1024

# ZSCAN shows the members of a compact sorted set as they are stored, in order, and any other whole if it may go on so
# long. ZRANGE would have each score read and printed, and versions print the same score differently.
_ALL = b"1000000000"

# The commands that read all of a key, by its type: their name, and what stands behind the key.
_READ: dict[bytes, tuple[bytes, ...]] = {
    b"hash": (b"HGETALL",),
    b"set": (b"SMEMBERS",),
    b"zset": (b"ZSCAN", b"0", b"COUNT", _ALL),
    b"list": (b"LRANGE", b"0", b"-1"),
    b"stream": (b"XRANGE", b"-", b"+"),
}

# How a reply to ZSCAN begins that was through.
_THROUGH = b"*2\r\n$1\r\n0\r\n*"

# What stands for a key that is not there, by command.
_NO_TEXT = b"$-1\r\n"
_EMPTY_LIST = b"*0\r\n"


class Proof:
    """Of small values of one pair of databases. ``payloads_alike``: whether both encode the same data alike."""

    def __init__(self, source: End, target: End, *, payloads_alike: bool) -> None:
        self._source = source
        self._target = target
        self._payloads_alike = payloads_alike
        # Both ends are asked the same, also where only one of them is a node of a cluster.
        self._alone = source.server.in_cluster or target.server.in_cluster
        # What share of the keys seen lately were strings.
        self._share = 1.0
        self._chunks = 0
        # Whether strings and payloads were of many bytes lately.
        self._bulky_strings = self._bulky_payloads = False

    def unproved(self, keys: Both) -> Job[t.Sequence[int]]:
        """Positions of those of ``keys`` whose values are not proved equal. A key that an end lacks never is."""
        here, there = self._source.raw, self._target.raw
        left: t.Sequence[int] = range(len(keys))
        if here is None or there is None:
            return left
        self._chunks += 1
        if self._share > _FEW or self._chunks % _LOOK_AGAIN == 0:
            left = yield from self._unproved_strings(here, there, keys)
            self._share += _SMOOTHING * (1 - len(left) / len(keys) - self._share)
        if left and self._payloads_alike:
            found = yield from self._unproved_payloads(here, there, keys.pick(left))
            left = [left[index] for index in found]
        if left:
            found = yield from self._unproved_contents(here, there, keys.pick(left))
            left = [left[index] for index in found]
        return left

    def _unproved_strings(self, here: RawPipe, there: RawPipe, keys: Both) -> Job[list[int]]:
        """Positions of the keys that are not the same string at both ends."""
        get, its_get = keys.asking(functools.partial(_strings, alone=self._alone))
        count = len(keys)
        if self._bulky_strings:
            replies = count if self._alone else 1
            values, its_values = yield self._source.call(get, replies), self._target.call(its_get, replies)
            found = _unlike_values(count // replies, values, its_values)
            size = sum(
                [len(value) for said in values if isinstance(said, list) for value in said if isinstance(value, bytes)]
            )
        else:
            (mine,), (its,) = yield here.ask(get), there.ask(its_get)
            found = _unlike_strings(count, mine, its, alone=self._alone)
            size = len(mine)
        self._bulky_strings = size > _BULKY * count
        return found

    def _unproved_payloads(self, here: RawPipe, there: RawPipe, keys: Both) -> Job[list[int]]:
        """Positions of the keys of which DUMP shows other values."""
        dump, its_dump = keys.asked(b"DUMP")
        count = len(keys)
        if self._bulky_payloads:
            payloads, its_payloads = yield self._source.call(dump, count), self._target.call(its_dump, count)
            found = _unlike_pairs(_same_payload, payloads, its_payloads)
            size = sum([len(payload) for payload in payloads if isinstance(payload, bytes)])
        else:
            (mine,), (its,) = yield here.ask(dump), there.ask(its_dump)
            found = [] if proves_equal(mine, its, b"$", _NO_TEXT) else _unlike(_same_payload, count, mine, its)
            size = len(mine)
        self._bulky_payloads = size > _BULKY * count
        return found

    def _unproved_contents(self, here: RawPipe, there: RawPipe, keys: Both) -> Job[list[int]]:
        # An end at which a key is of another type than the source says answers with an error.
        kinds = yield self._source.call(each(b"TYPE", keys.mine), len(keys))
        self._source.check(kinds, "TYPE")
        by_kind: dict[bytes, list[int]] = {}
        for position, kind in enumerate(kinds):
            by_kind.setdefault(kind, []).append(position)
        left: list[int] = []
        if b"hash" in by_kind and (yield from fields_expire(self._source, self._target)):
            left += by_kind.pop(b"hash")
        for kind in set(by_kind).difference(_READ, (b"string",)):
            left += by_kind.pop(kind)
        groups = [(kind, at, keys.pick(at)) for kind, at in by_kind.items()]
        if not groups:
            return left
        batches = [names.asking(functools.partial(_read, kind, alone=self._alone)) for kind, _at, names in groups]
        batches += [names.asked(b"XINFO STREAM") for kind, _at, names in groups if kind == b"stream"]
        mine_asked, its_asked = zip(*batches)
        here_said, there_said = yield here.ask(*mine_asked), there.ask(*its_asked)
        answers = list(zip(here_said, there_said))
        # Behind the answers to each group those about the heads of streams, if there are any.
        heads = answers[-1]
        for (kind, at, names), (mine, its) in zip(groups, answers):
            if kind == b"stream":
                found = yield from self._unproved_streams(names, (mine, its), heads)
            elif kind == b"string":
                found = _unlike_strings(len(names), mine, its, alone=self._alone)
            else:
                found = _unlike_elements(kind, len(names), mine, its)
            left += [at[index] for index in found]
        return left

    def _unproved_streams(self, keys: Both, entries: tuple[bytes, bytes], heads: tuple[bytes, bytes]) -> Job[list[int]]:
        doubtful = set(unproved_heads(len(keys), *heads))
        doubtful.update(_unlike_elements(b"stream", len(keys), *entries))
        if not doubtful:
            return []
        verdicts = yield from same_streams(self._source, self._target, keys.pick(sorted(doubtful)))
        return [index for index, verdict in zip(sorted(doubtful), verdicts) if verdict is not None]


def _read(kind: bytes, names: Packed, *, alone: bool) -> bytes:
    if kind == b"string":
        return _strings(names, alone=alone)
    command, *after = _READ[kind]
    return each(command, names, *after)


def _strings(names: Packed, *, alone: bool) -> bytes:
    """MGET, of all names or of each ``alone``."""
    return each(b"MGET", names) if alone else together(b"MGET", names)


def _unlike_strings(count: int, mine: bytes, its: bytes, *, alone: bool = False) -> list[int]:
    replies, size = (count, 1) if alone else (1, count)
    if proves_equal(mine, its, b"*%d\r\n" % size, _NO_TEXT):
        return []
    here, there = parse_raw(mine, replies), parse_raw(its, replies)
    if here is None or there is None:
        return list(range(count))
    return _unlike_values(size, here, there)


def _unlike_values(size: int, here: list[t.Any], there: list[t.Any]) -> list[int]:
    """Positions of the strings that are not the same in both answers, each of replies to MGET of ``size`` keys."""
    if not all(isinstance(reply, list) and len(reply) == size for reply in (*here, *there)):
        return list(range(size * len(here)))
    values, its_values = ([value for reply in said for value in reply] for said in (here, there))
    return [
        position
        for position, (value, its_value) in enumerate(zip(values, its_values))
        if value != its_value or not isinstance(value, bytes)
    ]


def _unlike(same: t.Callable[[t.Any, t.Any], bool], count: int, mine: bytes, its: bytes) -> list[int]:
    """Positions of the ``count`` keys whose replies are not the ``same``; all where an end gave something else."""
    here, there = parse_raw(mine, count), parse_raw(its, count)
    if here is None or there is None:
        return list(range(count))
    return _unlike_pairs(same, here, there)


def _unlike_pairs(same: t.Callable[[t.Any, t.Any], bool], here: list[t.Any], there: list[t.Any]) -> list[int]:
    try:
        return [position for position, pair in enumerate(zip(here, there)) if not same(*pair)]
    except (TypeError, ValueError):
        # Such as lists for members, or no number for a score.
        return list(range(len(here)))


def _unlike_elements(kind: bytes, count: int, mine: bytes, its: bytes) -> list[int]:
    if proves_equal(mine, its, b"*", _EMPTY_LIST) and (kind != b"zset" or mine.count(_THROUGH) == count):
        return []
    return _unlike(_SAME[kind], count, mine, its)


def _same_payload(mine: t.Any, its: t.Any) -> bool:
    return isinstance(mine, bytes) and isinstance(its, bytes) and same_value(mine, its)


def _same_list(mine: t.Any, its: t.Any) -> bool:
    return bool(mine) and isinstance(mine, list) and mine == its


def _same_set(mine: t.Any, its: t.Any) -> bool:
    return _same_list(mine, its) or (_as_many(mine, its) and set(mine) == set(its))


def _same_hash(mine: t.Any, its: t.Any) -> bool:
    return _same_list(mine, its) or (_as_many(mine, its) and _pairs(mine) == _pairs(its) != {})


def _same_scores(mine: t.Any, its: t.Any) -> bool:
    if not (_as_many(mine, its) and len(mine) == 2 and mine[0] == its[0] == b"0"):
        return False
    here, there = mine[1], its[1]
    if _same_list(here, there):
        return True
    if not _as_many(here, there):
        return False
    scores, its_scores = _pairs(here), _pairs(there)
    if scores.keys() != its_scores.keys():
        return False
    # The same text is the same score; other text can be it too.
    texts = [(score, its_scores[member]) for member, score in scores.items() if score != its_scores[member]]
    return bool(scores) and all(float(score) == float(its_score) for score, its_score in texts)


def _as_many(mine: t.Any, its: t.Any) -> bool:
    return bool(mine) and isinstance(mine, list) and isinstance(its, list) and len(mine) == len(its)


def _pairs(flat: list[t.Any]) -> dict[t.Any, t.Any]:
    return dict(zip(flat[::2], flat[1::2]))


_SAME: dict[bytes, t.Callable[[t.Any, t.Any], bool]] = {
    b"hash": _same_hash,
    b"set": _same_set,
    b"zset": _same_scores,
    b"list": _same_list,
    b"stream": _same_list,
}
