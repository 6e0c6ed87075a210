# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run had come at some moments of it, few enough to be handed on from slice to slice and into a report."""

from __future__ import annotations

import time
import typing as t

from .pace import Pace

# Between two samples: at least so many seconds, and such a share of the run until then. A week has some 600.
_SECONDS = 0.25
_SHARE = 0.02


class Samples:
    """Appends to ``points``: seconds since the beginning, keys, bytes, and for how many ms one batch kept the source busy,
    at most, since the sample before (0 where that was not measured). ``counted()`` says how many keys and bytes by now.
    """

    def __init__(self, points: list[list[float]], counted: t.Callable[[], tuple[int, int]]) -> None:
        self._points = points
        self._counted = counted
        self._started = time.monotonic()
        self._next = _next_after(points[-1][0]) if points else 0.0

    def start(self, elapsed: float) -> None:
        """A slice begins, after ``elapsed`` seconds of earlier ones."""
        self._started = time.monotonic() - elapsed

    def note(self, pace: Pace | None = None) -> None:
        """Some keys more were counted. Costs no more than the look at a clock, most of the time."""
        elapsed = time.monotonic() - self._started
        if elapsed < self._next:
            return
        busy_us = pace.take_longest_us() if pace else 0.0
        self._points.append([round(elapsed, 2), *self._counted(), round(busy_us / 1000, 2)])
        self._next = _next_after(elapsed)


def _next_after(elapsed: float) -> float:
    return elapsed + max(_SECONDS, elapsed * _SHARE)
