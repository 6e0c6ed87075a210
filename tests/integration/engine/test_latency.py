# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other clients of the source wait is measured, told, and taken into account."""

from __future__ import annotations

import threading

import pytest

from tests.support import engine
from tests.support.dataset import fill_benchmark
from tests.support.faultproxy import FaultProxy
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]


def test_waits_are_told_of_each_run(server_pair: Pair) -> None:
    source, target = server_pair
    fill_benchmark(source.client(), "mixed", 20_000)
    moved = engine.migrate(source, target)
    compared = engine.diff(source, target)
    for result in (moved, compared):
        waits = result["source_latency_ms"]
        assert waits["looks"] > 0
        assert 0 <= waits["p50"] <= waits["p99"] <= waits["max"]


def test_a_source_that_keeps_others_waiting_is_seen(server_pair: Pair) -> None:
    """The load is that of somebody else: a client that sleeps in the server."""
    source, target = server_pair
    fill_benchmark(source.client(), "strings100", 50_000)
    over = threading.Event()

    def hold_up() -> None:
        client = source.client()
        while not over.wait(0.05):
            client.execute_command("DEBUG", "SLEEP", "0.03")

    other = threading.Thread(target=hold_up)
    other.start()
    try:
        waits = engine.migrate(source, target)["source_latency_ms"]
    finally:
        over.set()
        other.join()
    assert waits["max"] > 15


def test_the_distance_is_no_wait(server_pair: Pair) -> None:
    source, target = server_pair
    fill_benchmark(source.client(), "strings100", 5_000)
    with FaultProxy(source.port) as proxy:
        proxy.latency = 0.2
        waits = engine.migrate(source.endpoint(port=proxy.port), target)["source_latency_ms"]
    assert waits["looks"] > 0
    assert waits["p50"] < 100


@pytest.mark.parametrize("limit", [0, 0.1, -1, float("nan")])
def test_a_limit_that_nobody_can_keep_is_refused(server_pair: Pair, limit: float) -> None:
    with pytest.raises(engine.RedisMigrationError, match=r"max_source_latency_ms is .*must be 0\.5 or more"):
        engine.migrate(*server_pair, max_source_latency_ms=limit)
