# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strategy whose word that a key has vanished is not taken: the source has to say so in another reply."""

from __future__ import annotations

from .._pipeline.absence import CONTRADICTION_HINT, PAUSES, contradiction, without
from .._pipeline.chunk import Chunk
from .._pipeline.job import Job, Sleep
from .strategy import Lane, Moved, Refused, Transfer, Vanished


class Proved:
    """``transfer``, but each key that it finds gone is looked for at the source of ``lane``."""

    def __init__(self, lane: Lane, transfer: Transfer) -> None:
        self.chunk_keys = transfer.chunk_keys
        self.chunk_bytes = transfer.chunk_bytes
        self._lane = lane
        self._transfer = transfer

    def transfer(self, chunk: Chunk, *, replace: bool) -> Job[Moved]:
        moved: Moved = yield from self._transfer.transfer(chunk, replace=replace)
        slack = self._lane.source.clock_slack_ms / 1000 if moved.others else 0
        for pause in (*PAUSES[:-1], PAUSES[-1] + slack):
            doubtful = yield from self._doubtful(chunk, moved)
            if not doubtful:
                return moved
            yield Sleep(pause)
            again: Moved = yield from self._transfer.transfer(chunk.pick(doubtful), replace=replace)
            kept = {at: outcome for at, outcome in moved.others.items() if at not in set(doubtful)}
            others = {doubtful[index]: outcome for index, outcome in again.others.items()}
            moved = Moved(moved.size + again.size, {**kept, **others}, moved.rebuilt + again.rebuilt)
        for at in (yield from self._doubtful(chunk, moved)):
            said = moved.others[at]
            command = said.seen_by if isinstance(said, Vanished) else ""
            moved.others[at] = Refused(contradiction("source", command), CONTRADICTION_HINT)
        return moved

    def _doubtful(self, chunk: Chunk, moved: Moved) -> Job[list[int]]:
        """Positions of the keys that vanished, and that the source has."""
        vanished = [at for at, outcome in moved.others.items() if isinstance(outcome, Vanished)]
        if not vanished:
            return []
        gone = set((yield from without(self._lane.source, [chunk.names[at] for at in vanished])))
        return sorted(at for at in vanished if chunk.names[at] not in gone)
