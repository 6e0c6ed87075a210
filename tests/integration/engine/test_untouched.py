# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read to be moved or compared is not thereby used: the source evicts what it would have evicted."""

from __future__ import annotations

import pytest

from tests.conftest import ServerFactory
from tests.support import engine


@pytest.mark.parametrize("name", ["redis-8.2", "valkey-9"])
@pytest.mark.parametrize(
    ("policy", "kept", "value", "passed"),
    # A key that was never used, by LFU, has its first uses counted one by one.
    [("allkeys-lru", "IDLETIME", 100_000, 60), ("allkeys-lfu", "FREQ", 0, 0)],
)
def test_a_run_does_not_touch_the_keys_of_the_source(
    policy: str, kept: str, value: int, passed: int, name: str, redis_server: ServerFactory
) -> None:
    source, target = redis_server(name, config={"maxmemory-policy": policy}), redis_server(name)
    client = source.client()
    client.set("string", "a")
    client.rpush("list", *range(10))
    client.hset("hash", "f", "v")
    keys = ("string", "list", "hash")
    for key in keys:
        client.execute_command("RESTORE", key, 0, client.dump(key), "REPLACE", kept, value)

    for strategy in ("copy", "rebuild"):
        target.client().flushall()
        engine.migrate(source, target, strategy=strategy)
        assert engine.diff(source, target)["identical"]

    for key in keys:
        assert abs(client.object(kept.lower(), key) - value) <= passed
