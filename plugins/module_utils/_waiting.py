# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to wait: deadlines and growing pauses."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator


class Deadline:
    """A moment after which waiting stops. C(seconds) from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._end - time.monotonic())

    def passed(self) -> bool:
        return self.left() <= 0

    def sleep(self, seconds: float) -> None:
        """Sleep C(seconds), but not beyond the deadline."""
        time.sleep(min(seconds, self.left()))


def pauses(first: float = 0.25, longest: float = 5.0, factor: float = 1.5) -> Iterator[float]:
    """Growing pauses in seconds, shaken a little so that many hosts do not ask in step."""
    pause = first
    while True:
        yield pause * random.uniform(0.85, 1.15)
        pause = min(longest, pause * factor)
