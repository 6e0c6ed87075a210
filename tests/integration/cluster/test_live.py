# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster is followed, or followed into, while applications write, slots move and primaries fail over."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster.live import ClusterFollower
from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.result import LiveResult
from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.integration.cluster.test_changes import equal, fill, move_slots
from tests.support import engine
from tests.support.run import run_module, run_playbook


class Application:
    """Writes to a cluster or server, from its beginning until `stop()`, whatever happens there."""

    def __init__(self, end: Any) -> None:
        self._end = end
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.writes = 0

    def __enter__(self) -> Application:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        chance = random.Random(1)
        client = None
        while not self._over.is_set():
            try:
                client = client or self._end.client()
                self._write(client, chance)
                self.writes += 1
            except redis.RedisError:
                # A failover or so: it looks for the primaries anew.
                client = None
                time.sleep(0.05)
            time.sleep(0.001)

    def _write(self, client: redis.Redis, chance: random.Random) -> None:
        name = f"key:{chance.randrange(400)}"
        kind = chance.randrange(8)
        if kind < 3:
            client.set(name, chance.random())
        elif kind < 5:
            client.delete(name)
        elif kind == 5:
            client.rpush(f"list:{chance.randrange(50)}", chance.random())
        elif kind == 6:
            client.hset(f"hash:{chance.randrange(50)}", str(chance.randrange(20)), chance.random())
        else:
            client.expire(f"hash:{chance.randrange(50)}", chance.randrange(100, 200))


@contextlib.contextmanager
def following(source: Any, target: Any, **options: Any) -> Iterator[ClusterFollower]:
    plan = engine.migration(source, target, **{"strategy": "auto", **options})._plan
    follower = ClusterFollower(plan, lambda: True)
    try:
        follower.open()
        yield follower
    finally:
        follower.close()


def caught_up(follower: ClusterFollower, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ((status := follower.step(0.2)).walked and status.lag_seconds < 2):
        assert time.monotonic() < deadline, status


def follow(follower: ClusterFollower, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        follower.step(0.1)


def assert_proved(result: LiveResult, source: Any, target: Any) -> None:
    assert result.proved, (result.reason, result.failures[:3])
    equal(source, target)


@pytest.mark.parametrize("ends", ["cluster to cluster", "server to cluster", "cluster to server"])
def test_it_follows_an_application(ends: str, shared: Clusters, redis_server: ServerFactory) -> None:
    here, there = ends.split(" to ")
    source: Any = shared() if here == "cluster" else redis_server("redis-8.2")
    target: Any = shared(shards=2, which="target") if there == "cluster" else redis_server("redis-8.2")
    if here == "cluster":
        fill(source, 1000)
    else:
        source.client().mset({f"key:{number}": number for number in range(2000)})
    with Application(source) as application, following(source, target) as follower:
        caught_up(follower)
        follow(follower, 1.5)
        application.stop()
        result = follower.drain()
    assert application.writes > 100
    assert_proved(result, source, target)
    assert 0 < result.in_drain < 1000
    assert result.counts[0][0] == result.counts[0][1] == result.keys


@pytest.mark.parametrize("name", ["redis-6.2", "valkey-9"])
def test_it_follows_clusters_of_other_servers(name: str, shared: Clusters) -> None:
    source, target = shared(name), shared(name, shards=2, which="target")
    fill(source, 500)
    with Application(source) as application, following(source, target) as follower:
        caught_up(follower)
        follow(follower, 1)
        application.stop()
        result = follower.drain()
    assert_proved(result, source, target)


def test_writes_in_the_drain_are_no_proof(shared: Clusters) -> None:
    source, target = shared(), shared(shards=2, which="target")
    fill(source, 200)
    with Application(source) as application, following(source, target) as follower:
        caught_up(follower)
        result = follower.drain(5)
        assert not result.proved
        assert "writes to it" in (result.reason or "")
        application.stop()
        assert_proved(follower.drain(), source, target)


@pytest.mark.parametrize("end", ["source", "target"])
def test_slots_move_while_it_follows(end: str, own: Clusters) -> None:
    source, target = own(), own(shards=2)
    fill(source, 500)
    with Application(source) as application, following(source, target) as follower:
        caught_up(follower)
        moving = threading.Thread(target=move_slots, args=(source if end == "source" else target, 15))
        moving.start()
        while moving.is_alive():
            follower.step(0.1)
        caught_up(follower)
        assert follower.restarts > 0
        follow(follower, 1)
        application.stop()
        result = follower.drain()
    assert_proved(result, source, target)


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "by command"])
@pytest.mark.parametrize("end", ["source", "target"])
def test_a_primary_fails_over_while_it_follows(end: str, kill: bool, own: Clusters) -> None:
    source = own(replicas=1 if end == "source" else 0)
    target = own(replicas=1 if end == "target" else 0)
    fill(source, 500)
    cluster = source if end == "source" else target
    with Application(source) as application, following(source, target, timeout=20) as follower:
        caught_up(follower)
        failing = threading.Thread(target=cluster.fail_over, args=(cluster.primaries[0],), kwargs={"kill": kill})
        failing.start()
        while failing.is_alive():
            follower.step(0.1)
        caught_up(follower)
        follow(follower, 1)
        application.stop()
        result = follower.drain()
    assert follower.restarts > 0
    assert_proved(result, source, target)


