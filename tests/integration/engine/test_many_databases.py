# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many logical databases share the connections of a run, and each is what a database with connections of its own would be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.flow import Flow
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.job import Job
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.pipe import Call, Pipe
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.spares import Spares
from tests.conftest import ServerFactory
from tests.support import engine
from tests.support.engine import moved
from tests.support.oracle import compare, report
from tests.support.servers import RedisServer

_DATABASES = 60
# Whatever a run does once.
_OF_A_RUN = 25


def _opened(*servers: RedisServer) -> Callable[[], list[int]]:
    """How many connections these servers have seen since."""
    clients = [server.client() for server in servers]
    before = [client.info("stats")["total_connections_received"] for client in clients]

    def opened() -> list[int]:
        return [
            client.info("stats")["total_connections_received"] - count
            for client, count in zip(clients, before, strict=True)
        ]

    return opened


@pytest.mark.parametrize(
    ("strategy", "pruned"),
    [("copy", {}), ("rebuild", {"pruned": _DATABASES}), ("migrate", {})],
    ids=str,
)
def test_databases_share_connections(strategy: str, pruned: dict[str, int], redis_server: ServerFactory) -> None:
    source, target = (redis_server("redis-8.2", databases=_DATABASES) for _end in range(2))
    for number in range(_DATABASES):
        source.client(number).mset({f"key:{number}:{key}": key for key in range(5)})
        target.client(number).set("other", number)
    opened = _opened(source, target)

    done = engine.migrate(source, target, strategy=strategy, prune=bool(pruned))

    assert moved(done) == {"scanned": 5 * _DATABASES, "copied": 5 * _DATABASES, **pruned}
    assert max(opened()) <= _OF_A_RUN, opened()
    opened = _opened(source, target)
    assert engine.diff(source, target)["totals"]["missing"] == 0
    assert max(opened()) <= _OF_A_RUN
    for number in range(_DATABASES) if not pruned else ():
        target.client(number).delete("other")
    found = compare(source, target)
    assert not found, report(found)


def _ask(pipe: Pipe, commands: bytes = b"EXISTS here\r\nCLIENT ID\r\n") -> list[Any]:
    """Whether a key is there, and the connection's number."""
    flow, replies = Flow(5), []

    def job() -> Job[None]:
        replies.extend((yield Call(pipe, commands, 2)))

    flow.add_pipe(pipe)
    flow.spawn(job())
    flow.run()
    flow.leave()
    flow.close()
    return replies


def test_who_takes_a_connection_asks_who_is_there(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2")
    endpoint, spares = parse_endpoint(server.endpoint(), "source"), Spares()
    first, second = (Pipe(endpoint, number, spares=spares) for number in (3, 4))
    _here, number = _ask(first)
    server.client(4).set("here", "1")
    server.client().flushdb()

    assert _ask(second) == [1, number]

    assert second.openings == 1
    assert not first.identity.same_data(second.identity), "asked anew: a FLUSHDB came between"
    spares.close()
    assert len(server.client().client_list()) == 1


def test_a_connection_that_was_cut_meanwhile_is_no_loss(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2")
    endpoint, spares = parse_endpoint(server.endpoint(), "source"), Spares()
    first, second = (Pipe(endpoint, number, spares=spares) for number in (0, 5))
    _here, number = _ask(first)
    client = server.client()
    client.client_kill_filter(_id=number)
    server.client(5).set("here", "1")

    here, another = _ask(second)

    assert here == 1 and another != number
    assert second.openings == 1
    spares.close()
