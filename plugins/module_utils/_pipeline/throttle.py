# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits on keys and bytes per second. Bytes are those that a run counts as moved: payloads, where it sees them."""

from __future__ import annotations

import time

from .job import Job, Sleep


class Throttle:
    """Says how long to wait before moving more. Zero means no limit."""

    def __init__(self, keys_per_second: float = 0, bytes_per_second: float = 0) -> None:
        self._rates = (keys_per_second, bytes_per_second)
        self._free_at = [0.0, 0.0]
        # What keys took at the source so far, and what of it was moved: a payload may be half or twice the memory.
        self._memory = self._payload = 0

    def turn(self, keys: int, memory: int) -> Job[float]:
        """Wait until ``keys`` keys that take ``memory`` may go; returns how many bytes they were taken for.

        Who waits is looked at anew when its time has come: those before it may have been less than expected.
        """
        while (wait := self._wait()) > 0:
            yield Sleep(wait)
        expected = memory * self._payload / self._memory if self._memory and self._payload else float(memory)
        self._take(keys, expected)
        return expected

    def moved(self, memory: int, expected: float, payload: int) -> None:
        """Correct what was ``expected`` of keys that took ``memory`` by what they were."""
        self._memory += memory
        self._payload += payload
        if self._rates[1]:
            self._free_at[1] += (payload - expected) / self._rates[1]

    def owed(self) -> float:
        """Seconds to wait at the end, so that the limits hold for the last keys as well."""
        return max(0.0, self._wait())

    def delay(self, keys: int, size: int) -> float:
        """Seconds to wait before ``keys`` keys of ``size`` bytes may go; they are taken as gone then."""
        wait = self.owed()
        self._take(keys, size)
        return wait

    def _wait(self) -> float:
        return max(self._free_at) - time.monotonic()

    def _take(self, keys: int, size: float) -> None:
        now = time.monotonic()
        for index, (rate, amount) in enumerate(zip(self._rates, (keys, size))):
            if rate:
                self._free_at[index] = max(now, self._free_at[index]) + amount / rate

    @property
    def chunk_keys(self) -> int | None:
        """The most keys to move at once so that the limit is kept evenly, or None."""
        return max(1, int(self._rates[0] / 10)) if self._rates[0] else None

    @property
    def chunk_bytes(self) -> int | None:
        """The most bytes to move at once so that the limit is kept evenly, or None."""
        return max(1, int(self._rates[1] / 10)) if self._rates[1] else None
