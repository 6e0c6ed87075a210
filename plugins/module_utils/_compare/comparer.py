# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether keys hold the same at both ends: type, value and expiry; of data, not of bytes.

Most are proved equal many at once (:mod:`proof`); the others are looked at one by one, by content (:mod:`whole`).
"""

from __future__ import annotations

import typing as t

from .._connection.commands import each
from .._errors import WrongType
from .._pipeline.absence import contradiction, lifeless, without
from .._pipeline.chunk import Chunk
from .._pipeline.clashes import clashes
from .._pipeline.end import End
from .._pipeline.expiry import GONE, NEVER, Expiry
from .._pipeline.flow import Flow
from .._pipeline.job import Gate, Job, Take
from .._pipeline.pipe import ReplyTooLarge
from .._server.compatibility import rdb_version
from . import chunks, whole
from .both_ends import Both
from .proof import Proof
from .verdict import GONE_AT_SOURCE, Difference, Gone, Verdict

# Keys that take more memory than this are compared in chunks.
_LARGE_BYTES = 1024 * 1024

# Large keys that are compared at the same time; each keeps a piece of it in memory and both ends busy.
_LARGE_AT_ONCE = 2


# The verdict on a key that became one of another type while it was looked at.
_CHANGING = Difference("type", "written to while it was compared")

# The verdict on a key of which one reply of the source says that it is there, and another one that it is not.
CONTRADICTORY = Difference("value", f"could not be compared: {contradiction('source')}")


class Comparer:
    """Compares keys of one pair of databases. ``tolerance_ms``: by how much expiries may differ."""

    def __init__(self, flow: Flow, source: End, target: End, tolerance_ms: int) -> None:
        self._flow = flow
        self._large = Gate(_LARGE_AT_ONCE)
        self.source = source
        self.target = target
        self._tolerance = tolerance_ms
        # A payload carries the times of a hash's fields; by clocks that differ these are other ones.
        shifted = source.clock_shift_ms != 0 and source.server.supports_field_ttl()
        payloads_alike = rdb_version(source.server) == rdb_version(target.server) and not shifted
        self._proof = Proof(source, target, payloads_alike=payloads_alike)

    def verdicts(self, chunk: Chunk, level: str = "values") -> Job[list[Verdict]]:
        """The verdict on every key of ``chunk``; ``level``: "metadata", or "values" as well."""
        verdicts: list[Verdict] = yield from self._verdicts(chunk, level)
        for at, reason in (yield from clashes(self.source, self.target.renaming, chunk.names)).items():
            if not isinstance(verdicts[at], Gone):
                verdicts[at] = Difference("value", reason)
        return verdicts

    def _verdicts(self, chunk: Chunk, level: str) -> Job[list[Verdict]]:
        verdicts: list[Verdict]
        if level == "metadata":
            verdicts = yield from self.metadata(chunk.names)
            return verdicts
        if max(chunk.sizes, default=0) <= _LARGE_BYTES:
            return (yield from self.values(chunk.names))
        small = [position for position, size in enumerate(chunk.sizes) if size <= _LARGE_BYTES]
        verdicts = [None] * len(chunk)
        if small:
            for position, verdict in zip(small, (yield from self.values(chunk.pick(small).names))):
                verdicts[position] = verdict
        for position, size in enumerate(chunk.sizes):
            if size > _LARGE_BYTES:
                verdicts[position] = yield from self.large(chunk.names[position])
        return verdicts

    def values(self, keys: t.Sequence[bytes]) -> Job[list[Verdict]]:
        """The verdict on every one of ``keys``, which are small at the source (the caller has seen to that)."""
        try:
            return (yield from self._sure(keys, (yield from self._small(keys))))
        except ReplyTooLarge:
            # Small at the source, huge at the target: one by one, in chunks.
            verdicts: list[Verdict] = []
            for key in keys:
                verdicts.append((yield from self.large(key)))
            return verdicts
        except WrongType:
            # Somebody writes to one of them: it is found by halves.
            if len(keys) == 1:
                return [_CHANGING]
            half = len(keys) // 2
            return [*(yield from self.values(keys[:half])), *(yield from self.values(keys[half:]))]

    def metadata(self, keys: t.Sequence[bytes]) -> Job[list[Verdict]]:
        """As :meth:`values`, but only types and expiries."""
        return (yield from self._sure(keys, (yield from self._metadata(keys))))

    def _metadata(self, keys: t.Sequence[bytes]) -> Job[list[Verdict]]:
        names = Both.of(keys, self.target)
        _kinds, verdicts = yield from self._types(names)
        yield from self._expiries(names, verdicts)
        return verdicts

    def large(self, key: bytes) -> Job[Verdict]:
        """The verdict on one key of any size, in bounded chunks."""
        yield Take(self._large, 1)
        try:
            (verdict,) = yield from self._sure([key], [(yield from self._in_chunks(key))])
            return verdict
        except WrongType:
            return _CHANGING
        finally:
            self._flow.give(self._large, 1)

    def _in_chunks(self, key: bytes) -> Job[Verdict]:
        (verdict,) = yield from self._metadata([key])
        if verdict is not None:
            return verdict
        here = yield self.source.call(each(b"TYPE", [key]), 1)
        self.source.check(here, "TYPE")
        if here[0] == b"none":
            return GONE_AT_SOURCE
        return (yield from chunks.same_in_chunks(self.source, self.target, key, here[0].decode()))

    def _sure(self, keys: t.Sequence[bytes], verdicts: list[Verdict]) -> Job[list[Verdict]]:
        """``verdicts``, where a key counts as gone if the source proves it.

        A hash of the source none of whose fields is alive any more is gone too.
        """
        if not any(verdicts):
            return verdicts
        claimed = [keys[index] for index, verdict in enumerate(verdicts) if isinstance(verdict, Gone)]
        if claimed:
            proved = set((yield from without(self.source, claimed)))
            for index, verdict in enumerate(verdicts):
                if isinstance(verdict, Gone) and keys[index] not in proved:
                    verdicts[index] = CONTRADICTORY
        suspects = [
            index
            for index, verdict in enumerate(verdicts)
            if isinstance(verdict, Difference) and verdict.type in ("hash", None) and verdict is not CONTRADICTORY
        ]
        if suspects:
            gone = set((yield from lifeless(self.source, [keys[index] for index in suspects])))
            for index in suspects:
                if keys[index] in gone:
                    verdicts[index] = GONE_AT_SOURCE
        return verdicts

    def _small(self, keys: t.Sequence[bytes]) -> Job[list[Verdict]]:
        verdicts: list[Verdict] = [None] * len(keys)
        names = Both.of(keys, self.target)
        unproved = yield from self._proof.unproved(names)
        if unproved:
            found = yield from self._by_type([keys[index] for index in unproved])
            for index, verdict in zip(unproved, found):
                verdicts[index] = verdict
        yield from self._expiries(names, verdicts)
        return verdicts

    def _by_type(self, keys: t.Sequence[bytes]) -> Job[list[Verdict]]:
        kinds, verdicts = yield from self._types(Both.of(keys, self.target))
        alike = [index for index, verdict in enumerate(verdicts) if verdict is None]
        found = yield from whole.same_whole(
            self.source, self.target, [(keys[index], kinds[index].decode()) for index in alike]
        )
        for index, verdict in zip(alike, found):
            verdicts[index] = verdict
        return verdicts

    def _types(self, keys: Both) -> Job[tuple[list[bytes], list[Verdict]]]:
        """The types of ``keys`` at the source, and verdicts on these alone."""
        ask, its_ask = keys.asked(b"TYPE")
        here, there = yield self.source.call(ask, len(keys)), self.target.call(its_ask, len(keys))
        self.source.check(here, "TYPE")
        self.target.check(there, "TYPE")
        return here, [_type_verdict(mine, its) for mine, its in zip(here, there)]

    def _expiries(self, keys: Both, verdicts: list[Verdict]) -> Job[None]:
        source, target = self.source.expiries, self.target.expiries
        here, there = yield (
            self.source.call(*source.commands(keys.mine)),
            self.target.call(*target.commands(keys.its)),
        )
        mine = yield from source.read(keys.mine, here)
        its = yield from target.read(keys.its, there)
        if not source.nothing_expires and target.nothing_expires and any(expiry is not NEVER for expiry in mine):
            # The target was taken to hold nothing that expires; what was read there is from before that was checked.
            its = yield from target.ask(keys.its)
        if mine == its and GONE not in mine:
            return
        pairs = enumerate(zip(mine, its))
        for index, (at_source, at_target) in [pair for pair in pairs if pair[1][0] != pair[1][1] or pair[1][0] == GONE]:
            if at_source == GONE:
                verdicts[index] = GONE_AT_SOURCE
            elif verdicts[index] is not None:
                continue
            elif at_target == GONE:
                verdicts[index] = Difference("missing", "not at the target")
            elif not self._close(at_source, at_target):
                verdicts[index] = Difference("ttl", _ttl_detail(at_source, at_target))

    def _close(self, one_expiry: Expiry, other: Expiry) -> bool:
        if one_expiry is NEVER or other is NEVER:
            return one_expiry is other
        return abs(one_expiry - other) <= self._tolerance


def _type_verdict(mine: t.Any, its: t.Any) -> Verdict:
    if mine == b"none":
        return GONE_AT_SOURCE
    if its == b"none":
        return Difference("missing", "not at the target", mine.decode())
    if mine != its:
        return Difference("type", f"{mine.decode()} at the source, {its.decode()} at the target", mine.decode())
    return None


def _ttl_detail(mine: Expiry, its: Expiry) -> str:
    if mine is NEVER:
        return "expires at the target only"
    if its is NEVER:
        return "expires at the source only"
    apart = its - mine
    return f"expires {abs(apart)} ms {'later' if apart > 0 else 'earlier'} at the target"