def test_slots_move_in_the_drain(own: Clusters) -> None:
    source, target = own(), own(shards=2)
    fill(source, 3000)
    with Application(source) as application, following(source, target) as follower:
        caught_up(follower)
        application.stop()
        moving = threading.Thread(target=move_slots, args=(source, 10))
        moving.start()
        result = follower.drain()
        moving.join()
        if not result.proved:
            result = follower.drain()
    assert_proved(result, source, target)


def test_what_was_deleted_while_slots_moved_is_deleted_at_the_target(own: Clusters) -> None:
    source, target = own(), own(shards=2)
    fill(source, 300)
    with following(source, target) as follower:
        caught_up(follower)
        move_slots(source, 5)
        with source.client() as client:
            for number in range(100):
                client.delete(f"key:{number}")
        follow(follower, 3)
        caught_up(follower)
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.keys == 500


def test_a_source_that_comes_back_empty_takes_nothing_from_the_target(own: Clusters) -> None:
    source, target = own(), own(shards=2)
    keys = fill(source, 300)
    with following(source, target, timeout=10) as follower:
        caught_up(follower)
        node = source.primaries[1]
        node.kill()
        node.start()
        with pytest.raises(engine.RedisMigrationError, match=r"came back (without its data|with \d+ keys)"):
            follow(follower, 30)
    assert sum(map(len, target.keys().values())) == keys


def test_the_module_follows_a_cluster(shared: Clusters) -> None:
    source, target = shared(), shared(shards=2, which="target")
    keys = fill(source, 300)
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    assert run_module("redis_live_sync", state="started", check=True, **ends).ok["changed"]
    run_module("redis_live_sync", state="started", **ends).ok  # noqa: B018
    try:
        assert run_module("redis_live_sync", state="caught_up", **ends).ok["copied"]
        done = run_module("redis_live_sync", state="drained", **ends).ok
    finally:
        run_module("redis_live_sync", state="stopped", **ends)
    assert (done["proved"], done["source_keys"]) == (True, keys)
    equal(source, target)


def test_a_playbook_follows_a_cluster(own: Clusters, tmp_path: Path) -> None:
    source, target = own(), own(shards=2)
    fill(source, 200)
    ends = {
        "redis_migration_source": source.endpoint(),
        "redis_migration_target": target.endpoint(),
        "redis_migration_live": True,
        "redis_migration_isolate": "pause",
        "redis_migration_isolate_disconnect": [{"address": "*"}],
    }
    with Application(source) as application:
        run = run_playbook("migrate", {"redis_migrations": {"hosts": {"orders": ends}}}, directory=tmp_path)
        assert application.writes > 0
    assert "PROVED equal" in run.ok.output
