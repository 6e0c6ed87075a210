# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report from what the roles registered."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import (
    build_report,
    failure_sentence,
    report_lines,
)

SOURCE = {"url": "rediss://user:s3cret@old.example.org:6380"}
TOTALS = {
    "scanned": 10,
    "copied": 7,
    "updated": 1,
    "unchanged": 2,
    "skipped": 0,
    "vanished": 0,
    "pruned": 0,
    "failed": 0,
}


def migrated(**changed: Any) -> dict[str, Any]:
    result = {
        "changed": True,
        "strategy": "copy",
        "strategy_reason": "as told",
        "databases": {},
        "totals": {**TOTALS, "rebuilt": 0, "bytes": 900},
        "failures": [],
        "elapsed_seconds": 2.0,
        "keys_per_second": 5,
        "bytes_per_second": 450,
        "reconnects": 0,
        "drift": False,
        "source_writes": 0,
    }
    return {"__redis_migration_migrate": result | changed}


def verified(status: str = "ok", step: str = "") -> dict[str, Any]:
    finding = {"name": "keys", "status": status, "message": "10 keys were compared.", "next_step": step}
    comparison = {
        "identical": status == "ok",
        "databases": {},
        "totals": {"source_keys": 10, "target_keys": 10, "missing": 0, "extra": 0, "different": 0},
        "differences": [],
        "functions": {},
        "elapsed_seconds": 1.0,
        "keys_per_second": 10,
    }
    return {"__redis_migration_comparison": comparison, "__redis_migration_verification": [finding]}


def report(variables: dict[str, Any], *, check_mode: bool = False) -> dict[str, Any]:
    began = {"__redis_migration_variables": {"began": 1000.0}, "__redis_migration_source": SOURCE}
    return build_report({"orders": began | variables}, check_mode=check_mode, finished=1060.5)


