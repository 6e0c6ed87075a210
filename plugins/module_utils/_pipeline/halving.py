# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the keys that a connection does not survive, so that all others get through.

Servers close a connection that asks for too much at once, often without a reply: a value above ``proto-max-bulk-len``, a
full query or output buffer, ``maxmemory-clients``. Where the same commands lose their connection again and again, their
chunk is run alone and halved until it passes. A single key that never passes is given up by name.
"""

from __future__ import annotations

import math
import typing as t

from .._errors import ConnectError
from .chunk import Chunk
from .flow import Flow
from .job import Gate, Job, LostAgain, Reconnected, Take, restarting

# Makes the job for a chunk, or for a part of it.
Work = t.Callable[[Chunk], Job[object]]

# Records that the one key of a chunk cannot be moved or looked at, and why.
GiveUp = t.Callable[[Chunk, ConnectError], None]

# Values in flight. Each is in memory several times over: as it arrives, as an object, as a command, as it leaves.
IN_FLIGHT_BYTES = 24 * 1024 * 1024

# A single key is tried so often before it is given up.
_TRIES_ALONE = 3

# So many keys in a row that do not pass, and none that does: then it is not the keys.
_IN_A_ROW = 5

_FEWEST_BYTES = 16 * 1024

# Chunks that must get through before as much as before may be in flight again.
_CHUNKS_TO_RECOVER = 64


class Halving:
    """Runs chunks under ``gate``, which bounds the bytes in flight. ``chunk_bytes``: how large chunks should be."""

    def __init__(self, flow: Flow, gate: Gate, chunk_bytes: int, give_up: GiveUp | None) -> None:
        self.chunk_bytes = chunk_bytes
        self._flow = flow
        self._gate = gate
        self._most = gate.limit
        self._give_up = give_up
        self._given_up_in_a_row = 0

    def run(self, chunk: Chunk, work: Work) -> Job[None]:
        """The job that gets ``chunk`` through."""
        # A large key goes through in pieces, so that it does not take the room of all others.
        room = min(chunk.size, 2 * self.chunk_bytes)
        yield Take(self._gate, room)
        try:
            yield from restarting(lambda _attempt: work(chunk), after_loss=lambda lost: not isinstance(lost, LostAgain))
            self._passed()
            return
        except LostAgain as lost:
            first = lost
        finally:
            self._flow.give(self._gate, room)
        self._gate.limit = max(2 * self.chunk_bytes, self._gate.limit / 2)
        # Nothing else may be in flight, so that what breaks the connection is in this chunk.
        yield Take(self._gate, math.inf)
        try:
            yield from self._halve(chunk, work, first)
        finally:
            self._flow.give(self._gate, math.inf)

    def _halve(self, chunk: Chunk, work: Work, lost: LostAgain) -> Job[None]:
        for tries_left in range(_TRIES_ALONE if len(chunk) == 1 else 1, 0, -1):
            try:
                yield from restarting(lambda _attempt: work(chunk), after_loss=lambda _lost: False)
                self._passed()
                return
            except LostAgain as again:
                lost = again
            except Reconnected:
                # Another job may have asked for a new connection; a single key is therefore tried again.
                pass
            if tries_left > 1:
                continue
        if len(chunk) == 1:
            self._fail(chunk, lost)
            return
        self.chunk_bytes = max(_FEWEST_BYTES, min(self.chunk_bytes, chunk.size // 2))
        middle = len(chunk) // 2
        yield from self._halve(chunk.pick(range(middle)), work, lost)
        yield from self._halve(chunk.pick(range(middle, len(chunk))), work, lost)

    def _passed(self) -> None:
        self._given_up_in_a_row = 0
        self._flow.note_progress()
        if self._gate.limit < self._most:
            self._gate.limit = min(self._most, self._gate.limit + self._most / _CHUNKS_TO_RECOVER)

    def _fail(self, chunk: Chunk, lost: LostAgain) -> None:
        self._given_up_in_a_row += 1
        if self._give_up is None or self._given_up_in_a_row > _IN_A_ROW:
            raise lost.error
        endpoint = lost.pipe.endpoint
        limits = (
            "proto-max-bulk-len, client-query-buffer-limit and maxmemory-clients"
            if endpoint.role == "target"
            else "client-output-buffer-limit (normal) and maxmemory-clients"
        )
        self._give_up(
            chunk,
            ConnectError(
                f"the connection to the {endpoint.role} is lost whenever this key is on it, alone too",
                hint=f"Probably it is larger than a limit of the {endpoint}: look at its {limits}, raise what is too low, "
                "and run again.",
            ),
        )
        self._flow.note_progress()
