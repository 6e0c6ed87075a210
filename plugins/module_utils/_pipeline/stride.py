# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a large key to read at once."""

from __future__ import annotations

# What a piece may hold, and to how many elements it may grow where these are cheap to read.
PIECE_BYTES = 256 * 1024
_FIRST_ELEMENTS = 500
_MOST_ELEMENTS = 5000

# How often a key that changes while it is read in pieces is begun anew.
CHANGED_TRIES = 3

# What one command may cost its server, in microseconds: nobody else is served meanwhile.
_ENOUGH_US = 500.0
_TOO_LONG_US = 1000.0


class Stride:
    """The number of elements that make a small piece of a key of ``length`` elements and ``size`` bytes."""

    def __init__(self, size: int, length: int) -> None:
        self._each = max(1, size // max(1, length))
        self._most = max(1, min(_MOST_ELEMENTS, PIECE_BYTES // self._each))
        self.elements = min(_FIRST_ELEMENTS, self._most)

    @property
    def size(self) -> int:
        """About how many bytes that is."""
        return self.elements * self._each

    def took(self, microseconds: float) -> None:
        """Learn how long the server needed for a piece."""
        if microseconds > _TOO_LONG_US:
            self.elements = max(1, int(self.elements * max(0.5, _TOO_LONG_US / microseconds)))
        elif microseconds < _ENOUGH_US:
            self.elements = min(self._most, self.elements + self.elements // 4 + 1)

    def shorten(self) -> bool:
        """After a reply that was too large: whether there is less to ask for."""
        if self.elements == 1:
            return False
        self.elements = self._most = max(1, self.elements // 10)
        return True


# The limit of a reply that holds a single element: it can only be read whole.
LARGEST_ELEMENT = 1024 * 1024 * 1024