CASES: dict[str, tuple[dict[str, Any], bool, str, str]] = {
    "nothing": ({}, False, "not_run", "orders: nothing was to be done."),
    "migrated": (migrated(), False, "done", "orders: Moved 8 keys (900 B)"),
    "followed": (
        {"__redis_migration_caught_up": {"keys_all": 9, "lag_keys": 1, "lag_seconds": 0.1, "changes_per_second": 2.0}},
        False,
        "done",
        "orders: followed, 9 keys compared while applications wrote, 0.1 s behind. Nobody was stopped.",
    ),
    "planned": (migrated(), True, "planned", "orders: "),
    "proved": (migrated() | verified(), False, "proved", "orders: PROVED equal, 10 keys (values)."),
    "different": (
        migrated() | verified("fail", "Look."),
        False,
        "failed",
        "orders: FAILED in verify: 10 keys were compared. Look.",
    ),
    "failed before the first key": (
        migrated(failed=True, msg="orders: no route", totals={**TOTALS, "scanned": 0}),
        False,
        "failed",
        "orders: FAILED in migrate: no route",
    ),
    "a backup": (
        {"__redis_migration_backup": {"dest": "dump.rdb", "size": 2048, "totals": {"keys": 9}}},
        False,
        "done",
        "orders: Saved 9 keys to dump.rdb (2.0 KiB).",
    ),
    "a backup in check mode": (
        {"__redis_migration_backup": {"dest": "dump.rdb", "size": 0, "totals": {"keys": 9}}},
        True,
        "planned",
        "orders: Would save 9 keys to dump.rdb.",
    ),
    "a backup that is there": (
        {"__redis_migration_backup": {"dest": "dump.rdb", "size": 2048, "checksum": "00"}},
        False,
        "not_run",
        "orders: dump.rdb (2.0 KiB) is there already, and is kept.",
    ),
    "a restore": (
        {"__redis_migration_restore": {"totals": {"restored": 9, "skipped": 1}, "databases": {}}},
        False,
        "done",
        "orders: Restored 9 keys; 1 there already.",
    ),
    "a backup that was left out": (
        {"__redis_migration_backup": {"totals": {"keys": 9}, "skipped": True}},
        False,
        "not_run",
        "orders: nothing was to be done.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_became_of_a_migration(case: str) -> None:
    variables, check_mode, status, line = CASES[case]
    found = report(variables, check_mode=check_mode)
    assert found["migrations"][0]["status"] == status
    assert {name: count for name, count in found["summary"].items() if name == status} == {status: 1}
    assert report_lines(found)[0].startswith(line)


def test_a_migration_that_failed_says_nothing_of_a_file_that_may_not_be_there() -> None:
    failed = {"__redis_migration_backup": {"failed": True, "msg": "no room", "dest": "dump.rdb", "size": 0}}
    assert report_lines(report(failed)) == ["orders: FAILED in backup: no room"]


def test_each_sentence_is_a_line_for_a_terminal() -> None:
    recorded = [{"app_name": "shop", "app_guid": "1"}]
    variables = migrated() | verified() | {"__redis_migration_unbound": {"record": recorded}}
    found = report(variables)
    *sentences, command = report_lines(found)
    assert [line.split(" ")[:3] for line in sentences] == [
        ["orders:", "PROVED", "equal,"],
        ["", "", "Moved"],
        ["", "", "1"],
        ["", "", "To"],
        ["", "", "To"],
    ]
    assert command.startswith("  ansible-playbook ") and command.endswith(" --limit orders")


def test_a_run_that_failed_before_its_first_key_has_moved_nothing() -> None:
    found = report(migrated(failed=True, msg="no", totals={**TOTALS, "scanned": 0}))
    assert found["migrations"][0]["migrate"] is None
    assert (found["summary"]["keys_moved"], found["summary"]["bytes_moved"]) == (0, 0)


def test_a_run_that_failed_on_its_way_has_moved_what_it_says() -> None:
    found = report(migrated(failed=True, msg="no", totals={**TOTALS, "rebuilt": 0, "bytes": 900}))
    assert (found["summary"]["failed"], found["summary"]["keys_moved"], found["summary"]["bytes_moved"]) == (1, 8, 900)


def test_numbers_are_of_all_migrations() -> None:
    hosts = {"a": migrated() | verified(), "b": migrated(), "c": {}}
    found = build_report(hosts, check_mode=False, finished=1000.0)
    counts = ("migrations", "proved", "done", "not_run", "failed", "keys_moved", "bytes_moved", "keys_proved")
    assert [found["summary"][name] for name in counts] == [3, 1, 1, 1, 0, 16, 1800, 10]


@pytest.mark.parametrize(
    ("shards", "in_part"),
    [
        (["1/2", "2/2"], 0),
        (["1/2"], 1),
        (["1/2", "1/2"], 2),
        (["1/2", "3/4", "4/4"], 0),
        (["1/2", "2/3"], 2),
        ([""], 0),
    ],
)
def test_shards_prove_all_only_together(shards: list[str], in_part: int) -> None:
    hosts = {
        f"orders_{number}": {**verified(), "redis_migration_source_shard": shard} for number, shard in enumerate(shards)
    }
    found = build_report(hosts, check_mode=False, finished=1000.0)
    assert (found["summary"]["proved"], found["summary"]["proved_in_part"]) == (len(shards), in_part)
    share = f" of shard {shards[0]}" if shards[0] else ""
    assert report_lines(found)[0] == f"orders_0: PROVED equal, 10 keys{share} (values)."


def test_no_migrations() -> None:
    found = build_report({}, check_mode=False, finished=0.0)
    assert (found["summary"]["migrations"], found["migrations"], report_lines(found)) == (0, [], [])
    assert (found["started"], found["elapsed_seconds"]) == ("1970-01-01T00:00:00+00:00", 0.0)


def test_when_it_ran_and_against_what_without_a_secret() -> None:
    found = report(migrated())
    assert found["elapsed_seconds"] == 60.5
    assert found["started"] == "1970-01-01T00:16:40+00:00"
    assert found["migrations"][0]["source"] == {"address": "old.example.org:6380", "tls": True, "product": ""}
    assert found["migrations"][0]["target"]["address"] == ""
    assert "s3cret" not in str(found)


FAILED = {"failed": True, "msg": "orders: It is down."}
FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "a module": ({"__redis_migration_backup": FAILED}, "backup"),
    "one item of a loop": ({"__redis_migration_unbound": {"results": [{}, FAILED]}}, "isolate"),
    "a worker out of reach": ({"__redis_migration_migrate": {"unreachable": True, "msg": "It is down."}}, "migrate"),
    "a play": ({"__redis_migration_failure": {"tags": ["always", "cutover"], "message": "It is down."}}, "cutover"),
    "a rollback, with tasks of a cutover": (
        {"__redis_migration_failure": {"tags": ["cutover", "rollback"], "message": "It is down."}},
        "rollback",
    ),
    "before any phase": ({"__redis_migration_failure": {"tags": ["always"], "message": "It is down."}}, "credentials"),
    "the first of two": (
        {"__redis_migration_preflight": FAILED, "__redis_migration_restore": {"failed": True}},
        "preflight",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_which_phase_failed_first_and_why(case: str) -> None:
    variables, phase = FAILURES[case]
    assert report(variables)["migrations"][0]["failure"] == {"phase": phase, "message": "It is down."}
    assert failure_sentence("orders", {"orders": variables}).startswith(f"FAILED in {phase}. ")


def test_failed_migrations_come_last() -> None:
    found = build_report({"a": {"__redis_migration_migrate": FAILED}, "b": {}}, check_mode=False, finished=0.0)
    assert [line[:1] for line in report_lines(found)] == ["b", "a"]
