# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that applications write to at an endpoint: one, or all primaries of a cluster, each with an open client."""

from __future__ import annotations

import contextlib

from .._connection.cluster import at, ranges_of
from .._connection.connect import client
from .._connection.endpoint import Endpoint
from .._connection.patience import patiently
from .._connection.shard import Place
from .._errors import RedisMigrationError
from .._isolation.isolation import Node
from .._isolation.pause import release_writes
from .._server.eligibility import target_role_problem
from .._server.info import Server, server_of
from .combined import read_all
from .topology import Topology, read_topology

# A failover takes so long, in seconds, while nodes do not agree who is a primary.
_PATIENCE = 10.0


class Nodes:
    """What is at ``endpoint``. The clients are closed with ``opened``."""

    def __init__(self, endpoint: Endpoint, opened: contextlib.ExitStack) -> None:
        self.endpoint = endpoint
        self._opened = opened
        self._topology: Topology | None = None
        self.primaries: list[Node] = []

    def open(self) -> None:
        """Connect to who is there now. Raises :class:`RedisMigrationError`."""
        self._opened.close()
        if not self.endpoint.nodes:
            redis_client = self._opened.enter_context(client(self.endpoint))
            server = server_of(redis_client, self.endpoint)
            self.primaries = [Node(redis_client, self.endpoint, server)]
            if not server.in_cluster:
                return
        self._topology = found = read_topology(self.endpoint)
        self.primaries = []
        for primary in found.primaries:
            node = found.node(primary)
            self.primaries.append(Node(self._opened.enter_context(client(node)), node, primary.server))

    def open_some(self) -> RedisMigrationError | None:
        """As :meth:`open`, but where that fails to those primaries that can be reached; returns what failed then.

        Raises it where no other can.
        """
        try:
            self.open()
        except RedisMigrationError as exc:
            self._opened.close()
            self.primaries = [node for place in self._places() if (node := self._reached(place))]
            if not self.primaries:
                raise
            return exc
        return None

    def _places(self) -> list[Place]:
        """All nodes that any door knows of."""
        for door in [(self.endpoint.host, self.endpoint.port), *self.endpoint.nodes]:
            there = at(self.endpoint, door)
            with contextlib.suppress(RedisMigrationError), client(there) as ask:
                return list(dict.fromkeys(place for _first, _last, nodes in ranges_of(ask, there) for place in nodes))
        return []

    def _reached(self, place: Place) -> Node | None:
        """The node there, if it answers and is a primary."""
        there = at(self.endpoint, place)
        with contextlib.suppress(RedisMigrationError), contextlib.ExitStack() as opened:
            redis_client = opened.enter_context(client(there))
            server = server_of(redis_client, there)
            if target_role_problem(there, server) is None:
                self._opened.enter_context(opened.pop_all())
                return Node(redis_client, there, server)
        return None

    @property
    def places(self) -> tuple[Place, ...]:
        """All nodes of the cluster; none of a server."""
        return self._topology.nodes if self._topology else ()

    def unchanged(self) -> bool:
        """Whether the same primaries still serve the same slots. Raises :class:`RedisMigrationError`."""
        if self._topology is None:
            return True
        known = self._topology.nodes
        now = patiently(lambda: read_topology(self.endpoint, known), _PATIENCE)
        return now.signature == self._topology.signature

    def find(self) -> list[tuple[Endpoint, Server]]:
        """The servers that are there now. Raises :class:`RedisMigrationError`."""
        if self._topology is None:
            return [(node.endpoint, node.server) for node in self.primaries]
        return read_all(self.endpoint)

    def release(self) -> None:
        """End the pause at every one, whatever fails at another.

        Raises the first :class:`RedisMigrationError` of a primary behind that.
        """
        failures = [failed for node in self.primaries if (failed := _release(node))]
        # A replica may have been the primary when the pause began.
        served = {(node.endpoint.host, node.endpoint.port) for node in self.primaries}
        for place in self.places:
            if place not in served:
                with contextlib.suppress(RedisMigrationError), client(at(self.endpoint, place)) as redis_client:
                    release_writes(redis_client)
        if failures:
            raise failures[0]


def _release(node: Node) -> RedisMigrationError | None:
    try:
        release_writes(node.client)
    except RedisMigrationError as exc:
        return exc
    return None
