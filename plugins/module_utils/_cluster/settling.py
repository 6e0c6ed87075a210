# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One end as it is while nothing changes there: its primaries and who serves what, waited for where they are at it."""

from __future__ import annotations

import contextlib
import time

from .._connection.endpoint import Endpoint
from .._connection.patience import patiently
from .._connection.shard import Place
from .._errors import ClusterChanged, ConnectError, RedisMigrationError
from .topology import Topology, read_topology

# Between looks at a cluster that changes, and how long it must have been still before it is worked with again, in seconds.
PAUSE = 0.25
STILL = 1.0


class Settling:
    """Looks at ``endpoint``. ``timeout`` in seconds: for an end that is away, and for what does not change any more."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        # Nodes that were met, to be asked where the one that was named is away.
        self._nodes: tuple[Place, ...] = ()
        self._calm: Topology | None = None

    def look(self) -> Topology:
        """Who serves what now; an end that is away is waited for. Raises :class:`RedisMigrationError`."""
        return patiently(self._look_once, self._timeout)

    def _look_once(self) -> Topology:
        try:
            found = read_topology(self._endpoint, self._nodes)
        except ClusterChanged as exc:
            raise ConnectError(exc.message, hint=exc.hint, transient=True) from None
        self._nodes = found.nodes
        return found

    def settled(self) -> Topology:
        """Who serves what once nothing changes.

        Raises :class:`RedisMigrationError` where a slot stays open, or unserved, and nothing changes any more.
        """
        changed = still = time.monotonic()
        seen = None
        while True:
            found = self.look()
            now = time.monotonic()
            if found.signature != seen:
                # What is found first, or as it was before, is taken to have been so all the time.
                as_before = self._calm is None or self._calm.signature == found.signature
                still = now - STILL if seen is None and as_before else now
                changed, seen = now, found.signature
            if found.trouble is None and now - still >= STILL:
                self._calm = found
                return found
            if found.trouble and now - changed > self._timeout:
                raise RedisMigrationError(
                    f"{found.trouble} Nothing has changed there for {self._timeout:g} s.",
                    hint="Finish what was begun there (redis-cli --cluster check HOST:PORT names it, --cluster fix repairs it),"
                    " then run again.",
                )
            time.sleep(PAUSE)

    def changed(self, before: Topology) -> bool:
        """Behind an error: whether the cluster changed, so that it says nothing. What cannot be asked did not."""
        with contextlib.suppress(RedisMigrationError):
            now = self._look_once()
            return now.signature != before.signature or now.trouble is not None
        return False
