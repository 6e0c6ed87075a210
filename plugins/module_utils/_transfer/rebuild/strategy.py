# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategy ``rebuild``: keys are read and written with ordinary commands; the two servers need no common format.

Small keys are read whole, many at once; large ones in pieces (:mod:`in_pieces`). Every key appears at the
target only complete: it is built under a temporary name and renamed.
"""

from __future__ import annotations

import typing as t

from ..._connection.commands import each, pack
from ..._keys.temporary import TemporaryNames
from ..._pipeline.chunk import Chunk
from ..._pipeline.job import Job
from ..._pipeline.pipe import ReplyTooLarge
from ..._server.compatibility import can_restore
from ..copy import CopyStrategy
from ..strategy import Lane, Moved, Outcome, Refused, Strategy, Vanished
from . import needs
from .field_ttls import FieldTtls
from .in_pieces import InPieces
from .leftovers import remove_leftovers
from .whole import TYPES, TooLarge, Whole

# Keys that take more memory than this are moved in pieces.
WHOLE_BYTES = 128 * 1024


class RebuildStrategy(Strategy):
    """Moves keys by ordinary commands."""

    name = "rebuild"
    needs_at_source = needs.AT_SOURCE
    needs_at_target = needs.AT_TARGET
    sends_payloads = False
    chunk_keys = 200
    chunk_bytes = 256 * 1024

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._names = TemporaryNames()
        ttls = FieldTtls(lane)
        self._whole = Whole(lane, self._names, ttls)
        self._in_pieces = InPieces(lane, self._names, ttls)
        # For types of modules there is no ordinary command.
        self._copy = CopyStrategy(lane)
        self._transactions_proved = lane.check_mode

    def transfer(self, chunk: Chunk, *, replace: bool) -> Job[Moved]:
        if not self._transactions_proved:
            yield from self._prove_transactions()
        source = self._lane.source
        kinds = yield source.call(each(b"TYPE", chunk.names), len(chunk))
        source.check(kinds, "TYPE")
        others: dict[int, Outcome] = {}
        small: list[int] = []
        large: list[int] = []
        unknown: list[int] = []
        for position, kind in enumerate(kinds):
            if kind == b"none":
                others[position] = Vanished("TYPE")
            elif kind not in TYPES:
                unknown.append(position)
            else:
                (small if chunk.sizes[position] <= WHOLE_BYTES else large).append(position)
        if small:
            large += yield from self._move_whole(chunk, kinds, small, others, replace)
        for position in large:
            outcome = yield from self._in_pieces.move(chunk.names[position], chunk.sizes[position], replace=replace)
            if outcome is not None:
                others[position] = outcome
        rebuilt = len(chunk) - len(others) - len(unknown)
        if unknown:
            yield from self._move_unknown(chunk, kinds, unknown, others, replace)
        size = chunk.size - sum([chunk.sizes[position] for position in others])
        return Moved(size, others, rebuilt)

    def _prove_transactions(self) -> Job[None]:
        """Raise unless the target takes transactions: of one that it refuses, the commands would run one by one."""
        target = self._lane.target
        replies = yield target.call(pack(b"MULTI") + pack(b"EXEC"), 2)
        target.check(replies, "MULTI")
        self._transactions_proved = True

    def remove_leftovers(self, slots: bytes | None = None) -> Job[None]:
        """The job that deletes what a killed run left at the target, of keys in ``slots`` (None: all)."""
        return remove_leftovers(self._lane.target, self._names, slots)

    def _move_whole(
        self, chunk: Chunk, kinds: list[bytes], positions: list[int], others: dict[int, Outcome], replace: bool
    ) -> Job[list[int]]:
        """Move the keys at ``positions``; returns those that have to be moved in pieces after all."""
        try:
            found = yield from self._whole.move(
                chunk.pick(positions), [kinds[position] for position in positions], replace=replace
            )
        except ReplyTooLarge:
            # Grown since it was measured, whichever it is.
            return positions
        again: list[int] = []
        for index, outcome in found.items():
            if isinstance(outcome, TooLarge):
                again.append(positions[index])
            else:
                others[positions[index]] = outcome
        return again

    def _move_unknown(
        self, chunk: Chunk, kinds: list[bytes], positions: list[int], others: dict[int, Outcome], replace: bool
    ) -> Job[None]:
        source, target = self._lane.source.server, self._lane.target.server
        if self._lane.check_mode and not can_restore(source, target):
            found: t.Mapping[int, Outcome] = {index: _unreadable() for index in range(len(positions))}
        else:
            found = (yield from self._copy.transfer(chunk.pick(positions), replace=replace)).others
        for index, outcome in found.items():
            position = positions[index]
            others[position] = outcome
            if isinstance(outcome, Refused):
                kind = kinds[position].decode("ascii", "replace")
                hint = (
                    f"No ordinary commands read a {kind} whole: {target.product} must have the same module "
                    f"and understand the payloads of {source.product}."
                )
                others[position] = Refused(outcome.reason, hint, outcome.unreadable, kind)


def _unreadable() -> Refused:
    return Refused("the target does not understand the source's payloads", unreadable=True)
