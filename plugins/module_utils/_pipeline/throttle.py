# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits on keys and bytes per second."""

from __future__ import annotations

import time


class Throttle:
    """Says how long to wait before moving more. Zero means no limit."""

    def __init__(self, keys_per_second: float = 0, bytes_per_second: float = 0) -> None:
        self._rates = (keys_per_second, bytes_per_second)
        self._free_at = [0.0, 0.0]

    def delay(self, keys: int, size: int) -> float:
        """Seconds to wait before ``keys`` keys of ``size`` bytes may go; they are taken as gone then."""
        now = time.monotonic()
        wait = 0.0
        for index, (rate, amount) in enumerate(zip(self._rates, (keys, size))):
            if rate:
                start = max(now, self._free_at[index])
                self._free_at[index] = start + amount / rate
                wait = max(wait, start - now)
        return wait

    @property
    def chunk_keys(self) -> int | None:
        """The most keys to move at once so that the limit is kept evenly, or None."""
        return max(1, int(self._rates[0] / 10)) if self._rates[0] else None

    @property
    def chunk_bytes(self) -> int | None:
        """The most bytes to move at once so that the limit is kept evenly, or None."""
        return max(1, int(self._rates[1] / 10)) if self._rates[1] else None
