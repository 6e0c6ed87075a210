# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that change in the middle of a run: slots that move, primaries that fail over, nodes that die or refuse."""

from __future__ import annotations

import threading

import pytest
from redis.crc import key_slot

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster import runs
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module import (
    redis_key_diff,
    redis_migrate_keys,
)
from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.support import engine
from tests.support.attempt import until
from tests.support.cluster import Cluster, differences
from tests.support.engine import RedisMigrationError, diff, migrate, moved
from tests.support.oracle import report
from tests.support.servers import RedisServer

# So many keys a second: slow enough for the cluster to change meanwhile.
_SLOW = 1500
_KEYS = 1500


def equal(source: engine.End, target: engine.End) -> None:
    found = differences(source, target)  # type: ignore[arg-type]
    assert not found, report(found)


def fill(cluster: Cluster, count: int = _KEYS) -> int:
    """`count` strings, some of which share slots; returns how many."""
    for node in cluster.primaries:
        slots = set(node.slots)
        with node.client() as client:
            pipeline = client.pipeline(transaction=False)
            for number in range(count):
                for name in (f"key:{number}", f"{{tag {number % 50}}}:{number}"):
                    if key_slot(name.encode()) in slots:
                        pipeline.set(name, f"value of {name}")
            pipeline.execute()
    return 2 * count


class Running:
    """A run in a thread of its own; `wait()` for its result, or its error. One process unless told."""

    def __init__(self, source: engine.End, target: Cluster | RedisServer, **options: object) -> None:
        options.setdefault("processes", 1)
        self._target = target
        self._before = self._held()
        plan = redis_migrate_keys.plan_of(
            engine._options("redis_migrate_keys", source, target, options), check_mode=False
        )
        self.run = runs.migration(plan)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.run.run()
        except BaseException as exc:
            self.error = exc

    def moved_some(self, count: int = 200) -> bool:
        assert self._thread.is_alive(), self.error or "it was over too soon"
        # Of a part that another process runs nothing is known here before its end.
        return self._held() - self._before >= count

    def _held(self) -> int:
        found = 0
        for node in self._target.primaries if isinstance(self._target, Cluster) else [self._target]:
            with node.client() as client:
                found += client.dbsize()
        return found

    def wait(self) -> engine.Result:
        self._thread.join(120)
        if self.error:
            raise self.error
        return engine.checked(redis_migrate_keys.result_of(self.run.progress))


def move_slots(cluster: Cluster, count: int) -> None:
    """Move so many slots of the first primary, with keys in them, to the last one."""
    first, *_others, last = cluster.primaries
    with first.client() as client:
        names = client.scan_iter(count=1000)
        slots = list(dict.fromkeys(key_slot(name) for name in names))[:count]
    for slot in slots:
        cluster.move_slot(slot, last)


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("end", ["source", "target"])
def test_slots_move_in_the_middle(end: str, processes: int, own: Clusters) -> None:
    source, target = own(), own(shards=2)
    keys = fill(source)
    run = Running(source, target, max_keys_per_second=_SLOW, processes=processes)
    until(run.moved_some)
    move_slots(source if end == "source" else target, 20)
    done = run.wait()
    assert moved(done) == {"scanned": keys, "copied": keys}
    equal(source, target)
    assert diff(source, target)["identical"]


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "by command"])
@pytest.mark.parametrize("end", ["source", "target"])
def test_a_primary_fails_over_in_the_middle(end: str, kill: bool, own: Clusters) -> None:
    # Of three primaries, as two have to agree that one has failed.
    source = own(shards=3 if end == "source" else 2, replicas=1 if end == "source" else 0)
    target = own(shards=3 if end == "target" else 2, replicas=1 if end == "target" else 0)
    keys = fill(source)
    run = Running(source, target, max_keys_per_second=_SLOW)
    until(run.moved_some)
    cluster = source if end == "source" else target
    cluster.fail_over(cluster.primaries[0], kill=kill)
    done = run.wait()
    assert done["totals"]["scanned"] == keys
    assert done["totals"]["failed"] == done["totals"]["vanished"] == 0
    equal(source, target)
    assert diff(source, target)["identical"]


