# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that ask an end a few times bear a connection that breaks, as those do that move keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._analyse.sampler import Wanted
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster.combined import keyspace_info
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.patience import at_first
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_keyspace_info import keyspace
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.functions import (
    compare_libraries,
    read_libraries,
    write_libraries,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.settings import compare_settings
from tests.conftest import ServerFactory
from tests.support import backups
from tests.support.faultproxy import FaultProxy

OTHER_CODE = backups.LIBRARY.replace("LLEN", "SCARD")
SECOND = backups.LIBRARY.replace("name=orders", "name=second").replace("'count'", "'other'")
THIRD = backups.LIBRARY.replace("name=orders", "name=third").replace("'count'", "'third'")


@pytest.mark.parametrize("command", ["INFO", "SCAN", "CONFIG", "FUNCTION"])
def test_a_break_while_an_end_is_asked(redis_server: ServerFactory, command: str) -> None:
    server = redis_server("redis-7.0")
    server.client().set("key", 1)
    with FaultProxy(server.port, redis=True) as proxy:
        end = parse_endpoint(server.endpoint(port=proxy.port), "endpoint")
        ask: dict[str, Callable[[], object]] = {
            "INFO": lambda: keyspace_info(end),
            "SCAN": lambda: at_first(lambda: keyspace(end, Wanted(10)))["sample"]["largest"],
            "CONFIG": lambda: compare_settings(end, end)["identical"],
            "FUNCTION": lambda: compare_libraries(end, end),
        }
        expected = ask[command]()
        proxy.on_command(command, proxy.cut_now, times=2)
        found = ask[command]()
    if command != "INFO":
        assert found == expected


@pytest.mark.parametrize("lost", ["command", "reply"])
@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_a_break_while_libraries_are_written(redis_server: ServerFactory, lost: str, skip: int) -> None:
    """One to load, one to replace and one to delete; whether the command came through or not."""
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    for server, codes in ((source, [backups.LIBRARY, SECOND]), (target, [OTHER_CODE, THIRD])):
        for code in codes:
            backups.load_library(server.client(), code)
    wanted = read_libraries(parse_endpoint(source.endpoint(), "source"))
    with FaultProxy(target.port, redis=True) as proxy:

        def cut(_command: bytes, reply: bytes) -> bytes:
            proxy.cut_now()
            return reply

        if lost == "command":
            proxy.on_command("FUNCTION", proxy.cut_now, skip=skip)
        else:
            proxy.rewrite_reply("FUNCTION", cut, skip=skip, times=1)
        there = parse_endpoint(target.endpoint(port=proxy.port), "target")
        outcome = write_libraries(there, wanted.code, existing="update", registers=wanted.functions, prune=True)
    assert (outcome.loaded, outcome.replaced, outcome.deleted) == ([b"second"], [b"orders"], [b"third"])
    assert not outcome.failed and not outcome.unchanged
    assert backups.libraries(target) == backups.libraries(source)
