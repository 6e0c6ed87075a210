# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys go into clusters, out of them, and from one into another of a different shape; equal by the oracle."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster import runs
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module import redis_migrate_keys
from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.support import dataset, engine
from tests.support.cluster import Cluster, differences
from tests.support.engine import RedisMigrationError, diff, diff_in_slices, migrate, migrate_in_slices, moved
from tests.support.oracle import report
from tests.support.servers import RedisServer


def filled(server: RedisServer) -> RedisServer:
    dataset.fill(server.client, databases=[0])
    with server.client() as client:
        for number in range(300):
            client.set(f"order:{number}", f"value {number}")
            client.set(f"{{user:{number % 7}}}:item:{number}", f"tagged {number}")
            client.set(f"soon:{number}", "expires", px=600_000 + number)
    return server


def equal(source: RedisServer | Cluster, target: RedisServer | Cluster) -> None:
    found = differences(source, target)
    assert not found, report(found)


@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-9"])
def test_from_a_server_into_a_cluster_and_back(name: str, shared: Clusters, redis_server: ServerFactory) -> None:
    source, cluster, back = filled(redis_server(name)), shared(name), redis_server(name)
    done = migrate(source, cluster)
    with source.client() as client:
        assert moved(done) == {"scanned": client.dbsize(), "copied": client.dbsize()}
    equal(source, cluster)
    assert diff(source, cluster)["identical"]
    assert moved(migrate(cluster, back)) == moved(done)
    equal(source, back)
    assert diff(cluster, back)["identical"]


@pytest.mark.parametrize(("shards", "others"), [(3, 2), (2, 3)])
def test_from_a_cluster_into_one_of_another_shape(
    shards: int, others: int, shared: Clusters, redis_server: ServerFactory
) -> None:
    source, target = shared("redis-8.2", shards), shared("redis-8.2", others, "target")
    keys = source.load(filled(redis_server("redis-8.2")))
    assert moved(migrate(source, target)) == {"scanned": keys, "copied": keys}
    equal(source, target)
    assert diff(source, target)["identical"]
    before = [node.write_calls() for node in target.nodes]
    assert moved(migrate(source, target)) == {"scanned": keys, "unchanged": keys}
    assert [node.write_calls() for node in target.nodes] == before


@pytest.mark.parametrize("strategy", ["rebuild", "migrate"])
def test_by_every_strategy(strategy: str, shared: Clusters, redis_server: ServerFactory) -> None:
    single, source, target = filled(redis_server("redis-8.2")), shared(), shared(shards=2, which="target")
    keys = source.load(single)
    assert moved(migrate(source, target, strategy=strategy)) == {"scanned": keys, "copied": keys}
    equal(source, target)
    target.clear()
    assert moved(migrate(single, target, strategy=strategy, existing_keys="skip"))["copied"] == keys
    equal(single, target)


