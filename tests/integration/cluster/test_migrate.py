# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys go into clusters, out of them, and from one into another of a different shape; equal by the oracle."""

from __future__ import annotations

import pytest

from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.support import dataset
from tests.support.cluster import Cluster, differences
from tests.support.engine import diff, migrate, moved
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
