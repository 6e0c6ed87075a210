# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a large key to read at once."""

from __future__ import annotations

# A few milliseconds of a server's time, and little memory, at the usual sizes of elements.
PIECE_BYTES = 256 * 1024
PIECE_ELEMENTS = 2000


class Stride:
    """The number of elements that make a small piece of a key of ``length`` elements and ``size`` bytes."""

    def __init__(self, size: int, length: int) -> None:
        self._each = max(1, size // max(1, length))
        self.elements = max(1, min(PIECE_ELEMENTS, PIECE_BYTES // self._each))

    @property
    def size(self) -> int:
        """About how many bytes that is."""
        return self.elements * self._each

    def shorten(self) -> bool:
        """After a reply that was too large: whether there is less to ask for."""
        if self.elements == 1:
            return False
        self.elements = max(1, self.elements // 10)
        return True
