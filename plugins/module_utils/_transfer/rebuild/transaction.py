# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands for several keys that a target carries out at once: for all of them, or at a node of a cluster for each alone."""

from __future__ import annotations

import typing as t

from ..._connection.commands import pack
from ..._connection.replies import odd_reply
from ..._pipeline.end import End

_MULTI = b"*1\r\n$5\r\nMULTI\r\n"
_EXEC = b"*1\r\n$4\r\nEXEC\r\n"


class Transaction:
    """``spans``: of each key its position, and the first and last of its replies among those to EXEC."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int, int]] = []
        self._commands: list[bytes] = []
        self._removed: list[bytes] = []

    def add(self, position: int, commands: t.Sequence[bytes], left_under: bytes | None) -> None:
        """The commands for one key. ``left_under``: the name that is deleted behind all of them, if it is still there."""
        first = len(self._commands)
        self._commands += commands
        self.spans.append((position, first, first + len(commands)))
        if left_under is not None:
            self._removed.append(left_under)

    @property
    def _count(self) -> int:
        return len(self._commands) + bool(self._removed)

    @property
    def replies(self) -> int:
        """How many replies it gives."""
        return self._count + 2

    @property
    def packed(self) -> bytes:
        last = pack(b"UNLINK", *self._removed) if self._removed else b""
        return b"".join([_MULTI, *self._commands, last, _EXEC])

    def results(self, replies: t.Sequence[t.Any], target: End) -> list[t.Any]:
        """What EXEC answered for each command. Raises where it was not carried out."""
        done = replies[-1]
        if not isinstance(done, list):
            target.check(replies, "EXEC")
        if not isinstance(done, list) or len(done) != self._count:
            raise odd_reply(done, "EXEC", target.endpoint)
        return done
