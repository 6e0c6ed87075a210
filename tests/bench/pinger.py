# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another client of a server, that notices how long it has to wait."""

from __future__ import annotations

import statistics
import threading
import time
from types import TracebackType

from tests.support.servers import RedisServer

_PAUSE = 0.002


class Pinger:
    """Sends PING every few milliseconds from a thread while the block runs."""

    def __init__(self, server: RedisServer) -> None:
        self._client = server.client()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.waits: list[float] = []

    def __enter__(self) -> Pinger:
        self._client.ping()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._client.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            started = time.perf_counter()
            self._client.ping()
            self.waits.append(time.perf_counter() - started)
            time.sleep(_PAUSE)

    @property
    def p99_ms(self) -> float:
        """The wait that 99 of 100 pings stayed below, in milliseconds."""
        return statistics.quantiles(self.waits, n=100)[98] * 1000 if len(self.waits) > 1 else 0.0
