# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""With eviction_data the target knows how keys were used, and evicts what the source would have evicted."""

from __future__ import annotations

import pytest

from tests.conftest import ServerFactory
from tests.support import engine
from tests.support.run import run_module
from tests.support.servers import RedisServer

POLICIES = [("allkeys-lru", "idletime", 100_000), ("allkeys-lfu", "freq", 200)]


def _fill(source: RedisServer, kept: str, value: int) -> dict[str, int]:
    """Keys of several types with the use of each."""
    client = source.client()
    client.mset({f"string:{number}": "v" for number in range(5)})
    client.rpush("list", *range(10))
    client.hset("hash", "f", "v")
    client.set("expires", "v", ex=5_000)
    for number, key in enumerate(sorted(client.keys())):
        expiry = max(0, client.pttl(key))
        client.execute_command("RESTORE", key, expiry, client.dump(key), "REPLACE", kept, value - 10 * number)
    return _used(source, kept)


def _used(server: RedisServer, kept: str) -> dict[str, int]:
    client = server.client()
    return {key: client.object(kept, key) for key in sorted(client.keys())}


def _close(one: dict[str, int], other: dict[str, int]) -> bool:
    """LRU counts seconds; a test takes a few."""
    return one.keys() == other.keys() and all(abs(one[key] - other[key]) < 60 for key in one)


@pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2", "valkey-9"])
@pytest.mark.parametrize(("policy", "kept", "value"), POLICIES)
def test_use_of_keys_is_carried(policy: str, kept: str, value: int, name: str, redis_server: ServerFactory) -> None:
    config = {"maxmemory-policy": policy}
    source, target = redis_server(name, config=config), redis_server(name, config=config)
    before = _fill(source, kept, value)

    done = engine.migrate(source, target, eviction_data=True)

    assert done["eviction_data"] == kept
    assert done["totals"]["copied"] == len(before)
    assert _close(_used(target, kept), before)
    assert 0 < target.client().pttl("expires") <= 5_000_000
    # Without values a comparison is no use of a key, at any server.
    assert engine.diff(source, target, level="metadata")["identical"]
    assert _close(_used(target, kept), before)
    assert engine.diff(source, target)["identical"]


@pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2"])
def test_use_of_keys_that_differ_is_as_it_was_before_they_were_compared(name: str, redis_server: ServerFactory) -> None:
    config = {"maxmemory-policy": "volatile-lru"}
    source, target = redis_server(name, config=config), redis_server(name, config=config)
    before = _fill(source, "idletime", 100_000)
    target.client().mset(dict.fromkeys(before, "another"))

    done = engine.migrate(source, target, eviction_data=True)

    assert done["totals"]["updated"] == len(before)
    assert _close(_used(target, "idletime"), before)


def test_without_the_option_nothing_is_asked_and_all_keys_count_as_just_used(redis_server: ServerFactory) -> None:
    config = {"maxmemory-policy": "allkeys-lru"}
    source, target = redis_server("redis-7.0", config=config), redis_server("redis-7.0", config=config)
    _fill(source, "idletime", 100_000)
    source.client().config_resetstat()

    done = engine.migrate(source, target)

    assert done["eviction_data"] == ""
    assert max(_used(target, "idletime").values()) < 60
    assert not any(name.startswith("cmdstat_object") for name in source.client().info("commandstats"))


def test_what_cannot_be_carried_is_said(redis_server: ServerFactory) -> None:
    source = redis_server("redis-7.0", config={"maxmemory-policy": "allkeys-lru"})
    lfu = redis_server("redis-7.0", config={"maxmemory-policy": "allkeys-lfu"})
    lru = redis_server("redis-7.0", config={"maxmemory-policy": "noeviction"})
    source.client().mset({f"key:{number}": "v" * 1000 for number in range(10)})

    def run(target: RedisServer, **options: object) -> str:
        ran = run_module(
            "redis_migrate_keys",
            source=source.endpoint(),
            target=target.endpoint(),
            eviction_data=True,
            existing_keys="replace",
            **options,
        )
        assert ran.ok["totals"]["failed"] == 0
        return str(ran.ok.get("warnings"))

    assert "one cannot be made of the other" in run(lfu)
    assert "only 'copy' can" in run(lru, strategy="rebuild")
    assert "10 keys were moved in pieces" in run(lru, large_key_bytes=100)
    assert "eviction_data" not in run(lru)


def test_preflight_says_what_the_option_needs(redis_server: ServerFactory) -> None:
    source = redis_server("redis-7.0", config={"maxmemory-policy": "allkeys-lru"})
    target = redis_server("redis-7.0", config={"maxmemory-policy": "allkeys-lfu"})
    source.client().set("key", "v")
    source.client().execute_command("ACL", "SETUSER", "mover", "on", ">secret", "~*", "+@all", "-object|idletime")

    def findings(eviction_data: bool) -> dict[str, dict[str, str]]:
        report = run_module(
            "redis_preflight_info",
            source={**source.endpoint(), "username": "mover", "password": "secret"},
            target=target.endpoint(),
            eviction_data=eviction_data,
        ).ok
        return {finding["name"]: finding for finding in report["findings"]}

    asked, unasked = findings(True), findings(False)
    assert asked["source_permissions"]["status"] == "fail"
    assert "OBJECT IDLETIME" in asked["source_permissions"]["message"]
    assert unasked["source_permissions"]["status"] == "ok"
    assert "one cannot be made of the other" in asked["target_eviction"]["message"]
    assert "eviction_data" not in unasked["target_eviction"]["message"]
    # Redis 7.0 has no CLIENT NO-TOUCH.
    target.client().config_set("maxmemory-policy", "volatile-lru")
    assert "verifying values undoes" in findings(True)["target_eviction"]["message"]
