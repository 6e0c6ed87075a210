# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a sample tells of the keys of a real server, and that it costs this little and changes nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._analyse.sampler import Wanted
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_keyspace_info import keyspace
from tests.conftest import ServerFactory
from tests.support.servers import RedisServer

LARGE = 100_000


def sample(server: RedisServer, keys: int = 100_000, **wanted: Any) -> dict[str, Any]:
    end = parse_endpoint(server.endpoint(**wanted.pop("user", {})), "endpoint")
    found: dict[str, Any] = keyspace(end, Wanted(keys, large_bytes=LARGE, **wanted))["sample"]
    return found


def fill(server: RedisServer) -> None:
    """All types, large ones among them, prefixes, times to live, in two databases."""
    client = server.client()
    for number in range(300):
        client.set(f"session:{number}", f"token {number}" * 4, ex=1800)
    client.hset("user:1", mapping={f"field {number}": "x" * 30 for number in range(4000)})
    client.hset("user:2", "name", "small")
    client.sadd("tags:all", *(f"tag {number}" for number in range(20)))
    client.sadd("tags:ids", 1, 2, 3)
    client.rpush("queue|mail", *range(30))
    client.zadd("board.week", {"a": 1.5, "b": 2})
    client.xadd("events", {"kind": "login"})
    client.set("plain", 17)
    client.set("blob/big", b"\x00" * 200_000, px=86_400_000 * 40)
    client.set(b"<script>alert(1)</script>\n\xff", "x")
    server.client(3).set("other:1", "y", ex=30)


@pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2", "valkey-9"])
def test_all_that_there_is(redis_server: ServerFactory, name: str) -> None:
    server = redis_server(name, config={"maxmemory-policy": "allkeys-lfu"})
    fill(server)
    hot = server.client()
    for _use in range(2000):
        hot.get("plain")
    writes = server.write_calls()
    found = sample(server)
    assert found["keys"] == found["stands_for"] == 311
    assert found["complete"]
    assert found["databases"] == {
        "0": {"keys": 310, "looked_at": 310, "complete": True},
        "3": {"keys": 1, "looked_at": 1, "complete": True},
    }
    types = {kind: counted["keys"] for kind, counted in found["types"].items()}
    assert types == {"string": 304, "hash": 2, "set": 2, "list": 1, "zset": 1, "stream": 1}
    encodings = {(one["type"], one["encoding"]): one["keys"] for one in found["encodings"]}
    assert (
        encodings["set", "intset"] == 1 and encodings["hash", "hashtable"] == 1 and encodings["stream", "stream"] == 1
    )
    assert sum(encodings.values()) == 311
    assert {one["prefix"]: one["keys"] for one in found["prefixes"]} == {
        "session:": 300, "user:": 2, "tags:": 2, "queue|": 1, "board.": 1, "blob/": 1, "other:": 1,
        "": 2, "<script>alert(1)</": 1,
    }  # fmt: skip
    assert {name: keys for name, keys in found["ttl"].items() if keys} == {
        "under_1_hour": 300, "longer": 1, "under_1_minute": 1, "never": 9,
    }  # fmt: skip
    assert {one["key"] for one in found["largest"][:2]} == {"user:1", "blob/big"}
    assert found["hottest"][0]["key"] == "plain"
    assert found["hottest"][0]["frequency"] > found["hottest"][-1]["frequency"]
    large = found["large"]["types"]
    assert {kind: (one["seen"], one["keys"]) for kind, one in large.items()} == {"hash": (1, 1), "string": (1, 1)}
    # The lengths are asked, and values read, only where that is no use of a key.
    unused = name != "redis-6.2"
    assert large["hash"]["elements"] == (4000 if unused else None)
    assert (found["payloads"] is not None) is unused
    if unused:
        assert found["payloads"]["keys"] == 101, "a hundred of one database, and all of the other"
        assert 0 < found["payloads"]["bytes"] < found["payloads"]["memory"]
    assert found["refused"] == []
    assert found["longest_batch_ms"] > 0 and found["round_trip_ms"] > 0
    assert server.write_calls() == writes
    assert hot.object("freq", "plain") <= found["hottest"][0]["frequency"], "to be looked at is no use"


def test_some_keys_stand_for_all(redis_server: ServerFactory) -> None:
    server = redis_server("redis-7.0")
    client = server.client()
    client.mset({f"a:{number}": "x" for number in range(9_000)})
    client.mset({f"b:{number}": "x" * 1000 for number in range(1_000)})
    server.client(1).mset({f"c:{number}": "x" for number in range(50)})
    found = sample(server, 1000)
    assert not found["complete"]
    # SCAN returns whole buckets of its table.
    assert 1050 <= found["keys"] <= 1100
    assert 10_000 <= found["stands_for"] <= 10_050 + 10
    kept = {one["prefix"]: one["keys"] for one in found["prefixes"]}
    assert kept["c:"] == 50
    assert 8_500 < kept["a:"] < 9_500 and 600 < kept["b:"] < 1_400
    chosen = sample(server, 1000, selection=Selection(databases=(0,), match=("b:*",)))
    assert set(chosen["databases"]) == {"0"}
    assert {one["prefix"] for one in chosen["prefixes"]} == {"b:"}
    assert 600 < chosen["stands_for"] < 1_400
    assert sample(server, 1000, selection=Selection(types=("list",)))["keys"] == 0


def test_it_keeps_to_its_limits(redis_server: ServerFactory) -> None:
    server = redis_server("redis-7.0")
    for number in range(3):
        server.client(number).mset({f"a:{key}": "x" for key in range(500)})
    began = time.monotonic()
    assert sample(server, 40, keys_per_second=200)["keys"] >= 120
    assert time.monotonic() - began > 0.2
    found = sample(server, 500, keys_per_second=200, seconds=0.6)
    assert not found["complete"]
    assert all(0 < one["looked_at"] < 500 for one in found["databases"].values()), "each database gets its part"
    assert found["stands_for"] == 1500


def test_what_is_only_helpful_may_be_refused(redis_server: ServerFactory) -> None:
    rules = "+info +select +time +scan +memory|usage +type +pexpiretime"
    server = redis_server(
        "redis-7.0", acl_lines=["user everything on >everything ~* &* +@all", f"user looker on >pw ~* {rules}"]
    )
    server.client().mset({f"a:{number}": "x" for number in range(50)})
    found = sample(server, user={"username": "looker", "password": "pw"})
    assert found["keys"] == 50
    assert [one["command"] for one in found["refused"]] == ["OBJECT ENCODING", "DUMP"]
    assert all("'looker'" in one["reason"] for one in found["refused"])
    assert "encodings" not in found and found["payloads"] is None
