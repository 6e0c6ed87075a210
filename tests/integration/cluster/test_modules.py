# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules around moving and comparing, at clusters: preflight, counts and functions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import parse_selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.preflight import preflight
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Question
from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.support.cluster import Cluster
from tests.support.engine import End
from tests.support.run import run_module, run_playbook
from tests.support.servers import RedisServer


def look(source: End, target: End, **options: Any) -> dict[str, Any]:
    """By name, the findings of a preflight."""
    ends = [dict(end.endpoint()) if isinstance(end, RedisServer | Cluster) else dict(end) for end in (source, target)]
    return {
        one.name: one.verdict for one in preflight(Question(ends[0], ends[1], parse_selection({}), **options)).findings
    }


def test_preflight_looks_at_every_primary(shared: Clusters) -> None:
    source, target = shared(), shared(shards=2, which="target")
    with source.client() as client, target.client() as there:
        for number in range(100):
            client.set(f"key:{number}", "x")
            there.set(f"key:{number}", "x")
    found = look(source, target)
    assert {name: one.status for name, one in found.items() if one.status == "fail"} == {}
    assert "cluster of 3 primaries" in found["source_mode"].message.lower()
    assert "100 keys" in found["source_keys"].message
    assert "100 keys, all of which the source has" in found["target_keys"].message
    with target.client() as there:
        there.set("only there", 1)
    found = look(source, target)
    assert (found["target_keys"].status, "'only there'" in found["target_keys"].message) == ("fail", True)


def test_preflight_names_the_primary_that_lacks_memory(shared: Clusters) -> None:
    source, target = shared(), shared(shards=2, which="target")
    with source.client() as client:
        for number in range(50):
            # All of them in the slot of the tag, which the first primary of the target serves.
            client.set(f"{{bar}}:{number}", b"x" * 100_000)
    first, second = target.primaries
    for node in (first, second):
        with node.client() as client:
            client.config_set("maxmemory", client.info("memory")["used_memory"] + 2_000_000)
    try:
        said = look(source, target)["target_memory"]
    finally:
        for node in (first, second):
            with node.client() as client:
                client.config_set("maxmemory", 0)
    assert (said.status, f":{first.port} " in said.message, f":{second.port} " in said.message) == ("fail", True, False)


def test_preflight_says_what_is_wrong_with_a_cluster(own: Clusters, redis_server: ServerFactory) -> None:
    source, target = own(), redis_server("redis-8.2")
    with source.client() as client:
        client.set("bar", 1)
    source.open_slot(5061, source.primaries[-1])
    said = look(source, target)["source_mode"]
    assert (said.status, "slot 5061" in said.message) == ("warn", True)
    assert look(source, target, live=True)["source_mode"].status == "warn"
    source.primaries[0].ask("DELSLOTS", 0)
    found = look(source, target)
    assert found["source_reachable"].status == "fail" or "Nobody serves" in found["source_mode"].message


def test_counts_and_functions_are_those_of_all_primaries(shared: Clusters, redis_server: ServerFactory) -> None:
    source, cluster = redis_server("redis-8.2"), shared()
    with source.client() as client, cluster.client() as there:
        client.function_load("#!lua name=lib\nredis.register_function('f', function(keys, args) return 1 end)")
        for number in range(90):
            there.set(f"key:{number}", number)
    ends = {"source": source.endpoint(), "target": cluster.endpoint()}
    done = run_module("redis_functions", **ends).ok
    assert (done["changed"], done["libraries"]["loaded"]) == (True, ["lib"])
    for node in cluster.primaries:
        with node.client() as client:
            assert len(client.function_list()) == 1
    assert not run_module("redis_functions", **ends).ok["changed"]
    assert run_module("redis_keyspace_info", endpoint=cluster.endpoint()).ok["keys"] == 90
    moved = run_module("redis_migrate_keys", source=cluster.endpoint(), target=source.endpoint()).ok
    assert (moved["totals"]["copied"], moved["strategy"]) == (90, "copy")
    found = run_module("redis_key_diff", source=cluster.endpoint(), target=source.endpoint()).ok
    assert (found["identical"], found["servers"]["source"]["keys"]) == (True, 90)
    for node in cluster.primaries:
        with node.client() as client:
            client.function_delete("lib")


def test_a_playbook_moves_a_cluster(shared: Clusters, tmp_path: Path) -> None:
    source, target = shared(), shared(shards=2, which="target")
    with source.client() as client:
        for number in range(300):
            client.set(f"key:{number}", number)
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    inventory = {"redis_migrations": {"hosts": {"orders": ends}}}
    first = run_playbook("migrate", inventory, directory=tmp_path).ok
    assert first.changed > 0
    assert sum(len(names) for names in target.keys().values()) == 300
    again = run_playbook("migrate", inventory, directory=tmp_path).ok
    assert again.changed == 0
