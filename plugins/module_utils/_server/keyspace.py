# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What redis_keyspace_info returns: a server, its logical databases, and on request a sample of their keys."""

from __future__ import annotations

import typing as t

from .._connection.connect import client
from .._connection.cursor import CursorWalk
from .._connection.endpoint import Endpoint
from .._connection.explain import explain
from .._connection.patience import at_first
from .._imports import redis
from .info import Server, server_of
from .sample import KeySample

_PAGE = 500


def keyspace_info(endpoint: Endpoint, sample: int = 0) -> dict[str, t.Any]:
    """The result of the module but for ``changed``. ``sample``: how many keys of each database to look at, at most."""
    return at_first(lambda: _keyspace_info(endpoint, sample))


def _keyspace_info(endpoint: Endpoint, sample: int) -> dict[str, t.Any]:
    with client(endpoint) as redis_client:
        server = server_of(redis_client, endpoint)
    result: dict[str, t.Any] = {
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
        },
        "clients": server.connected_clients,
    }
    if sample:
        result["sample"] = _sample(endpoint, server, sample)
    return result


def _sample(endpoint: Endpoint, server: Server, most: int) -> dict[str, t.Any]:
    collected = KeySample()
    for number in server.databases:
        with client(endpoint, number) as redis_client:
            redis_client.response_callbacks.pop("SCAN", None)
            walk = CursorWalk(endpoint, "SCAN", server.databases[number].keys)
            cursor, left = b"0", most
            while left > 0:
                # As the server sends it: redis-py would make a number of the cursor.
                cursor, keys = walk.checked_page(
                    redis_client.execute_command("SCAN", cursor, "COUNT", min(_PAGE, left))
                )
                keys = keys[:left]
                left -= len(keys)
                pipeline = redis_client.pipeline(transaction=False)
                for key in keys:
                    pipeline.type(key)
                    pipeline.memory_usage(key)
                    pipeline.pttl(key)
                try:
                    replies = pipeline.execute()
                except redis.RedisError as exc:
                    raise explain(exc, endpoint, database=number, command=("TYPE, MEMORY USAGE or PTTL",)) from None
                for key, kind, size, ttl in zip(keys, replies[::3], replies[1::3], replies[2::3]):
                    if kind != b"none":
                        collected.add(number, key, kind.decode(), size or 0, ttl)
                if cursor == b"0":
                    break
    return collected.as_dict()
