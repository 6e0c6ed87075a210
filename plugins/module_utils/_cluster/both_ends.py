# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who serves what at both ends of a run, as read last; looked at again and again, since it changes."""

from __future__ import annotations

import time
import typing as t

from .._connection.endpoint import Endpoint
from .._connection.patience import patiently, side_by_side
from .._connection.shard import Place
from .rest import PAUSE, Rest
from .settling import Settling
from .topology import Topology


class BothEnds:
    """``source`` and ``target`` are there once they were looked at.

    ``nodes``: by role, nodes that were met, to be asked where the one that was named is away; it is kept up to date.
    """

    source: Topology
    target: Topology

    def __init__(self, source: Endpoint, target: Endpoint, timeout: float, nodes: dict[str, list[Place]]) -> None:
        self._ends = (Settling(source, timeout, nodes), Settling(target, timeout, nodes))
        self._timeout = timeout
        self._rest = Rest(timeout)

    def look(self) -> None:
        """Read who serves what at both ends; an end that is away is waited for."""
        patiently(self.look_once, self._timeout)

    def look_once(self) -> None:
        source, target = self._ends
        self.source, self.target = side_by_side(source.look_once, target.look_once)

    def settled(self, out_of_time: t.Callable[[], bool], so_far: t.Callable[[], str]) -> bool:
        """Wait until nothing changes at either end. False where the slice is over before.

        Raises :class:`RedisMigrationError` where a slot stays open, or unserved, and nothing changes any more; it says what
        was done ``so_far``.
        """
        self._rest.begin()
        while True:
            self.look()
            signature = (self.source.signature, self.target.signature)
            if self._rest.reached(signature, self.source.trouble or self.target.trouble, so_far):
                return True
            if out_of_time():
                return False
            time.sleep(PAUSE)
