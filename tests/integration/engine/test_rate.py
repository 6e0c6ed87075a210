# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""max_bytes_per_second limits the bytes that the result counts."""

from __future__ import annotations

import pytest
import redis

from tests.conftest import ServerFactory
from tests.support import engine


def _strings(client: redis.Redis) -> None:
    client.mset({f"key:{number}": "x" * 10_000 for number in range(200)})


def _tiny_strings(client: redis.Redis) -> None:
    """Their payloads are more than twice their length."""
    client.mset({f"key:{number}": f"{number:010}v" for number in range(30_000)})


def _large_strings(client: redis.Redis) -> None:
    client.mset({f"key:{number}": "x" * 1_000_000 for number in range(2)})


def _sparse_sets(client: redis.Redis) -> None:
    """They take many times the memory of their payloads."""
    pipeline = client.pipeline(transaction=False)
    for number in range(100):
        pipeline.sadd(f"key:{number}", *(f"{number}:{member}" for member in range(600)))
    pipeline.execute()


@pytest.mark.parametrize("fill", [_strings, _tiny_strings, _large_strings, _sparse_sets])
def test_the_rate_is_that_of_the_bytes_counted(fill: object, redis_server: ServerFactory) -> None:
    assert callable(fill)
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    fill(source.client())
    size = engine.migrate(source, target)["totals"]["bytes"]
    target.client().flushall()
    rate = size // 2
    done = engine.migrate(source, target, max_bytes_per_second=rate)
    assert done["totals"]["bytes"] == size
    assert size / done["elapsed_seconds"] <= 1.1 * rate
    # Nor is it far below: memory, which is counted no more, would take three times as long for the sets.
    assert done["elapsed_seconds"] < 2 * size / rate
