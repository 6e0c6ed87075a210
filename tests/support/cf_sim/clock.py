# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time in the simulator: how the API writes it, and things that happen later."""

from __future__ import annotations

import datetime
import heapq
import itertools
import sys
import threading
import time
import traceback
from collections.abc import Callable


def stamp() -> str:
    """Now, as the API writes it: UTC with whole seconds."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Scheduler:
    """Runs actions after a delay, one at a time, in a thread of its own."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="cf-sim-scheduler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Run `action` in `seconds` seconds; actions due at the same time keep their order."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), action))
            self._changed.notify()

    def stop(self) -> None:
        """Forget what is still to come and end the thread."""
        with self._changed:
            self._stopping = True
            self._due.clear()
            self._changed.notify()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and (not self._due or self._due[0][0] > time.monotonic()):
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._stopping:
                    return
                action = heapq.heappop(self._due)[2]
            try:
                action()
            except Exception:  # one broken action must not stop the clock for all others
                traceback.print_exc(file=sys.stderr)
