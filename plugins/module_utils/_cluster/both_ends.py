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
from .._errors import ClusterChanged, ConnectError, RedisMigrationError
from .settling import PAUSE, STILL
from .topology import Topology, read_topology


class BothEnds:
    """``source`` and ``target`` are there once they were looked at.

    ``nodes``: by role, nodes that were met, to be asked where the one that was named is away; it is kept up to date.
    """

    source: Topology
    target: Topology

    def __init__(self, source: Endpoint, target: Endpoint, timeout: float, nodes: dict[str, list[Place]]) -> None:
        self._endpoints = (source, target)
        self._timeout = timeout
        self._nodes = nodes
        self._calm: tuple[t.Any, ...] | None = None

    def look(self) -> None:
        """Read who serves what at both ends; an end that is away is waited for."""
        patiently(self.look_once, self._timeout)

    def look_once(self) -> None:
        source, target = self._endpoints
        try:
            self.source, self.target = side_by_side(
                lambda: read_topology(source, self._nodes.get("source", ())),
                lambda: read_topology(target, self._nodes.get("target", ())),
            )
        except ClusterChanged as exc:
            raise ConnectError(exc.message, hint=exc.hint, transient=True) from None
        for role, topology in (("source", self.source), ("target", self.target)):
            if topology.nodes:
                self._nodes[role] = list(topology.nodes)

    def settled(self, out_of_time: t.Callable[[], bool], so_far: t.Callable[[], str]) -> bool:
        """Wait until nothing changes at either end. False where the slice is over before.

        Raises :class:`RedisMigrationError` where a slot stays open, or unserved, and nothing changes any more; it says what
        was done ``so_far``.
        """
        changed = still = time.monotonic()
        seen = None
        while True:
            self.look()
            now = time.monotonic()
            trouble = self.source.trouble or self.target.trouble
            signature = (self.source.signature, self.target.signature)
            if signature != seen:
                # What is found first, or as it was before, is taken to have been so all the time.
                still = now - STILL if seen is None and self._calm in (None, signature) else now
                changed, seen = now, signature
            if trouble is None and now - still >= STILL:
                self._calm = signature
                return True
            if trouble and now - changed > self._timeout:
                raise RedisMigrationError(
                    f"{trouble} Nothing has changed there for {self._timeout:g} s.{so_far()}",
                    hint="Finish what was begun there (redis-cli --cluster check HOST:PORT names it, --cluster fix repairs it),"
                    " then run again.",
                )
            if out_of_time():
                return False
            time.sleep(PAUSE)
