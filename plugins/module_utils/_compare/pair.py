# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares chunks of one pair of databases: from the source's side, and from the target's for what is there alone."""

from __future__ import annotations

import functools
import typing as t

from .._errors import ConnectError
from .._keys.listing import listable
from .._pipeline.absence import PAUSES, lacking, unknown, without
from .._pipeline.chunk import Chunk
from .._pipeline.clashes import clashes
from .._pipeline.elsewhere import everywhere
from .._pipeline.end import End
from .._pipeline.flow import Flow
from .._pipeline.halving import Work
from .._pipeline.job import Job, Sleep
from .comparer import CONTRADICTORY, Comparer
from .diff_progress import DatabaseDiff, Found
from .verdict import Difference, Gone, Verdict

# What may be in transit between two looks at an end (an expiry that one server has noticed and the other has not).
_SECOND_LOOK_SECONDS = 0.05


class PairComparison:
    """Compares chunks of one pair of databases and counts."""

    def __init__(
        self,
        flow: Flow,
        source: End,
        target: End,
        level: str,
        counts: DatabaseDiff,
        differences: list[Found],
        most_listed: int,
        tolerance_ms: int,
        noted: t.Callable[[], None],
    ) -> None:
        self._level = level
        self._most_listed = most_listed
        self._source = source
        self._target = target
        self._counts = counts
        self._differences = differences
        self._noted = noted
        self._comparer = Comparer(flow, source, target, tolerance_ms)

    def forward(self, _chunk: Chunk) -> Work:
        """The job that compares a chunk of the source's keys with the target."""
        return self._compare

    def backward(self, _chunk: Chunk) -> Work:
        """The job that looks for keys of the target that the source does not have."""
        return lambda part: self._find_extra(part.names)

    def give_up(self, chunk: Chunk, error: ConnectError) -> None:
        """Count the chunk's key, which cannot be read, as different: nothing proves that it is not."""
        self._counts.add(DatabaseDiff(source_keys=1, different=1))
        self._report(chunk.names[0], Difference("value", f"could not be compared: {error.message}"))

    def _compare(self, chunk: Chunk) -> Job[None]:
        counts = DatabaseDiff(source_keys=len(chunk))
        found: list[tuple[bytes, Difference]] = []
        if self._level == "keys":
            missing = yield from lacking(self._target, chunk.names)
            if missing:
                yield Sleep(_SECOND_LOOK_SECONDS)
                gone = set((yield from without(self._source, missing)))
                still = set((yield from lacking(self._target, missing)))
                counts.source_keys -= len(gone)
                found = [(name, Difference("missing", "not at the target")) for name in missing if name in still - gone]
            clashing = yield from clashes(self._source, self._target.renaming, chunk.names)
            found += [(chunk.names[at], Difference("value", reason)) for at, reason in clashing.items()]
        else:
            found = yield from self._look(chunk, counts)
        for name, difference in found:
            if difference.kind == "missing":
                counts.missing += 1
            else:
                counts.different += 1
            self._report(name, difference)
        self._counts.add(counts)
        self._noted()

    def _look(self, chunk: Chunk, counts: DatabaseDiff) -> Job[list[tuple[bytes, Difference]]]:
        verdicts: list[Verdict] = yield from self._comparer.verdicts(chunk, self._level)
        if not any(verdicts):
            return []
        suspects = [position for position, verdict in enumerate(verdicts) if verdict is not None]
        found: dict[bytes, Difference] = {}
        for pause in (_SECOND_LOOK_SECONDS, *PAUSES):
            yield Sleep(pause)
            again = chunk.pick(suspects)
            verdicts = yield from self._comparer.verdicts(again, self._level)
            for name, verdict in zip(again.names, verdicts):
                found.pop(name, None)
                if isinstance(verdict, Gone):
                    counts.source_keys -= 1
                elif verdict is not None:
                    found[name] = verdict
            # Of these keys the source says two things, as it also does where they come and go.
            suspects = [at for at, verdict in zip(suspects, verdicts) if verdict is CONTRADICTORY]
            if not suspects:
                break
        return list(found.items())

    def _find_extra(self, names: list[bytes]) -> Job[None]:
        counts = DatabaseDiff(target_keys=len(names))
        unknown_here = functools.partial(everywhere, self._source, ask=without)
        extra = yield from unknown(self._target, names, unknown_here)
        if extra:
            yield Sleep(_SECOND_LOOK_SECONDS)
            gone = set((yield from without(self._target, extra)))
            still = set((yield from unknown(self._target, extra, unknown_here)))
            counts.target_keys -= len(gone)
            for name in extra:
                if name in still - gone:
                    counts.extra += 1
                    self._report(name, Difference("extra", "not at the source"))
        self._counts.add(counts)

    def _report(self, name: bytes, difference: Difference) -> None:
        found = Found(self._source.database, name, difference)
        self._differences.extend(listable(self._differences, [found], self._most_listed))
