# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes share the work on a cluster, and so do several runs; what they find is added up."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import descendants, process_identity
from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.integration.cluster.test_migrate import equal, filled
from tests.support.attempt import until
from tests.support.cluster import Cluster
from tests.support.dataset import fill_benchmark
from tests.support.engine import RedisMigrationError, diff, diff_in_slices, migrate, migrate_in_slices, moved
from tests.support.run import StartedModule


def started(source: Cluster, target: Cluster, **options: Any) -> tuple[StartedModule, list[int]]:
    """A run of the module that writes, slowly, and the processes that it has started."""
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    run = StartedModule("redis_migrate_keys", {**ends, "processes": 3, "max_keys_per_second": 300, **options})
    until(lambda: any(node.client().dbsize() for node in target.primaries))
    until(lambda: descendants(run.pid))
    return run, descendants(run.pid)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_it_makes_no_difference_how_many(processes: int, shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared(), shared(shards=2, which="target")
    keys = source.load(filled(redis_server("redis-8.2")))
    done = migrate(source, target, processes=processes)
    assert moved(done) == {"scanned": keys, "copied": keys}
    seconds = [point[0] for point in done["progress_over_time"]]
    counts = [point[1] for point in done["progress_over_time"]]
    assert (sorted(seconds), sorted(counts), counts[-1]) == (seconds, counts, keys)
    assert sum(part["copied"] for part in done["parts"]) == keys
    assert {part["source"] for part in done["parts"]} == {f"127.0.0.1:{node.port}" for node in source.primaries}
    equal(source, target)
    found = diff(source, target, processes=processes)
    assert found["identical"]
    assert sum(part["source_keys"] for part in found["parts"]) == keys
    assert found["totals"]["source_keys"] == found["totals"]["target_keys"] == keys
    with target.client() as client:
        client.set("order:7", "another value")
        client.delete("order:8")
        client.set("only here", "x")
    kinds = {one["key"]: one["kind"] for one in diff(source, target, processes=processes)["differences"]}
    assert kinds == {"order:7": "value", "order:8": "missing", "only here": "extra"}


def test_in_slices(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared(), shared(shards=2, which="target")
    keys = source.load(filled(redis_server("redis-8.2")))
    done, slices = migrate_in_slices(source, target, 0.05, processes=3, max_keys_per_second=2000)
    assert slices > 2
    assert moved(done) == {"scanned": keys, "copied": keys}
    equal(source, target)
    found, _slices = diff_in_slices(source, target, 0.05, processes=3)
    assert found["identical"]


def test_limits_are_those_of_all_together(shared: Clusters, redis_server: ServerFactory) -> None:
    single, source, target = redis_server("redis-8.2"), shared(), shared(shards=3, which="target")
    fill_benchmark(single.client(), "strings100", 3000)
    source.load(single)
    done = migrate(source, target, processes=3, max_keys_per_second=2000)
    # Each at the limit for itself would take half a second.
    assert done["elapsed_seconds"] > 1.2


def test_a_process_that_is_killed_ends_the_run_and_the_next_one_goes_on(
    shared: Clusters, redis_server: ServerFactory
) -> None:
    source, target = shared(), shared(shards=3, which="target")
    keys = source.load(filled(redis_server("redis-8.2")))
    run, children = started(source, target)
    os.kill(children[0], signal.SIGKILL)
    result = run.wait().result
    assert result["failed"]
    assert "A process of the run ended in the middle of its part (signal 9)" in result["msg"]
    assert [child for child in children if process_identity(child)] == []
    again = moved(migrate(source, target))
    assert again["scanned"] == keys
    equal(source, target)


def test_what_other_processes_have_done_is_told_behind_an_error(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared(), shared(shards=3, which="target")
    source.load(filled(redis_server("redis-8.2")))
    full = target.primaries[0]
    full.client().config_set("maxmemory", 1)
    try:
        with pytest.raises(RedisMigrationError, match="maxmemory"):
            migrate(source, target, processes=3)
    finally:
        full.client().config_set("maxmemory", 0)
    assert any(node.client().dbsize() for node in target.primaries[1:])
    migrate(source, target, processes=3)
    equal(source, target)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_none_is_left_when_the_module_is_killed(
    how: signal.Signals, shared: Clusters, redis_server: ServerFactory
) -> None:
    source, target = shared(), shared(shards=3, which="target")
    source.load(filled(redis_server("redis-8.2")))
    run, children = started(source, target)
    os.kill(run.pid, how)
    until(lambda: not [child for child in children if process_identity(child)], seconds=20)


@pytest.mark.parametrize("ends", ["server to cluster", "cluster to server", "cluster to cluster", "server to server"])
def test_shards_of_the_source_are_all_of_it_together(ends: str, shared: Clusters, redis_server: ServerFactory) -> None:
    here, there = ends.split(" to ")
    single = filled(redis_server("redis-8.2"))
    source: Any = single
    if here == "cluster":
        source = shared()
        source.load(single)
    target: Any = redis_server("redis-8.2") if there == "server" else shared(shards=2, which="target")
    with single.client() as client:
        keys = client.dbsize()
    counts = []
    for number in (1, 2, 3):
        done = moved(migrate(source, target, source_shard=f"{number}/3"))
        assert done["scanned"] == done["copied"]
        counts.append(done["copied"])
        found = diff(source, target, source_shard=f"{number}/3")
        assert found["identical"], found["differences"]
        assert found["totals"]["source_keys"] == done["copied"]
    assert sum(counts) == keys
    assert min(counts) > keys / 6
    equal(source, target)
    assert diff(source, target)["identical"]


def test_a_shard_prunes_its_own_only(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = filled(redis_server("redis-8.2")), shared()
    migrate(source, target)
    extra = [f"extra:{number}" for number in range(60)]
    with target.client() as client:
        for name in extra:
            client.set(name, "x")
    pruned = [moved(migrate(source, target, source_shard=f"{number}/3", prune=True))["pruned"] for number in (1, 2, 3)]
    assert sum(pruned) == len(extra)
    assert 0 not in pruned
    equal(source, target)


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "1/2/3", "a/b", "1/99999", "-1/2", "1/0"])
def test_a_shard_that_is_none_is_refused(shard: str, redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2")
    with pytest.raises(RedisMigrationError, match="source_shard is "):
        migrate(server, server, source_shard=shard)


def test_two_shards_may_run_at_once_and_the_same_may_not(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared(), shared(shards=3, which="target")
    source.load(filled(redis_server("redis-8.2")))
    run, _children = started(source, target, source_shard="1/2", processes=3, max_keys_per_second=40)
    try:
        assert moved(migrate(source, target, source_shard="2/2", processes=1))["copied"] > 0
        with pytest.raises(RedisMigrationError, match="Another run is writing to database 0"):
            migrate(source, target, source_shard="1/3", processes=1)
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
