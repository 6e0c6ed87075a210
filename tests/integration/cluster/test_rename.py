# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys get other names on their way into clusters, out of them and between them; databases are joined; no two get one name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis.crc import key_slot

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import parse_selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.preflight import preflight
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Question
from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.support import dataset
from tests.support.cluster import Cluster
from tests.support.engine import End, RedisMigrationError, diff, diff_in_slices, migrate, migrate_in_slices, moved
from tests.support.oracle import compare, report
from tests.support.renamed import undo
from tests.support.run import run_playbook
from tests.support.servers import RedisServer

JOINED: dict[str, Any] = {
    "database_map": {"1": 0, "5": 0},
    "database_prefix": {"0": "db0:", "1": "db1:", "5": "{db5}:"},
}

# Of what the data set calls its keys; new: is a prefix that some have and others get.
RENAME = {"string:": "new:", "hash:": "{all}:", "list:": ""}


def taken_back(_number: int, name: bytes) -> tuple[int, bytes]:
    """Of JOINED."""
    prefix, _colon, key = name.partition(b":")
    return int(prefix.strip(b"{db}")), key


def put(end: RedisServer | Cluster, *names: str, value: str | None = None) -> None:
    with end.client() as client:
        for name in names:
            client.set(name, name if value is None else value)


def names_of(end: RedisServer | Cluster) -> set[bytes]:
    if isinstance(end, Cluster):
        return {name for some in end.keys().values() for name in some}
    with end.client() as client:
        return set(client.scan_iter(count=1000))


def apart(cluster: Cluster, old: str, new: str, count: int) -> list[str]:
    """So many endings with which names of both prefixes lie at different primaries."""
    slots = [set(node.slots) for node in cluster.primaries]
    found = []
    for number in range(count * 10 + 100):
        mine = next(some for some in slots if key_slot(f"{old}{number}".encode()) in some)
        if key_slot(f"{new}{number}".encode()) not in mine:
            found.append(str(number))
    return found[:count]


def proved(source: End, target: End, keys: int, **options: Any) -> None:
    """All is there: a second run that also prunes has nothing to do, and both ends are equal at each level."""
    again = migrate(source, target, prune=True, **options)
    assert moved(again) == {"scanned": keys, "unchanged": keys}
    for level in ("keys", "metadata", "values"):
        found = diff(source, target, level=level, **options)
        assert found["identical"], found["differences"][:5]
        assert found["totals"]["source_keys"] == found["totals"]["target_keys"] == keys


@pytest.mark.parametrize("strategy", ["copy", "rebuild"])
def test_databases_of_a_server_are_joined_in_a_cluster(
    strategy: str, shared: Clusters, redis_server: ServerFactory
) -> None:
    source, target, back = redis_server("redis-8.2"), shared(), redis_server("redis-8.2")
    filled = dataset.fill(source.client, databases=(0, 1, 5))
    done = migrate(source, target, strategy=strategy, **JOINED)
    assert moved(done) == {"scanned": filled.total, "copied": filled.total}
    assert {number: counts["copied"] for number, counts in done["databases"].items()} == {
        str(number): keys for number, keys in filled.keys.items()
    }
    proved(source, target, filled.total, **JOINED)
    undo(target.unload(back), taken_back)
    differences = compare(source, back)
    assert not differences, report(differences)