def test_a_target_that_failed_over_behind_its_part_is_looked_at_again(own: Clusters) -> None:
    source, target = own(shards=2), own(replicas=1)
    keys = fill(source, 500)
    plan = redis_migrate_keys.plan_of(engine._options("redis_migrate_keys", source, target, {}), check_mode=False)
    run = runs.migration(plan)
    while len(run.state.done if hasattr(run.state, "done") else []) < 1:
        run.run(0.001)
    target.fail_over(target.primaries[0])
    with target.primaries[0].client() as client:
        client.flushall()
    done = engine.checked(redis_migrate_keys.result_of(run.run()))
    assert done["totals"]["scanned"] == keys
    equal(source, target)


def test_a_comparison_in_the_middle_of_which_slots_move(own: Clusters) -> None:
    source, target = own(), own(shards=2)
    keys = fill(source)
    migrate(source, target)
    plan = redis_key_diff.plan_of(engine._options("redis_key_diff", source, target, {}))
    run = runs.comparison(plan)
    run.run(0.01)
    move_slots(source, 5)
    run.run(0.01)
    move_slots(target, 5)
    found = redis_key_diff.result_of(run.run())
    assert (found["identical"], found["totals"]["source_keys"], found["totals"]["target_keys"]) == (True, keys, keys)


def test_a_slot_that_stays_open_ends_the_run_in_words(own: Clusters, redis_server: ServerFactory) -> None:
    source, target = own(), redis_server("redis-8.2")
    fill(source, 100)
    source.open_slot(5061, source.primaries[-1])
    with pytest.raises(
        RedisMigrationError,
        match=r"source cluster moves slots: slot 5061 .*Nothing has changed there for 1 s.*--cluster fix",
    ):
        migrate(source, target, timeout=1)
    assert target.client().dbsize() == 0


def test_a_primary_without_a_replica_that_dies_is_named(own: Clusters, redis_server: ServerFactory) -> None:
    source, target = own(), redis_server("redis-8.2")
    fill(source)
    run = Running(source, target, max_keys_per_second=_SLOW, timeout=3)
    until(run.moved_some)
    source.primaries[1].kill()
    with pytest.raises(RedisMigrationError, match=r"source .*(refused|cluster_state: fail)"):
        run.wait()
    assert not run.run.progress.finished


def test_a_primary_that_refuses_writes_is_named(own: Clusters) -> None:
    source, target = own(shards=1), own(shards=2)
    keys = fill(source, 300)
    full = target.primaries[1]
    with full.client() as client:
        client.config_set("maxmemory", 1)
    with pytest.raises(RedisMigrationError, match=rf"Target 127.0.0.1:{full.port} \(slots 8192-16383\) .*OOM.*is full"):
        migrate(source, target)
    with full.client() as client:
        client.config_set("maxmemory", 0)
    assert migrate(source, target)["totals"]["scanned"] == keys
    equal(source, target)


@pytest.mark.parametrize("name", ["redis-8.2", "valkey-9"])
def test_a_slot_that_is_opened_in_the_middle_ends_no_server(name: str, own: Clusters) -> None:
    """Redis 8 dies of a command about a key of a slot that moves, on a connection with CLIENT NO-TOUCH."""
    source, target = own(name), own(name, shards=2)
    with source.client() as client:
        for number in range(3000):
            client.set(f"{{bar}}:{number}", number)
    run = Running(source, target, max_keys_per_second=_SLOW, timeout=1)
    until(run.moved_some)
    source.open_slot(5061, source.primaries[-1])
    with pytest.raises(RedisMigrationError, match=r"slot 5061 .*Nothing has changed there"):
        run.wait()
    assert all(node.running for node in source.nodes)
