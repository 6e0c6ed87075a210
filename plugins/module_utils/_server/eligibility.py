# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of server can be an end of a run at all. The engine refuses by these rules, the preflight reports them."""

from __future__ import annotations

from .._connection.endpoint import Endpoint
from .._errors import ClusterFound, RedisMigrationError
from .info import Server


def refuse(*problems: RedisMigrationError | None) -> None:
    """Raise the first of ``problems``, if there is one."""
    for problem in problems:
        if problem:
            raise problem


def mode_problem(endpoint: Endpoint, server: Server) -> RedisMigrationError | None:
    """Why a server of this mode cannot be an end by itself."""
    if server.mode == "cluster" and endpoint.shard is None:
        return ClusterFound(
            f"The {endpoint} is a node of a Redis Cluster, which this cannot work with yet.",
            hint="Keys of a cluster are moved by redis_migrate_keys and compared by redis_key_diff, both not live.",
        )
    return None


def target_role_problem(endpoint: Endpoint, server: Server) -> RedisMigrationError | None:
    """Why this server cannot be written to."""
    # Others than these take writes (active-replica of multi-master products), or say at the first one that they do not.
    if server.role not in ("slave", "replica"):
        return None
    return RedisMigrationError(
        f"The {endpoint} is a replica and takes no writes.", hint="Give the address of its primary."
    )


def prune_problem(
    source: Endpoint, target: Endpoint, source_server: Server, target_server: Server
) -> RedisMigrationError | None:
    """Why pruning would do harm."""
    if source_server.keys or not target_server.keys:
        return None
    return RedisMigrationError(
        f"The {source} holds no keys, and prune would delete all {target_server.keys} keys of the {target}.",
        hint="Are the two ends swapped? To empty a target, do so explicitly.",
    )


def check_servers(
    source: Endpoint, target: Endpoint, source_server: Server, target_server: Server, *, prune: bool
) -> None:
    """Raise :class:`RedisMigrationError` where a run cannot have these ends."""
    refuse(
        mode_problem(source, source_server),
        mode_problem(target, target_server),
        target_role_problem(target, target_server),
        prune_problem(source, target, source_server, target_server) if prune else None,
    )
