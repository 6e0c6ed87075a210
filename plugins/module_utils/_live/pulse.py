# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast changes come, how fast they are carried over, and by how much the target lags, over time."""

from __future__ import annotations

import time

from .result import Lag

# The lag is kept as so many points at most; then every other one is dropped.
_MOST_POINTS = 1000

_SMOOTHING = 0.3

_RATE_SECONDS = 1.0

# Names that are carried over together at least.
_AT_ONCE = 2000


class Pulse:
    """``change_rate``, ``carry_rate``: changed names a second, smoothed."""

    def __init__(self) -> None:
        self.points: list[Lag] = []
        self.change_rate = self.carry_rate = 0.0
        # How many names wait to be carried over, and when the oldest of them was named.
        self._waiting = 0
        self._oldest = 0.0
        self._began = time.monotonic()
        self._every = 1
        self._skipped = 0
        self._rated = 0.0
        self._changes = 0

    def feed_opened(self) -> None:
        self._changes = 0

    def waits(self, names: int, since: float) -> float:
        """So many names wait; where none did before, since ``since``. Returns when the oldest was named."""
        if not self._waiting:
            self._oldest = since
        self._waiting = names
        return self._oldest

    def lag_seconds(self, waiting: int, at_feed: tuple[int, float] = (0, 0.0)) -> float:
        """The age of the oldest of the names ``waiting``, and of those that the feed holds: how many, since when."""
        now = time.monotonic()
        since = [self.waits(waiting, now)] * bool(waiting) + [at_feed[1]] * bool(at_feed[0])
        return now - min(since) if since else 0.0

    def learned(self, changes: int, waiting: int) -> None:
        """The feed has named ``changes`` keys since it was opened, of which ``waiting`` are to be carried over."""
        now = time.monotonic()
        since = now - self._rated
        if since < _RATE_SECONDS:
            return
        if self._rated:
            self.change_rate = _smoothed(self.change_rate, (changes - self._changes) / since)
        self._rated, self._changes = now, changes
        self._add(Lag(now - self._began, waiting, self.lag_seconds(waiting)))

    def carried(self, names: int, since: float, oldest: float) -> None:
        """``names``, the first of them named at ``oldest``, were carried over from ``since`` until now."""
        now = time.monotonic()
        self.carry_rate = _smoothed(self.carry_rate, names / max(0.001, now - since))
        self._add(Lag(now - self._began, names, now - oldest))

    def names_at_once(self, limit: float) -> int:
        """How many to carry over before the next look at the feed: about a second's. ``limit``: keys a second, 0 is none."""
        return max(1, int(limit)) if limit else max(_AT_ONCE, int(self.carry_rate))

    def _add(self, point: Lag) -> None:
        self._skipped += 1
        if self._skipped < self._every:
            return
        self._skipped = 0
        self.points.append(point)
        if len(self.points) > _MOST_POINTS:
            self.points = self.points[::2]
            self._every *= 2


def _smoothed(before: float, now: float) -> float:
    return before + _SMOOTHING * (now - before) if before else now
