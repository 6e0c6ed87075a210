# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""redis_isolation at clusters: clients and writes at every primary, and a pause of all of them, or of none."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import process_identity
from tests.integration.cluster.conftest import Clusters
from tests.integration.cluster.test_changes import fill, move_slots
from tests.support.attempt import until
from tests.support.cluster import Cluster, ClusterNode
from tests.support.run import ModuleRun, StartedModule, run_module, run_playbook

SERVERS = ["redis-6.2", "redis-8.2", "valkey-9"]


def isolation(cluster: Cluster, *, check: bool = False, **options: Any) -> ModuleRun:
    return run_module("redis_isolation", check=check, endpoint=cluster.endpoint(), **options)


def key_of(node: ClusterNode) -> str:
    """A name that lies in one of its slots."""
    return next(str(number) for number in range(100_000) if redis.crc.key_slot(str(number).encode()) in set(node.slots))


@contextlib.contextmanager
def application(node: ClusterNode, *, writes: bool = False) -> Iterator[redis.Redis]:
    """A client of one primary, which writes all the time to a slot of it if told so."""
    key = key_of(node)
    over = threading.Event()
    with node.client(client_name="shop", retry=None) as client:
        client.ping()

        def write() -> None:
            with contextlib.suppress(redis.RedisError):
                while not over.wait(0.05):
                    client.incr(key)

        thread = threading.Thread(target=write, daemon=True)
        if writes:
            thread.start()
        try:
            yield client
        finally:
            over.set()
            if writes:
                thread.join()


def writable(node: ClusterNode) -> bool:
    """Whether a write of it is carried out at once."""
    key = next(str(number) for number in range(100_000) if redis.crc.key_slot(str(number).encode()) in set(node.slots))
    with node.client(socket_timeout=0.3, retry=None) as client:
        try:
            client.set(key, 1)
        except redis.TimeoutError:
            return False
    return True


def states(cluster: Cluster) -> list[bool]:
    return [writable(node) for node in cluster.primaries]


def test_a_client_of_any_primary_is_waited_for_and_named(shared: Clusters) -> None:
    cluster = shared()
    assert isolation(cluster, quiet_seconds=0.1, timeout=5).ok["isolated"]
    node = cluster.primaries[2]
    with application(node):
        said = isolation(cluster, quiet_seconds=0.1, timeout=0.5)
        assert f"'shop' at 127.0.0.1:{node.port}" in said.message
        assert said.result["clients"][0]["server"] == f"127.0.0.1:{node.port}"
        assert isolation(cluster, quiet_seconds=0.1, timeout=0.5, ignore=[{"name": "shop"}]).ok["isolated"]
    with application(node):
        cut = isolation(cluster, quiet_seconds=0.1, timeout=5, disconnect=[{"name": "shop"}]).ok
        assert [one["name"] for one in cut["disconnected"]] == ["shop"]


def test_writes_at_any_primary_are_seen(shared: Clusters) -> None:
    cluster = shared()
    with application(cluster.primaries[2], writes=True):
        said = isolation(cluster, quiet_seconds=0.5, timeout=1, ignore=[{"name": "shop"}])
        assert "last written to" in said.message
        assert said.result["writes"] > 0


@pytest.mark.parametrize("name", SERVERS)
def test_all_primaries_are_paused_and_let_go(name: str, shared: Clusters) -> None:
    cluster = shared(name)
    first = isolation(cluster, state="paused", pause_seconds=60).ok
    try:
        assert (first["changed"], first["paused"]) == (True, True)
        assert states(cluster) == [False] * 3
        assert isolation(cluster, state="paused", pause_seconds=60).ok["changed"] is False
        with cluster.primaries[1].client() as client:
            client.client_unpause()
        assert isolation(cluster, state="paused", pause_seconds=60).ok["changed"] is True
        assert states(cluster) == [False] * 3
    finally:
        done = isolation(cluster, state="released").ok
    assert (done["changed"], done["paused"]) == (True, False)
    assert states(cluster) == [True] * 3
    assert isolation(cluster, state="released").ok["changed"] is False