def test_into_an_older_version(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared("redis-8.2"), shared("redis-7.0", 2)
    keys = source.load(filled(redis_server("redis-8.2")))
    done = migrate(source, target, strategy="auto", large_key_bytes=100_000)
    assert (done["strategy"], moved(done)) == ("rebuild", {"scanned": keys, "copied": keys})
    equal(source, target)
    assert diff(source, target)["identical"]


def test_what_differs_is_found_and_written_and_what_is_too_many_pruned(
    shared: Clusters, redis_server: ServerFactory
) -> None:
    source, target = shared(), shared(shards=2, which="target")
    keys = source.load(filled(redis_server("redis-8.2")))
    migrate(source, target)
    with target.client() as client:
        client.set("order:7", "another value")
        client.delete("order:8")
        client.set("only here", "x")
        client.persist("soon:9")
    found = diff(source, target)
    assert not found["identical"]
    assert {one["key"]: one["kind"] for one in found["differences"]} == {
        "order:7": "value", "order:8": "missing", "only here": "extra", "soon:9": "ttl",
    }  # fmt: skip
    assert {one["kind"] for one in diff(source, target, level="keys")["differences"]} == {"missing", "extra"}
    planned = moved(migrate(source, target, prune=True, check=True))
    assert planned == {"scanned": keys, "copied": 1, "updated": 2, "unchanged": keys - 3, "pruned": 1}
    assert moved(migrate(source, target, prune=True)) == planned
    equal(source, target)
    assert diff(source, target)["identical"]


def test_prune_keeps_what_other_primaries_of_the_source_have(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared(), redis_server("redis-8.2")
    with source.client() as client, target.client() as there:
        client.set("bar", "slot 5061")
        there.set("bar", "slot 5061")
        there.set("foo", "slot 12182")
    assert moved(migrate(source, target, prune=True)) == {"scanned": 1, "unchanged": 1, "pruned": 1}
    source.clear()
    with pytest.raises(RedisMigrationError, match="holds no keys, and prune would delete all 1 keys"):
        migrate(source, target, prune=True)


def test_slices_go_on_where_the_last_one_stopped(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared(), shared(shards=2, which="target")
    keys = source.load(filled(redis_server("redis-8.2")))
    done, slices = migrate_in_slices(source, target, 0.01)
    assert slices > 4
    assert moved(done) == {"scanned": keys, "copied": keys}
    equal(source, target)
    found, slices = diff_in_slices(source, target, 0.01)
    assert slices > 4
    assert (found["identical"], found["totals"]["source_keys"], found["totals"]["target_keys"]) == (True, keys, keys)


def test_a_cluster_has_one_database(shared: Clusters, redis_server: ServerFactory) -> None:
    source, cluster = redis_server("redis-8.2"), shared()
    for number in (0, 3):
        with source.client(number) as client:
            client.set("in", number)
    for ask in (migrate, diff):
        with pytest.raises(RedisMigrationError, match=r"Database 3 of the source .* database 0 only.*database_map"):
            ask(source, cluster)
        with pytest.raises(RedisMigrationError, match=r"Database 3 is meant, and the source is a cluster"):
            ask(cluster, source, databases=[3])
    options = {"databases": [3], "database_map": {"3": 0}}
    assert moved(migrate(source, cluster, **options)) == {"scanned": 1, "copied": 1}
    assert diff(source, cluster, **options)["identical"]
    with cluster.client() as client:
        assert client.get("in") == b"3"
    assert moved(migrate(cluster, source, databases=[0], database_map={"0": 5})) == {"scanned": 1, "copied": 1}
    with source.client(5) as client:
        assert client.get("in") == b"3"


def test_a_cluster_is_not_moved_onto_itself(shared: Clusters) -> None:
    cluster = shared()
    with pytest.raises(RedisMigrationError, match="the same server"):
        migrate(cluster, {"host": "127.0.0.1", "port": cluster.nodes[1].port})


def test_a_node_that_is_away_is_not_the_only_one_that_is_asked(own: Clusters, redis_server: ServerFactory) -> None:
    cluster, target = own(replicas=1), redis_server("redis-8.2")
    with cluster.client() as client:
        client.set("a", 1)
    first = cluster.nodes[0]
    cluster.fail_over(first)
    end = {"host": "127.0.0.1", "port": first.port}
    with pytest.raises(RedisMigrationError, match="refused"):
        migrate(end, target)
    end["cluster"] = {"hosts": [f"127.0.0.1:{cluster.nodes[1].port}"]}
    assert moved(migrate(end, target)) == {"scanned": 1, "copied": 1}


def test_writes_to_the_source_behind_its_part_are_told(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared(), redis_server("redis-8.2")
    source.load(filled(redis_server("redis-8.2")))
    plan = redis_migrate_keys.plan_of(engine._options("redis_migrate_keys", source, target, {}), check_mode=False)
    run = runs.migration(plan)
    while not getattr(run.state, "done", ()):
        run.run(0.001)
    with source.primaries[0].client() as client:
        client.set("bar", "slot 5061, late")
    done = redis_migrate_keys.result_of(run.run())
    assert (done["drift"], done["source_writes"]) == (True, 1)
    assert migrate(source, target)["drift"] is False
    equal(source, target)
