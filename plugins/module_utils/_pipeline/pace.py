# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much work may be queued at a server at once, in microseconds of its own time.

Redis serves one client at a time: what lies in our pipeline delays everybody else. Batches are therefore bounded by the
time that the server itself needed for the ones before (its TIME around them), plus what a round trip keeps in flight.
"""

from __future__ import annotations

from .job import Gate

# Other clients shall not wait longer than this behind our commands, in microseconds.
QUEUE_US = 4000.0

# First guess of what a command and a byte cost, corrected by measurement.
_KEY_US = 2.0
_BYTE_US = 1 / 300

_SMOOTHING = 0.2

# Smaller batches cost more than they spare others.
_FEWEST_KEYS = 50


class Pace:
    """Bounds the work in flight at one server. ``round_trip_us``: how long an empty command takes."""

    def __init__(self, round_trip_us: float) -> None:
        # Over a long line the work is spread along the line and does not arrive in one lump.
        self.gate = Gate(QUEUE_US + round_trip_us * 1.5)
        self._factor = 1.0
        self._longest_us = 0.0

    def cost(self, keys: int, size: int) -> float:
        """Expected microseconds for ``keys`` commands that read ``size`` bytes."""
        return self._factor * (keys * _KEY_US + size * _BYTE_US)

    def keys_at_once(self, keys: int, size: int) -> int:
        """How many keys of a kind of which ``keys`` have ``size`` bytes to read together, so that two such batches fit."""
        return max(_FEWEST_KEYS, int(QUEUE_US / 2 * keys / self.cost(2 * keys, size)))

    def observe(self, keys: int, size: int, microseconds: float) -> None:
        """Learn that this much work took the server so long."""
        self._longest_us = max(self._longest_us, microseconds)
        guess = keys * _KEY_US + size * _BYTE_US
        if guess > 50:
            self._factor += _SMOOTHING * (min(20.0, max(0.1, microseconds / guess)) - self._factor)

    def take_longest_us(self) -> float:
        """For how long one batch kept the server busy, at most, since this was asked before: so long others waited."""
        longest, self._longest_us = self._longest_us, 0.0
        return longest