def test_where_one_cannot_be_paused_none_is(shared: Clusters) -> None:
    cluster = shared()
    for node in cluster.primaries:
        with node.client() as client:
            client.acl_setuser("mover", enabled=True, nopass=True, keys=["*"], commands=["+@all"])
    with cluster.primaries[2].client() as client:
        client.acl_setuser("mover", commands=["-client|pause"])
    said = run_module(
        "redis_isolation",
        endpoint=cluster.endpoint(username="mover", password="any"),
        state="paused",
        pause_seconds=60,
    )
    assert f":{cluster.primaries[2].port}" in said.message
    assert states(cluster) == [True] * 3


def test_those_that_can_be_reached_are_let_go(own: Clusters) -> None:
    cluster = own(config={"cluster-require-full-coverage": "no"})
    isolation(cluster, state="paused", pause_seconds=60)
    cluster.primaries[1].kill()
    assert states(cluster) == [False] * 2
    said = isolation(cluster, state="released")
    assert "The pause was ended at the other primaries." in said.message
    assert states(cluster) == [True] * 2


def test_where_the_named_node_is_gone_the_others_are_let_go(own: Clusters) -> None:
    cluster = own(config={"cluster-require-full-coverage": "no"})
    endpoint = cluster.endpoint()
    paused = isolation(cluster, state="paused", pause_seconds=60).ok
    assert sorted(paused["nodes"]) == sorted(f"127.0.0.1:{node.port}" for node in cluster.nodes)
    cluster.nodes[0].kill()
    said = run_module("redis_isolation", endpoint={**endpoint, "cluster": {"hosts": paused["nodes"]}}, state="released")
    assert "The pause was ended at the other primaries." in said.message
    assert states(cluster) == [True] * 2


def test_a_primary_that_takes_over_is_watched_too(own: Clusters) -> None:
    cluster = own(replicas=1)
    old = cluster.primaries[0]
    run = StartedModule(
        "redis_isolation", {"endpoint": cluster.endpoint(), "state": "isolated", "quiet_seconds": 6, "timeout": 60}
    )
    time.sleep(1)
    new = cluster.fail_over(old, kill=False)
    with application(new, writes=True):
        time.sleep(6)
    done = run.wait().ok
    assert done["isolated"]


def test_a_pause_follows_a_failover_and_ends_with_its_playbook(own: Clusters) -> None:
    cluster = own(replicas=1)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"]) as owner:
        done = isolation(
            cluster,
            state="paused",
            pause_seconds=30,
            with_playbook=True,
            owner={"pid": owner.pid, "identity": process_identity(owner.pid)},
        ).ok
        try:
            assert done["guard"]
            assert states(cluster) == [False] * 3
            cluster.fail_over(cluster.primaries[0], kill=False)
            until(lambda: states(cluster) == [False] * 3)
        finally:
            os.kill(owner.pid, signal.SIGKILL)
    until(lambda: states(cluster) == [True] * 3)


def test_a_playbook_moves_a_cluster_that_is_paused(own: Clusters, tmp_path: Path) -> None:
    source, target = own(), own(shards=2)
    keys = fill(source, 150)
    ends = {
        "redis_migration_source": source.endpoint(),
        "redis_migration_target": target.endpoint(),
        "redis_migration_isolate": "pause",
    }
    run_playbook("migrate", {"redis_migrations": {"hosts": {"orders": ends}}}, directory=tmp_path).ok  # noqa: B018
    assert sum(map(len, target.keys().values())) == keys
    assert states(source) == [True] * 3
    waited = {**ends, "redis_migration_isolate": "wait", "redis_migration_isolate_timeout": 1}
    with application(source.primaries[1]):
        run = run_playbook("migrate", {"redis_migrations": {"hosts": {"orders": waited}}}, directory=tmp_path)
    assert "is not isolated" in run.output
    move_slots(source, 1)
