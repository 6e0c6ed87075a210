# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of a live run that happen after so many seconds, whatever the run does then.

with Schedule([(0.3, Scene.cut_feed)], scene) as schedule:
    ...
    schedule.stop()   # what has not begun by now does not happen
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import redis

from tests.support.faultproxy import FaultProxy
from tests.support.servers import RedisServer


class Scene(NamedTuple):
    """Both ends, an almost empty server for each to become the replica of, and the proxies before the ends."""

    source: RedisServer
    target: RedisServer
    other_source: RedisServer
    other_target: RedisServer
    at_source: FaultProxy
    at_target: FaultProxy

    def cut_feed(self) -> None:
        with self.source.client() as client:
            for connection in client.client_list():
                if "t" in connection["flags"]:
                    client.client_kill_filter(_id=connection["id"])

    def cut_source(self) -> None:
        self.at_source.cut_now()

    def cut_target(self) -> None:
        self.at_target.cut_now()

    def stall_source(self) -> None:
        self.at_source.stall(0.4)

    def restart_source(self) -> None:
        self.source.stop(save=True)
        self.source.start()

    def restart_target(self) -> None:
        self.target.stop(save=True)
        self.target.start()

    def empty_target(self) -> None:
        """It is restarted and has lost its data."""
        self.target.kill()
        self.target.start()

    def replace_source(self) -> None:
        """It becomes a replica, which takes its data, and a primary again."""
        self.source.replicaof(self.other_source)
        self.source.promote()

    def replace_target(self) -> None:
        self.target.replicaof(self.other_target)
        self.target.promote()


Fault = Callable[[Scene], None]

FAULTS: tuple[Fault, ...] = (
    Scene.cut_feed,
    Scene.restart_source,
    Scene.empty_target,
    Scene.replace_target,
    Scene.cut_target,
    Scene.replace_source,
    Scene.cut_source,
    Scene.stall_source,
    Scene.restart_target,
)

# After these an end has other data, so that what was proved before holds no longer.
LOSSES = (Scene.empty_target, Scene.replace_target, Scene.replace_source)


class Schedule:
    """Has the faults happen, each so many seconds after the one before; `lost_at`: when an end last lost its data."""

    def __init__(self, faults: Sequence[tuple[float, Fault]], scene: Scene) -> None:
        self.happened: list[str] = []
        self.lost_at = float("-inf")
        self._faults = faults
        self._scene = scene
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Schedule:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        for seconds, fault in self._faults:
            if self._over.wait(seconds):
                return
            self.happened.append(fault.__name__)
            # Another fault of this schedule may hold the server.
            with contextlib.suppress(redis.ConnectionError):
                fault(self._scene)
            if fault in LOSSES:
                self.lost_at = time.monotonic()
