# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The target follows a source that is written to, and what is proved in the end is equal, by an independent comparison."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.follow import Follower
from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.result import LiveResult
from tests.support import dataset, engine
from tests.support.oracle import compare, report
from tests.support.servers import RedisServer
from tests.support.writers import Writers

from .conftest import SharedServer

PAIRS = [
    ("redis-6.2", "redis-7.0"),
    ("redis-6.2", "redis-8.2"),
    ("redis-7.0", "redis-8.2"),
    ("redis-8.2", "redis-7.0"),
    ("redis-7.0", "valkey-9"),
]


@contextmanager
def following(source: Any, target: Any, **options: Any) -> Iterator[Follower]:
    live = {name: options.pop(name) for name in ("most_bytes",) if name in options}
    follower = Follower(engine.migration(source, target, **{"strategy": "auto", **options})._plan, **live)
    try:
        follower.open()
        yield follower
    finally:
        follower.close()


def walked(follower: Follower) -> None:
    for _step in range(200):
        if follower.step(0.2).walked:
            return
    raise AssertionError("it did not come to an end")


def drained_behind(follower: Follower, writers: Writers, before: float = 0.3, after: float = 0.5) -> LiveResult:
    """The drain behind writers that went on for so many seconds before and after everything was compared once."""
    writers.run(before)
    walked(follower)
    writers.run(after)
    follower.catch_up(max_lag_seconds=5, patience_seconds=30)
    writers.stop()
    return follower.drain()


def assert_proved(result: LiveResult, source: RedisServer, target: RedisServer, **options: Any) -> None:
    assert result.proved, (result.reason, result.failures[:3])
    found = compare(source, target, **options)
    assert not found, report(found)


@pytest.mark.parametrize("pair", PAIRS, ids="-to-".join)
def test_it_follows_writers_of_everything(pair: tuple[str, str], shared_server: SharedServer) -> None:
    source, target = shared_server(pair[0]), shared_server(pair[1], 2)
    for number in (0, 3):
        dataset.fill_benchmark(source.client(number), "mixed", 1500)
    with Writers(source, databases=(0, 3, 7), target=target) as writers, following(source, target) as follower:
        result = drained_behind(follower, writers)
    assert writers.commands > 100
    assert_proved(result, source, target)
    assert result.following.compared >= 3000
    assert 0 < result.in_drain < 3000
    assert result.lag
    assert result.feeds == 1
    assert result.choice.strategy == ("rebuild" if pair == ("redis-8.2", "redis-7.0") else "copy")
