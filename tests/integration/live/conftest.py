# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that the tests of live migration share: started once, emptied for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.support.left_out import need_server
from tests.support.servers import RedisServer

SharedServer = Callable[..., RedisServer]


@pytest.fixture(scope="session")
def _started() -> Iterator[Callable[[str, int, tuple[tuple[str, Any], ...]], RedisServer]]:
    with ExitStack() as stack:
        servers: dict[object, RedisServer] = {}

        def get(name: str, number: int, config: tuple[tuple[str, Any], ...]) -> RedisServer:
            need_server(name)
            key = (name, number, config)
            if key not in servers or not servers[key].running:
                servers[key] = stack.enter_context(RedisServer(name, config=dict(config)))
            return servers[key]

        yield get


@pytest.fixture
def shared_server(_started: Callable[..., RedisServer]) -> SharedServer:
    """shared_server("redis-6.2", 2): the second of that kind, empty; keywords are configuration ("_" for "-")."""

    def get(name: str, number: int = 1, **config: Any) -> RedisServer:
        settings = tuple(sorted((key.replace("_", "-"), value) for key, value in config.items()))
        server: RedisServer = _started(name, number, settings)
        server.admin().flushall()
        return server

    return get
