# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that are handled together."""

from __future__ import annotations

import typing as t


class Chunk:
    """Keys that are handled together: their names, and how many bytes each takes (of memory, by the server's estimate;
    of a string its length). ``usages``: per key IDLETIME or FREQ with its number, where it was asked for.

    Two lists rather than a list of pairs: a million small objects are felt.
    """

    __slots__ = ("names", "sizes", "size", "usages")

    def __init__(
        self, names: list[bytes], sizes: list[int], usages: list[tuple[bytes, int] | None] | None = None
    ) -> None:
        self.names = names
        self.sizes = sizes
        self.size = sum(sizes)
        self.usages = usages

    def __len__(self) -> int:
        return len(self.names)

    def pick(self, positions: t.Sequence[int]) -> Chunk:
        """The chunk of just the keys at ``positions``."""
        if len(positions) == len(self.names):
            return self
        return Chunk(
            [self.names[position] for position in positions],
            [self.sizes[position] for position in positions],
            None if self.usages is None else [self.usages[position] for position in positions],
        )
