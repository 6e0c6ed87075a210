# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to both ends at once about one key, asked again where a connection was lost."""

from __future__ import annotations

import typing as t

from .._connection.commands import TIME, pack
from .._connection.replies import between_us
from .._pipeline.end import End
from .._pipeline.job import Job, Reconnected
from .._pipeline.pipe import DEFAULT_REPLY_LIMIT
from .._pipeline.stride import Stride


class Ask(t.NamedTuple):
    """Commands for an end that only read, and how many replies they give."""

    end: End
    commands: bytes
    replies: int = 1
    limit: int = DEFAULT_REPLY_LIMIT


def together(*asks: Ask) -> Job[list[list[t.Any]]]:
    """The replies to ``asks``, sent together, and again after a lost connection."""
    while True:
        try:
            replies: list[list[t.Any]] = yield tuple(ask.end.call(ask.commands, ask.replies, ask.limit) for ask in asks)
        except Reconnected:
            continue
        return replies


class Pair(t.NamedTuple):
    """A key at both ends, where its names may differ."""

    source: End
    target: End
    key: bytes
    its_key: bytes

    def ask(self, command: bytes, *args: t.Any, stride: Stride | None = None) -> Job[tuple[t.Any, t.Any]]:
        """The replies of both ends to one command about the key; ``stride`` learns how long the source took."""
        (before, here, then), (there,) = yield from together(
            Ask(self.source, TIME + pack(command, self.key, *args) + TIME, 3),
            Ask(self.target, pack(command, self.its_key, *args)),
        )
        self.source.check((before, then), "TIME")
        if stride:
            stride.took(between_us(before, then))
        self.source.check([here], command.decode())
        self.target.check([there], command.decode())
        return here, there

    def turned(self) -> Pair:
        return Pair(self.target, self.source, self.its_key, self.key)
