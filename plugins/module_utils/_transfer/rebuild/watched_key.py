# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof that a key of the source did not change while it was read in many pieces: WATCH before, an empty EXEC after.

WATCH writes nothing. It belongs to a connection, so every key that is read in pieces has one of its own meanwhile.
"""

from __future__ import annotations

import typing as t

from ..._connection.commands import pack
from ..._connection.replies import is_error
from ..._errors import ConnectError
from ..._pipeline.end import End
from ..._pipeline.flow import Flow
from ..._pipeline.job import Gate, Job, Reconnected
from ..._pipeline.pipe import Call, Pipe

# Keys that are read in pieces at the same time.
CONCURRENT_KEYS = 4


class WatchedKey:
    """Watches one key between :meth:`start` and :meth:`unchanged`. ``pipe``: None where no connection could be had."""

    def __init__(self, pipe: Pipe | None) -> None:
        self.pipe = pipe
        self._connection: int | None = None

    def start(self, key: bytes) -> Job[None]:
        """Begin to watch ``key``, and forget an earlier one."""
        self._connection = None
        replies = yield from self._ask(pack(b"UNWATCH") + pack(b"WATCH", key))
        if self.pipe is not None and replies and not is_error(replies[1]):
            self._connection = self.pipe.openings

    def unchanged(self) -> Job[bool | None]:
        """Whether the key is what it was at the start; None where that is unknown (no permission, connection lost)."""
        if self.pipe is None or self._connection is None:
            return None
        replies = yield from self._ask(pack(b"MULTI") + pack(b"EXEC"))
        if not replies or is_error(replies[1]) or self.pipe.openings != self._connection:
            return None
        return replies[1] is not None

    def _ask(self, commands: bytes) -> Job[list[t.Any] | None]:
        if self.pipe is None:
            return None
        try:
            replies: list[t.Any] = yield Call(self.pipe, commands, 2)
        except Reconnected:
            return None
        return replies


class WatchConnections:
    """The connections for :class:`WatchedKey`, opened when first needed. Who wants one takes 1 of ``gate`` before."""

    def __init__(self, flow: Flow, source: End) -> None:
        self.gate = Gate(CONCURRENT_KEYS)
        self._flow = flow
        self._source = source
        self._idle: list[Pipe] = []

    def take(self) -> WatchedKey:
        """One that nobody else uses, until :meth:`release`."""
        if self._idle:
            return WatchedKey(self._idle.pop())
        try:
            return WatchedKey(self._flow.add_pipe(Pipe(self._source.endpoint, self._source.database)))
        except ConnectError:
            # The source takes no more connections: the data will have to be compared instead.
            return WatchedKey(None)

    def release(self, watched: WatchedKey) -> None:
        """Let others use the connection."""
        if watched.pipe is not None:
            self._idle.append(watched.pipe)
