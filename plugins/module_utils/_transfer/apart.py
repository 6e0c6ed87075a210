# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strategy that moves no key under a name which another key of the source has at the target."""

from __future__ import annotations

from .._pipeline.chunk import Chunk
from .._pipeline.clashes import HINT, clashes
from .._pipeline.job import Job
from .strategy import Lane, Moved, Outcome, Refused, Transfer


class Apart:
    """``transfer``, but for keys that would overwrite one another. Most are found before the run; see :mod:`_migrate.names`."""

    def __init__(self, lane: Lane, transfer: Transfer) -> None:
        self.chunk_keys = transfer.chunk_keys
        self.chunk_bytes = transfer.chunk_bytes
        self._lane = lane
        self._transfer = transfer

    def transfer(self, chunk: Chunk, *, replace: bool) -> Job[Moved]:
        found = yield from clashes(self._lane.source, self._lane.target.renaming, chunk.names)
        if not found:
            return (yield from self._transfer.transfer(chunk, replace=replace))
        others: dict[int, Outcome] = {at: Refused(reason, HINT) for at, reason in found.items()}
        apart = [at for at in range(len(chunk)) if at not in found]
        if not apart:
            return Moved(0, others)
        moved: Moved = yield from self._transfer.transfer(chunk.pick(apart), replace=replace)
        others.update({apart[index]: outcome for index, outcome in moved.others.items()})
        return Moved(moved.size, others, moved.rebuilt)
