# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to both ends at once about one key, asked again where a connection was lost."""

from __future__ import annotations

import typing as t

from .._connection.commands import TIME, Packed, each, pack, packed
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


class Both:
    """Keys at both ends, where their names may differ; one and the same object where they do not."""

    __slots__ = ("its", "mine")

    def __init__(self, mine: Packed, its: Packed) -> None:
        self.mine = mine
        self.its = its

    @classmethod
    def of(cls, keys: t.Sequence[bytes], target: End) -> Both:
        mine = packed(keys)
        return cls(mine, mine if target.renaming is None else packed(target.renaming.all_there(keys)))

    def __len__(self) -> int:
        return len(self.mine)

    def pick(self, positions: t.Sequence[int]) -> Both:
        mine = self.mine.pick(positions)
        return Both(mine, mine if self.its is self.mine else self.its.pick(positions))

    def asking(self, ask: t.Callable[[Packed], bytes]) -> tuple[bytes, bytes]:
        """The same commands for both."""
        mine = ask(self.mine)
        return mine, mine if self.its is self.mine else ask(self.its)

    def asked(self, command: bytes, *after: bytes) -> tuple[bytes, bytes]:
        """One command for each key, for both ends."""
        return self.asking(lambda names: each(command, names, *after))


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
