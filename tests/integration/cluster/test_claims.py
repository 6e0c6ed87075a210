# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time writes to a key of a cluster, and runs of other keys are let be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.integration.cluster.conftest import Clusters
from tests.integration.cluster.test_changes import fill
from tests.support.attempt import until
from tests.support.cluster import Cluster
from tests.support.engine import RedisMigrationError, migrate
from tests.support.run import StartedModule, run_module


def other_runs(source: Cluster, target: Cluster, **options: object) -> str:
    """What preflight finds of them."""
    report = run_module("redis_preflight_info", source=source.endpoint(), target=target.endpoint(), **options).ok
    return next(str(one["status"]) for one in report["findings"] if one["name"] == "other_runs")


@contextlib.contextmanager
def running(source: Cluster, target: Cluster, **options: object) -> Iterator[None]:
    """A slow run, one part behind the other, which has begun to write."""
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    run = StartedModule("redis_migrate_keys", {**ends, "processes": 1, "max_keys_per_second": 20, **options})
    try:
        until(lambda: any(node.client().dbsize() for node in target.primaries))
        yield
    finally:
        run.kill()
        run.wait()


def test_a_run_that_is_at_another_primary_is_seen(shared: Clusters) -> None:
    source, other, target = shared(), shared(which="other"), shared(which="target")
    fill(source, 1000)
    fill(other, 10)
    with running(source, target):
        assert not target.primaries[-1].client().dbsize()
        assert other_runs(other, target) == "fail"
        with pytest.raises(RedisMigrationError, match="Another run is writing to database 0"):
            migrate(other, target, source_shard="3/3", processes=1)


def test_preflight_lets_other_shards_be(shared: Clusters) -> None:
    source, target = shared(), shared(which="target")
    fill(source, 1000)
    with running(source, target, source_shard="1/2"):
        assert other_runs(source, target, source_shard="2/2") == "ok"
        assert other_runs(source, target, source_shard="1/2") == other_runs(source, target) == "fail"
