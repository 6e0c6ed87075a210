# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another strategy, with ``rebuild`` for the keys that it cannot move."""

from __future__ import annotations

from ..._pipeline.chunk import Chunk
from ..._pipeline.job import Job, LostAgain
from ..._pipeline.pipe import ReplyTooLarge
from ..strategy import Moved, Outcome, Refused, Transfer


class WithRebuild:
    """``strategy``, but keys that are too large for one payload, or that the target cannot read, are rebuilt.

    ``large_key_bytes``: keys that take more memory than this are too large (0: none is).
    """

    def __init__(self, strategy: Transfer, rebuild: Transfer, large_key_bytes: int) -> None:
        self.chunk_keys = strategy.chunk_keys
        self.chunk_bytes = strategy.chunk_bytes
        self._strategy = strategy
        self._rebuild = rebuild
        self._large = large_key_bytes

    def transfer(self, chunk: Chunk, *, replace: bool) -> Job[Moved]:
        large: list[int] = []
        if self._large and chunk.size > self._large:
            large = [position for position, size in enumerate(chunk.sizes) if size > self._large]
        moved = Moved(0, {})
        try:
            if not large:
                moved = yield from self._strategy.transfer(chunk, replace=replace)
            elif len(large) < len(chunk):
                small = [position for position, size in enumerate(chunk.sizes) if size <= self._large]
                part = yield from self._strategy.transfer(chunk.pick(small), replace=replace)
                moved = Moved(part.size, _placed(part, small))
        except ReplyTooLarge:
            # Nothing was written yet, and one of them is far larger than the server's estimate.
            large = list(range(len(chunk)))
        except LostAgain:
            if len(chunk) > 1:
                raise
            # What no connection survives in one piece may pass in several.
            large = [0]
        unreadable = [at for at, outcome in moved.others.items() if isinstance(outcome, Refused) and outcome.unreadable]
        again = sorted(large + unreadable)
        if not again:
            return moved
        rebuilt: Moved = yield from self._rebuild.transfer(chunk.pick(again), replace=replace)
        kept = {at: outcome for at, outcome in moved.others.items() if at not in set(unreadable)}
        return Moved(moved.size + rebuilt.size, {**kept, **_placed(rebuilt, again)}, rebuilt.rebuilt)


def _placed(moved: Moved, positions: list[int]) -> dict[int, Outcome]:
    """The outcomes of a part of a chunk, by position in the whole."""
    return {positions[index]: outcome for index, outcome in moved.others.items()}
