# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of clusters: each primary is looked at, and all that was seen is added up."""

from __future__ import annotations

from pathlib import Path

from redis.crc import key_slot

from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.support import dataset
from tests.support.run import run_module, run_playbook


def test_a_whole_cluster_is_like_the_server_that_has_its_keys(shared: Clusters, redis_server: ServerFactory) -> None:
    origin, cluster = redis_server("redis-8.2"), shared()
    dataset.fill(origin.client, databases=(0,))
    keys = cluster.load(origin)
    one, other = (
        run_module("redis_keyspace_info", endpoint=end.endpoint(), sample=1_000_000, large_key_bytes=50_000).ok[
            "sample"
        ]
        for end in (origin, cluster)
    )
    assert (other["complete"], other["keys"], other["stands_for"]) == (True, keys, keys)
    assert other["databases"] == {"0": {"keys": keys, "looked_at": keys, "complete": True}}
    assert {kind: seen["keys"] for kind, seen in other["types"].items()} == {
        kind: seen["keys"] for kind, seen in one["types"].items()
    }
    # Some of the others come to be in another group meanwhile.
    assert (other["ttl"]["never"], other["read_by"]) == (one["ttl"]["never"], one["read_by"])
    assert {found["key"] for found in other["largest"][:3]} == {found["key"] for found in one["largest"][:3]}
    assert other["payloads"]["keys"] > 0


def test_each_primary_is_looked_at_by_how_many_keys_it_has(shared: Clusters) -> None:
    cluster = shared()
    first, second, third = cluster.primaries
    for node, kind, count in ((first, "hset", 9000), (third, "set", 3000)):
        slots = set(node.slots)
        with node.client() as client:
            pipeline = client.pipeline(transaction=False)
            names = (f"key:{number}" for number in range(100_000) if key_slot(f"key:{number}".encode()) in slots)
            for _place, name in zip(range(count), names, strict=False):
                if kind == "hset":
                    pipeline.hset(name, "field", "x" * 20)
                else:
                    pipeline.set(name, "x" * 20)
            pipeline.execute()
    assert second.client().dbsize() == 0
    found = run_module("redis_keyspace_info", endpoint=cluster.endpoint(), sample=1000).ok["sample"]
    assert (found["complete"], found["databases"]["0"]["keys"]) == (False, 12_000)
    assert 1000 <= found["keys"] < 1200
    assert abs(found["types"]["hash"]["keys"] - 9000) < 90
    assert abs(found["types"]["string"]["keys"] - 3000) < 30


def test_a_playbook_analyses_a_cluster(shared: Clusters, tmp_path: Path) -> None:
    cluster = shared()
    with cluster.client() as client:
        for number in range(300):
            client.set(f"order:{number}", "x" * 100)
    inventory = {"redis_migrations": {"hosts": {"orders": {"redis_migration_source": cluster.endpoint()}}}}
    run = run_playbook("analyse", inventory, directory=tmp_path).ok
    assert "string 300" in run.output
