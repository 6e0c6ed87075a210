# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an RDB file says of the use of its keys comes into the server with them."""

from __future__ import annotations

import random

import pytest

from tests.conftest import ServerFactory
from tests.support.run import run_module


@pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2", "valkey-9"])
@pytest.mark.parametrize(("policy", "kept"), [("allkeys-lru", "idletime"), ("allkeys-lfu", "freq")])
def test_use_of_keys_is_restored(policy: str, kept: str, name: str, redis_server: ServerFactory) -> None:
    config = {"maxmemory-policy": policy}
    source, target = redis_server(name, config=config), redis_server(name, config=config)
    client = source.client()
    # Larger than what is held in memory, in parts that do not compress.
    large = random.Random(1).randbytes(18_000_000)
    values = {"never": b"a", "seldom": b"b", "expires": b"c", "large": large}
    for number, (key, value) in enumerate(values.items(), 1):
        client.set(key, value)
        client.execute_command("RESTORE", key, 0, client.dump(key), "REPLACE", kept, number * 60)
    client.rpush("unused", 1)
    client.expire("expires", 10_000)
    before = {key: client.object(kept, key) for key in (*values, "unused")}
    client.save()

    done = run_module("redis_restore", endpoint=target.endpoint(), src=str(source.directory / "dump.rdb")).ok

    assert done["totals"]["restored"] == 5
    after = {key: target.client().object(kept, key) for key in before}
    assert {key: round(value / 60) for key, value in after.items()} == {
        key: round(value / 60) for key, value in before.items()
    }
    assert target.client().ttl("expires") > 9_000
