# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much work may be queued at a server at once, in microseconds of its own time.

Redis serves one client at a time: what lies in our pipeline delays everybody else. Batches are therefore bounded by the
time that the server itself needed for the ones before (its TIME around them), plus what a round trip keeps in flight.
"""

from __future__ import annotations

from .job import Gate

# Other clients shall not wait longer than this behind our commands, in milliseconds, unless told otherwise.
MAX_LATENCY_MS = 5.0

# A batch of less would have few keys, and cost others more than it spares them.
LEAST_LATENCY_MS = 0.5

# So much of that is queued, as what is measured lies above what was expected.
_QUEUED = 0.8

# Where others have to wait longer nonetheless, less is queued, down to this share: it may be the load of others, for which
# a run cannot wait.
_LEAST = 0.25
_SLOWER, _FASTER = 0.7, 1.15

# First guess of what a command and a byte cost, corrected by measurement.
_KEY_US = 2.0
_BYTE_US = 1 / 300

_SMOOTHING = 0.2

# Smaller batches cost more than they spare others.
_FEWEST_KEYS = 50


class Pace:
    """Bounds the work in flight at one server. ``round_trip_us``: how long an empty command takes; ``max_latency_ms``: how
    long its other clients may have to wait; ``queued``: how many batches shall fit into that.
    """

    def __init__(self, round_trip_us: float, max_latency_ms: float = MAX_LATENCY_MS, queued: int = 2) -> None:
        self._queued = queued
        self._most_us = max_latency_ms * 1000
        self._queue_us = self._most_us * _QUEUED
        # Over a long line the work is spread along the line and does not arrive in one lump.
        self._line_us = round_trip_us * 1.5
        self.gate = Gate(self._queue_us + self._line_us)
        self._factor = 1.0
        self._longest_us = 0.0

    def felt(self, microseconds: float) -> None:
        """Learn that some other client had to wait so long, of a hundred but for one or two."""
        # Over a long line packets come when they come.
        allowed = self._most_us + self._line_us / 3
        if microseconds > allowed:
            self._queue_us = max(self._most_us * _QUEUED * _LEAST, self._queue_us * _SLOWER)
        elif microseconds < allowed / 2:
            self._queue_us = min(self._most_us * _QUEUED, self._queue_us * _FASTER)
        self.gate.limit = self._queue_us + self._line_us

    def cost(self, keys: int, size: int) -> float:
        """Expected microseconds for ``keys`` commands that read ``size`` bytes."""
        return self._factor * (keys * _KEY_US + size * _BYTE_US)

    def keys_at_once(self, keys: int, size: int) -> int:
        """How many keys of a kind of which ``keys`` have ``size`` bytes to read together, so that as many such batches fit as
        shall.
        """
        return max(_FEWEST_KEYS, int(self._queue_us / self._queued * keys / self.cost(2 * keys, size)))

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