@pytest.mark.parametrize(("shards", "others"), [(3, 2), (2, 3), (3, 0), (0, 3)])
def test_prefixes_are_replaced(shards: int, others: int, shared: Clusters, redis_server: ServerFactory) -> None:
    single, back = redis_server("redis-8.2"), redis_server("redis-8.2")
    dataset.fill(single.client, databases=[0])
    with single.client() as client:
        # Others would be called as some of these are then.
        client.delete(*[name for name in client.scan_iter() if not re.match(rb"[a-z]+:", name)])
        keys = client.dbsize()
    source: End = single
    if shards:
        source = shared("redis-8.2", shards)
        assert source.load(single) == keys
    target = shared("redis-8.2", others, "target") if others else redis_server("redis-8.2")
    assert moved(migrate(source, target, rename=RENAME)) == {"scanned": keys, "copied": keys}
    proved(source, target, keys, rename=RENAME)
    here = target.unload(back) if isinstance(target, Cluster) else target
    ways_back = {there(name): name for name in names_of(single)}
    assert (len(ways_back), names_of(here)) == (keys, set(ways_back))
    undo(here, lambda number, name: (number, ways_back[name]))
    differences = compare(single, here)
    assert not differences, report(differences)


def there(name: bytes) -> bytes:
    """By RENAME."""
    for old, new in RENAME.items():
        if name.startswith(old.encode()):
            return new.encode() + name[len(old) :]
    return name


@pytest.mark.parametrize("end", ["server", "cluster"])
def test_differences_are_found_once_and_mended(end: str, shared: Clusters, redis_server: ServerFactory) -> None:
    source = shared()
    target = shared(shards=2, which="target") if end == "cluster" else redis_server("redis-8.2")
    numbers = apart(source, "old:", "new:", 60)
    put(source, *[f"old:{number}" for number in numbers[:20]], *[f"new:{number}" for number in numbers[20:40]])
    put(target, *[f"new:{number}" for number in numbers[40:]], "old:1", value="theirs")
    put(target, f"new:{numbers[0]}", value="another")
    rules = {"rename": {"old:": "new:"}}
    for level in ("keys", "values"):
        found = diff(source, target, level=level, **rules)
        # Nobody's key is called old:1 at the target.
        assert (found["totals"]["source_keys"], found["totals"]["target_keys"]) == (40, 21)
        assert (found["totals"]["missing"], found["totals"]["extra"]) == (39, 20)
    planned = moved(migrate(source, target, prune=True, check=True, **rules))
    assert planned == {"scanned": 40, "copied": 39, "updated": 1, "pruned": 20}
    assert moved(migrate(source, target, prune=True, **rules)) == planned
    assert names_of(target) == {b"old:1", *(f"new:{number}".encode() for number in numbers[:40])}
    proved(source, target, 40, **rules)


def test_joined_databases_go_back_one_by_one(shared: Clusters, redis_server: ServerFactory) -> None:
    source, joined, back = redis_server("redis-8.2"), shared(), redis_server("redis-8.2")
    rules = {"database_map": {"1": 0, "2": 0}, "database_prefix": {"1": "db1:", "2": "db2:"}}
    for number in range(3):
        with source.client(number) as client:
            client.mset({f"key:{key}": f"{number} {key}" for key in range(50)})
    migrate(source, joined, **rules)
    for number in (1, 2):
        options = {
            "databases": [0],
            "match": [f"db{number}:*"],
            "rename": {f"db{number}:": ""},
            "database_map": {"0": number},
        }
        put_back = {"scanned": 50, "copied": 50}
        assert moved(migrate(joined, back, prune=True, **options)) == put_back
        assert diff(joined, back, **options)["identical"]
    left = {"databases": [0], "exclude": ["db1:*", "db2:*"]}
    assert moved(migrate(joined, back, prune=True, **left)) == put_back
    differences = compare(source, back)
    assert not differences, report(differences)


def test_prune_keeps_what_comes_of_other_databases(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), shared()
    for number in (0, 1):
        with source.client(number) as client:
            for key in range(50):
                client.set(f"key:{key}", number)
    rules = {"database_map": {"1": 0}, "database_prefix": {"1": "db1:"}}
    put(target, "gone", "db1:gone")
    assert moved(migrate(source, target, databases=[1], prune=True, **rules)) == {
        "scanned": 50, "copied": 50, "pruned": 1,
    }  # fmt: skip
    assert b"gone" in names_of(target)
    assert moved(migrate(source, target, prune=True, **rules)) == {
        "scanned": 100, "copied": 50, "unchanged": 50, "pruned": 1,
    }  # fmt: skip
    proved(source, target, 100, **rules)


