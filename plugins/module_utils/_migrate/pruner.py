# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes from the target what the source does not have (any more)."""

from __future__ import annotations

import functools

from .._keys.listing import LISTED
from .._keys.name import printable
from .._pipeline.absence import absent, unknown
from .._pipeline.chunk import Chunk
from .._pipeline.elsewhere import everywhere
from .._pipeline.halving import Work
from .._pipeline.job import Job
from .._transfer.strategy import Lane
from .counters import Change
from .progress import Plan, Progress
from .prune_bound import PruneBound
from .source_guard import SourceGuard


class Pruner:
    """Takes chunks of a scan of the target."""

    def __init__(self, lane: Lane, guard: SourceGuard, plan: Plan, progress: Progress) -> None:
        self._lane = lane
        self._guard = guard
        self._bound = PruneBound(lane, plan, progress)
        self._counters = progress.counters[lane.source.database]
        self._changes = progress.changes

    def chunk(self, _chunk: Chunk) -> Work:
        """What makes the job that prunes among the keys of the chunk, or of a part of it."""
        doomed: list[bytes] = []
        counted: set[bytes] = set()
        return lambda part: self._prune(part.names, doomed, counted)

    def _prune(self, names: list[bytes], doomed: list[bytes], counted: set[bytes]) -> Job[None]:
        source, target = self._lane.source, self._lane.target
        # Deleted already, when the answer to that got lost with its connection.
        mine = set(names).intersection(doomed) if doomed else ()
        deleted = dict.fromkeys((yield from absent(target, [name for name in names if name in mine])))
        lacked = functools.partial(everywhere, source, ask=absent)
        extra = yield from unknown(target, [name for name in names if name not in deleted], lacked)
        gone = 0
        if extra:
            lasting = yield from self._bound.among(extra)
            # Some are counted already where this begins anew, as after a lost connection.
            yield from self._bound.take(len(lasting - counted))
            counted |= lasting
            # What is deleted does not come back, so the source says once more that it is itself and lacks them.
            extra = yield from unknown(
                target, extra, functools.partial(everywhere, source, ask=self._guard.still_absent)
            )
        if extra:
            command = b"EXISTS"
            if not self._lane.check_mode:
                command = b"UNLINK"
                doomed[:] = [*deleted, *extra]
            counts = yield target.call(*target.about_all(command, extra))
            target.check(counts, command.decode())
            gone = sum(counts)
        self._counters.pruned += len(deleted) + gone
        room = max(0, LISTED - len(self._changes))
        self._changes.extend(Change(source.database, printable(name), "pruned") for name in [*deleted, *extra][:room])
