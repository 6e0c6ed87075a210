# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live run did and proved."""

from __future__ import annotations

from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.live import (
    live_comparison,
    live_of,
    live_summary,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.plot import lag_plots
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.verification import (
    verification_findings,
)


def drained(**changed: Any) -> dict[str, Any]:
    """Twelve keys in two databases, the first of which goes to another one at the target."""
    memory = {"used_memory": 1}
    return {
        "proved": True,
        "reason": "",
        "strategy": "copy",
        "strategy_reason": "as told",
        "source_keys": 12,
        "verified": {"unchanged_since": 9, "in_drain": 3},
        "totals": {"compared": 30, "moved": 20, "deleted": 1, "rebuilt": 0, "bytes": 900, "failed": 0},
        "failures": [],
        "failures_not_listed": 0,
        "extra": [],
        "extra_not_listed": 0,
        "lag_over_time": [[0.5, 3, 0.1]],
        "changes_per_second": 5.0,
        "carried_per_second": 9.0,
        "feeds": 1,
        "restarts": 0,
        "overflows": 0,
        "evictions": 0,
        "drain_seconds": 0.5,
        "servers": {
            "source": {
                "databases": {"0": {"keys": 10, "expires": 1}, "3": {"keys": 2, "expires": 0}},
                "memory": memory,
            },
            "target": {
                "databases": {"7": {"keys": 10, "expires": 1}, "3": {"keys": 2, "expires": 0}},
                "memory": memory,
            },
        },
        "functions": {"source": ["lib", "old"], "missing": ["lib"], "different": ["old"], "refusal": None},
    } | changed


def findings(comparison: dict[str, Any]) -> dict[str, str]:
    found = verification_findings(
        comparison,
        level="keys",
        whole=True,
        functions="update",
        allow_empty=False,
        allow_extra=False,
        memory_check="warn",
        memory_tolerance_percent=75,
    )
    return {one["name"]: f"{one['status']} {one['message']}" for one in found}


def test_its_proof_reads_as_a_comparison() -> None:
    functions = {"libraries": {"loaded": ["lib"], "replaced": ["old"]}}
    found = live_comparison(drained(), functions, databases=[], database_map={"0": 7})
    assert {here: one["target_database"] for here, one in found["databases"].items()} == {"0": 7, "3": 3}
    assert found["totals"] == {"source_keys": 12, "target_keys": 12, "missing": 0, "extra": 0, "different": 0}
    said = findings(found)
    assert all(one.startswith("ok ") for one in said.values())
    assert "9 compared while applications wrote and unchanged since, 3 compared after" in said["keys"]
    assert "names, types, expiry times and values" in said["keys"]


def test_what_the_feed_does_not_tell_is_compared() -> None:
    found = live_comparison(drained(), {}, databases=[0], database_map={"0": 7})
    assert list(found["databases"]) == ["0"]
    assert findings(found)["functions"].startswith("fail Functions missing at the target: lib")
    found["servers"]["target"]["databases"]["7"]["keys"] = 11
    assert findings(found)["keyspace"].startswith("fail The servers' own counters")


def test_databases_that_are_joined_are_counted_once_at_the_target() -> None:
    found = live_comparison(drained(), {}, databases=[], database_map={"0": 7, "3": 7})
    at_target = found["servers"]["target"]["databases"]["7"]["keys"]
    assert found["totals"]["target_keys"] == at_target
    assert {one["target_keys"] for one in found["databases"].values()} == {at_target}


def test_its_line_says_what_made_it_compare_anew() -> None:
    assert "anew" not in live_summary(drained())
    said = live_summary(drained(feeds=3, overflows=1))
    assert "Everything was compared anew: 3 connections for changes were opened, 1 times there were too many" in said


def test_its_line_names_functions_that_went_and_that_stayed() -> None:
    assert live_summary(drained()).endswith(" Functions left behind: lib, old.")
    said = live_summary(drained(), {"libraries": {"loaded": ["lib"], "replaced": ["old"]}})
    assert said.endswith(" Functions moved: lib, old.")


def test_a_run_that_came_to_no_drain_has_nothing_to_say() -> None:
    assert live_of({}) is live_of({"__redis_migration_drained": {"failed": True, "msg": "killed"}}) is None
    found = live_of({"__redis_migration_drained": drained()})
    assert found is not None and found["verified"] == {"unchanged_since": 9, "in_drain": 3}


def test_it_says_if_nobody_was_kept_away_from_the_source() -> None:
    run = {"__redis_migration_drained": drained()}
    for more, kept_away in (
        ({}, False),
        ({"__redis_migration_pause": {"skipped": True}, "__redis_migration_isolate_result": {"skipped": True}}, False),
        ({"__redis_migration_pause": {"paused": True}}, True),
        ({"__redis_migration_isolate_result": {"isolated": True}}, True),
        ({"__redis_migration_data_from": {}}, True),
    ):
        found = live_of({**run, **more})
        assert found is not None and found["kept_away"] is kept_away
        assert ("Nobody was kept away from the source" in found["summary"]) is not kept_away


def test_a_rollback_names_both_ends_as_the_migration_does() -> None:
    reason = "the target does not read what the source's DUMP writes"
    run = {"__redis_migration_drained": drained(strategy_reason=reason), "__redis_migration_data_from": {}}
    found = live_of(run)
    assert found is not None
    assert found["summary"].startswith("Brought back from the target to the source in a rollback. Moved ")
    assert "the source does not read what the target's DUMP writes" in found["summary"]


def test_the_lag_is_drawn_by_its_highest_points() -> None:
    assert lag_plots([]) == []
    waiting, age = lag_plots([[0.0, 0, 0.0], [5.0, 40, 0.5], [5.001, 10, 0.4], [10.0, 0, 0.0]])
    assert waiting["line"] == "0,120.0 300,0.0 600,120.0"
    assert (waiting["most"], age["most"], age["seconds"]) == (40, 0.5, 10.0)
    assert (waiting["shown"], age["shown"]) == ("40", "500 ms")
    assert lag_plots([[0.0, 0, 0.0], [5.0, 0, 0.0]]) == [], "nothing ever waited"
