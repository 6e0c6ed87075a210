# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups in tests: sample data with all that a server knows, and servers that load a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import redis

from tests.support import dataset
from tests.support.oracle import compare, report
from tests.support.servers import RedisServer

LIBRARY = "#!lua name=orders\nredis.register_function('count', function(keys) return redis.call('LLEN', keys[1]) end)"


def knows_field_ttl(server: RedisServer) -> bool:
    return server.binary.version >= ((9, 0, 0) if server.binary.flavor == "valkey" else (7, 4, 0))


def knows_functions(server: RedisServer) -> bool:
    return server.binary.version >= (7, 0, 0)


def fill(server: RedisServer, *, size: dataset.Size = "small") -> int:
    """Everything that the server knows in several databases; returns the number of keys."""
    filled = dataset.fill(server.client, size=size)
    if knows_field_ttl(server):
        dataset.fill_hash_ttls(server.client())
    if knows_functions(server):
        load_library(server.client(), LIBRARY)
    return sum(server.client(number).dbsize() for number in filled.keys)


def load_library(client: redis.Redis, code: str) -> None:
    client.execute_command("FUNCTION", "LOAD", "REPLACE", code)


def libraries(server: RedisServer) -> list[bytes]:
    """The source code of all libraries of functions."""
    rows = server.client().execute_command("FUNCTION", "LIST", "WITHCODE")
    return sorted(dict(zip(row[::2], row[1::2]))[b"library_code"] for row in rows)


def load(server: RedisServer, file: Path) -> RedisServer:
    """Have a running server start again with `file` as its dump. Raises ServerError when it refuses the file."""
    server.stop(save=True)
    shutil.copy(file, server.directory / "dump.rdb")
    return server.start()


def assert_equal(source: RedisServer, target: RedisServer) -> None:
    found = compare(source, target)
    assert not found, report(found)
