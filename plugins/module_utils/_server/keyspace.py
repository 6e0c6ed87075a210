# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server and its logical databases are like, as redis_keyspace_info returns it without a sample."""

from __future__ import annotations

import typing as t

from .info import Server


def described(server: Server) -> dict[str, t.Any]:
    """The same of a server that was asked already."""
    return {
        "server": {"flavor": server.flavor, "version": server.version, "mode": server.mode, "role": server.role},
        "databases": {
            str(number): {"keys": database.keys, "expires": database.expires, "avg_ttl": database.avg_ttl}
            for number, database in server.databases.items()
        },
        "keys": server.keys,
        "expires": server.expires,
        "memory": {
            "used_memory": server.used_memory,
            "used_memory_human": server.used_memory_human,
            "maxmemory": server.maxmemory,
            "maxmemory_policy": server.maxmemory_policy,
            "data_bytes": server.data_bytes,
        },
        "clients": server.connected_clients,
    }
