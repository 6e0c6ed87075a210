# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys get other names while clusters change: each is still counted once, and prune deletes nothing of another part."""

from __future__ import annotations

import pytest
from redis.crc import key_slot

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster import runs
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module import (
    redis_key_diff,
    redis_migrate_keys,
)
from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.integration.cluster.test_changes import Running, move_slots
from tests.support import engine
from tests.support.attempt import until
from tests.support.cluster import Cluster
from tests.support.engine import RedisMigrationError, diff, migrate, moved

_SLOW = 1500
_KEYS = 3000
_EXTRA = 300

RENAME = {"rename": {"old:": "new:"}}
JOINED = {"database_map": {"1": 0}, "database_prefix": {"0": "{all}:", "1": "db1:"}}


def put(cluster: Cluster, names: list[str]) -> None:
    for node in cluster.primaries:
        slots = set(node.slots)
        with node.client() as client:
            pipeline = client.pipeline(transaction=False)
            for name in names:
                if key_slot(name.encode()) in slots:
                    pipeline.set(name, name.partition(":")[2])
            pipeline.execute()


def held(cluster: Cluster) -> dict[str, str]:
    found = {}
    for node in cluster.primaries:
        with node.client() as client:
            for name in client.scan_iter(count=1000):
                found[name.decode()] = client.get(name).decode()
    return found


def fill(cluster: Cluster) -> None:
    """Keys of which every other one gets another name by RENAME, in another slot."""
    put(cluster, [f"{'old' if number % 2 else 'new'}:{number}" for number in range(_KEYS)])


def expected() -> dict[str, str]:
    return {f"new:{number}": str(number) for number in range(_KEYS)}


@pytest.mark.parametrize("ends", [("source",), ("target",), ("source", "target")], ids=" and ".join)
def test_slots_move_in_the_middle(ends: tuple[str, ...], own: Clusters) -> None:
    source, target = own(), own(shards=2)
    fill(source)
    put(target, [f"new:extra:{number}" for number in range(_EXTRA)])
    run = Running(source, target, max_keys_per_second=_SLOW, prune=True, **RENAME)
    until(run.moved_some)
    for end in ends:
        move_slots(source if end == "source" else target, 20)
    done = run.wait()
    assert moved(done) == {"scanned": _KEYS, "copied": _KEYS, "pruned": _EXTRA}
    assert held(target) == expected()
    assert diff(source, target, **RENAME)["identical"]
    assert moved(migrate(source, target, prune=True, **RENAME)) == {"scanned": _KEYS, "unchanged": _KEYS}


def test_slots_move_while_databases_are_joined(own: Clusters, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), own()
    for number in (0, 1):
        with source.client(number) as client:
            client.mset({f"key:{key}": key for key in range(1500)})
    run = Running(source, target, max_keys_per_second=_SLOW, prune=True, **JOINED)
    until(run.moved_some)
    move_slots(target, 20)
    assert moved(run.wait()) == {"scanned": 3000, "copied": 3000}
    assert set(held(target)) == {f"{prefix}key:{key}" for prefix in ("{all}:", "db1:") for key in range(1500)}
    found = diff(source, target, **JOINED)
    assert (found["identical"], found["totals"]["target_keys"]) == (True, 3000)


def test_a_comparison_in_the_middle_of_which_slots_move(own: Clusters) -> None:
    source, target = own(), own(shards=2)
    fill(source)
    migrate(source, target, **RENAME)
    run = runs.comparison(redis_key_diff.plan_of(engine._options("redis_key_diff", source, target, RENAME)))
    run.run(0.01)
    move_slots(source, 5)
    run.run(0.01)
    move_slots(target, 5)
    found = redis_key_diff.result_of(run.run())
    totals = found["totals"]
    assert (found["identical"], totals["source_keys"], totals["target_keys"]) == (True, _KEYS, _KEYS)


def test_a_primary_fails_over_that_others_ask(own: Clusters) -> None:
    source, target = own(replicas=1), own(shards=2)
    fill(source)
    put(target, [f"new:extra:{number}" for number in range(_EXTRA)])
    run = Running(source, target, max_keys_per_second=_SLOW, prune=True, **RENAME)
    until(run.moved_some)
    # The first part reads another one, and asks this one.
    source.fail_over(source.primaries[2])
    assert run.wait()["totals"]["scanned"] == _KEYS
    assert held(target) == expected()


def test_a_source_that_lost_a_primary_s_keys_prunes_nothing_more(own: Clusters) -> None:
    source, target = own(config={"save": ""}), own(shards=2)
    fill(source)
    migrate(source, target, **RENAME)
    plan = redis_migrate_keys.plan_of(
        engine._options("redis_migrate_keys", source, target, {"prune": True, **RENAME}), check_mode=False
    )
    run = runs.migration(plan)
    while not getattr(run.state, "done", ()):
        run.run(0.001)
    lost = source.primaries[0]
    lost.stop()
    lost.start()
    source.wait()
    with pytest.raises(RedisMigrationError, match="held 3000 keys when the run began"):
        run.run()
    assert held(target) == expected()
