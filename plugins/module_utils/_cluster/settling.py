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
from .rest import PAUSE, Rest
from .topology import Topology, read_topology


class Settling:
    """Looks at ``endpoint``. ``timeout`` in seconds: for an end that is away, and for what does not change any more.

    ``nodes``: by role, nodes that were met, to be asked where the one that was named is away; it is kept up to date.
    """

    def __init__(self, endpoint: Endpoint, timeout: float, nodes: dict[str, list[Place]] | None = None) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        self._nodes = {} if nodes is None else nodes
        self._rest = Rest(timeout)

    def look(self) -> Topology:
        """Who serves what now; an end that is away is waited for. Raises :class:`RedisMigrationError`."""
        return patiently(self.look_once, self._timeout)

    def look_once(self) -> Topology:
        try:
            found = read_topology(self._endpoint, self._nodes.get(self._endpoint.role, ()))
        except ClusterChanged as exc:
            raise ConnectError(exc.message, hint=exc.hint, transient=True) from None
        if found.nodes:
            self._nodes[self._endpoint.role] = list(found.nodes)
        return found

    def settled(self) -> Topology:
        """Who serves what once nothing changes.

        Raises :class:`RedisMigrationError` where a slot stays open, or unserved, and nothing changes any more.
        """
        self._rest.begin()
        while True:
            found = self.look()
            if self._rest.reached(found.signature, found.trouble):
                return found
            time.sleep(PAUSE)

    def changed(self, before: Topology) -> bool:
        """Behind an error: whether the cluster changed, so that it says nothing. What cannot be asked did not."""
        with contextlib.suppress(RedisMigrationError):
            now = self.look_once()
            return now.signature != before.signature or now.trouble is not None
        return False
