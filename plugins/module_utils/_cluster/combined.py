# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All primaries of a cluster as if they were one server: what they hold, and what they have, together."""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.endpoint import Endpoint
from .._connection.patience import at_first
from .._server.info import Server, read_server
from .._server.key_counts import Database
from .._server.keyspace import described
from .topology import read_topology


def combined(servers: t.Sequence[Server]) -> Server:
    """The sum of ``servers``; what cannot be summed is the first one's. A limit that one of them lacks is none."""
    first = servers[0]
    if len(servers) == 1:
        return first
    databases: dict[int, Database] = {}
    for server in servers:
        for number, database in server.databases.items():
            databases[number] = _together(databases.get(number), database)
    used = sum(server.used_memory for server in servers)
    limits = [server.maxmemory for server in servers]
    return dataclasses.replace(
        first,
        used_memory=used,
        used_memory_human=f"{used / 1024 / 1024:.2f}M",
        maxmemory=sum(limits) if all(limits) else 0,
        connected_clients=sum(server.connected_clients for server in servers),
        expired_keys=sum(server.expired_keys for server in servers),
        data_bytes=sum(server.data_bytes for server in servers),
        databases=databases,
    )


def _together(one: Database | None, other: Database) -> Database:
    if one is None:
        return other
    expires = None if one.expires is None or other.expires is None else one.expires + other.expires
    weighed = one.avg_ttl * (one.expires or 0) + other.avg_ttl * (other.expires or 0)
    return Database(
        one.keys + other.keys, expires, weighed // expires if expires else 0, one.field_expires + other.field_expires
    )


def read_all(endpoint: Endpoint) -> list[tuple[Endpoint, Server]]:
    """The server at ``endpoint``, or the primaries of its cluster. Raises :class:`RedisMigrationError`."""
    if not endpoint.nodes:
        server = read_server(endpoint)
        if not server.in_cluster or endpoint.shard is not None:
            return [(endpoint, server)]
    topology = read_topology(endpoint)
    return [(topology.node(primary), primary.server) for primary in topology.primaries]


def read_whole(endpoint: Endpoint) -> Server:
    """The same as one. Raises :class:`RedisMigrationError`."""
    return combined([server for _endpoint, server in read_all(endpoint)])


def keyspace_info(endpoint: Endpoint) -> dict[str, t.Any]:
    """What redis_keyspace_info tells of it without a sample. Raises :class:`RedisMigrationError`."""
    return at_first(lambda: described(read_whole(endpoint)))


def primaries_of(endpoint: Endpoint) -> list[Endpoint]:
    """The primaries of the cluster at ``endpoint``, or just the server there. Raises :class:`RedisMigrationError`."""
    topology = read_topology(endpoint)
    return [topology.node(primary) for primary in topology.primaries] if topology.is_cluster else [endpoint]