def test_slices_go_on_where_the_last_one_stopped(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared(), shared(shards=2, which="target")
    put(source, *[f"old:{number}" for number in range(2000)], *[f"new:{number}" for number in range(2000, 3000)])
    rules = {"rename": {"old:": "new:"}}
    done, slices = migrate_in_slices(source, target, 0.01, **rules)
    assert slices > 4
    assert moved(done) == {"scanned": 3000, "copied": 3000}
    found, slices = diff_in_slices(source, target, 0.01, **rules)
    assert slices > 4
    assert (found["identical"], found["totals"]["source_keys"], found["totals"]["target_keys"]) == (True, 3000, 3000)


@pytest.mark.parametrize("processes", [1, 3])
def test_processes_share_the_work(processes: int, shared: Clusters, redis_server: ServerFactory) -> None:
    single, source, target = redis_server("redis-8.2"), shared(), shared(shards=2, which="target")
    dataset.fill(single.client, databases=[0])
    with single.client() as client:
        client.delete(*[name for name in client.scan_iter() if not re.match(rb"[a-z]+:", name)])
        keys = client.dbsize()
    source.load(single)
    put(target, "new:extra", "theirs")
    # In pieces, so that there are temporary keys, into a target that is not empty, where those of killed runs are looked for.
    options = {"rename": RENAME, "processes": processes, "large_key_bytes": 500}
    done = migrate(source, target, prune=True, **options)
    assert moved(done) == {"scanned": keys, "copied": keys, "pruned": 2}
    proved(source, target, keys, rename=RENAME, processes=processes)


def test_shards_of_the_source_are_all_of_it_together(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared(), redis_server("redis-8.2")
    numbers = apart(source, "old:", "new:", 90)
    put(source, *[f"old:{number}" for number in numbers[:30]], *[f"new:{number}" for number in numbers[30:60]])
    put(target, *[f"new:{number}" for number in numbers[60:]])
    rules = {"rename": {"old:": "new:"}, "prune": True}
    done = [moved(migrate(source, target, source_shard=f"{number}/3", **rules)) for number in (1, 2, 3)]
    assert [sum(one[name] for one in done) for name in ("scanned", "copied", "pruned")] == [60, 60, 30]
    proved(source, target, 60, rename=rules["rename"])


def test_temporary_keys_stay_that_another_part_may_be_building(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = shared(), redis_server("redis-8.2")
    put(source, "old:1", "old:2")
    temporary = "__redis_migration_tmp:{0}:0123456789abcdef:1"
    put(target, temporary)
    migrate(source, target, rename={"old:": "new:"})
    assert temporary.encode() in names_of(target)
    migrate(source, target, rename={"old:": "new:"}, source_shard="1/2")
    assert temporary.encode() in names_of(target)
    # All that goes to a slot comes by this one part.
    migrate(source, target)
    assert temporary.encode() not in names_of(target)


# -- collisions ---------------------------------------------------------------------------------------------------


def refused(source: End, target: RedisServer | Cluster, **options: Any) -> str:
    ends = [dict(end.endpoint()) if isinstance(end, RedisServer | Cluster) else dict(end) for end in (source, target)]
    findings = preflight(Question(ends[0], ends[1], parse_selection(options))).findings
    assert {one.name: one.verdict.status for one in findings}["key_names"] == "fail"
    with pytest.raises(RedisMigrationError, match="Nothing was written"):
        migrate(source, target, check=True, **options)
    with pytest.raises(RedisMigrationError) as caught:
        migrate(source, target, **options)
    assert names_of(target) == set()
    return caught.value.message


def test_two_keys_of_one_name_at_different_primaries_are_found_before_anything_is_written(shared: Clusters) -> None:
    source, target = shared(), shared(shards=2, which="target")
    numbers = apart(source, "old:", "new:", 30)
    put(source, *[f"x:{number}" for number in range(3000)], *[f"old:{number}" for number in numbers[:20]])
    put(source, *[f"new:{number}" for number in numbers[19:]])
    rules = {"rename": {"old:": "new:"}}
    assert f"'new:{numbers[19]}'" in refused(source, target, **rules)
    done = migrate(source, target, exclude=[f"old:{numbers[19]}"], **rules)
    assert moved(done) == {"scanned": 3030, "copied": 3030}


def test_a_comparison_does_not_take_two_keys_for_one(shared: Clusters) -> None:
    source, target = shared(), shared(shards=2, which="target")
    (number,) = apart(source, "old:", "new:", 1)
    rules = {"rename": {"old:": "new:"}}
    put(source, f"old:{number}", value="same")
    migrate(source, target, **rules)
    put(source, f"new:{number}", value="same")
    for level in ("keys", "metadata", "values"):
        found = diff(source, target, level=level, **rules)
        assert {one["key"]: one["kind"] for one in found["differences"]} == {
            f"old:{number}": "value", f"new:{number}": "value",
        }  # fmt: skip


def test_a_key_that_lies_where_another_database_goes_is_found(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), shared()
    put(source, "x", "db1:q")
    with source.client(1) as client:
        client.set("x", 1)
    rules = {"database_map": {"1": 0}, "database_prefix": {"1": "db1:"}}
    assert "'db1:q'" in refused(source, target, **rules)
    assert moved(migrate(source, target, exclude=["db1:*"], **rules)) == {"scanned": 2, "copied": 2}


def test_databases_that_nothing_keeps_apart_are_refused(shared: Clusters, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), shared()
    put(source, "x")
    with source.client(1) as client:
        client.set("y", 1)
    for ask in (migrate, diff):
        with pytest.raises(RedisMigrationError, match=r"Databases 0 and 1 .*both go to database 0"):
            ask(source, target, database_map={"1": 0})
    assert names_of(target) == set()


# -- preflight and playbooks --------------------------------------------------------------------------------------


def test_preflight_compares_names_under_the_rule(shared: Clusters) -> None:
    source, target = shared(), shared(shards=2, which="target")
    numbers = apart(source, "old:", "new:", 40)
    put(source, *[f"old:{number}" for number in numbers[:20]], *[f"new:{number}" for number in numbers[20:]])
    look: Callable[[], dict[str, Any]] = lambda: {  # noqa: E731
        one.name: one.verdict
        for one in preflight(
            Question(source.endpoint(), target.endpoint(), parse_selection({"rename": {"old:": "new:"}}))
        ).findings
    }
    found = look()
    assert {name: one for name, one in found.items() if one.status == "fail"} == {}
    migrate(source, target, rename={"old:": "new:"})
    assert "40 keys, all of which the source has" in look()["target_keys"].message
    put(target, "new:extra")
    assert "'new:extra'" in look()["target_keys"].message


def test_a_playbook_joins_databases_in_a_cluster(shared: Clusters, redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server("redis-8.2"), shared()
    for number in (0, 1):
        with source.client(number) as client:
            for key in range(150):
                client.set(f"old:{key}", number)
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    rules = {
        "redis_migration_database_map": {1: 0},
        "redis_migration_database_prefix": {1: "db1:"},
        "redis_migration_rename": {"old:": "new:"},
    }
    inventory = {"redis_migrations": {"hosts": {"orders": {**ends, **rules}}}}
    assert run_playbook("migrate", inventory, directory=tmp_path).ok.changed > 0
    assert names_of(target) == {f"{prefix}new:{key}".encode() for prefix in ("", "db1:") for key in range(150)}
    assert run_playbook("migrate", inventory, directory=tmp_path).ok.changed == 0
    assert run_playbook("verify", inventory, directory=tmp_path).ok
