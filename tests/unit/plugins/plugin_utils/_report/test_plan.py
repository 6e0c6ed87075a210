# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run in check mode would do, as data and as a comment on a merge request."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import build_report
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.plan import build_plan
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.plan_page import plan_markdown

from .test_data import migrated, verified

Variables = dict[str, Any]


def finding(status: str, name: str = "settings", message: str = "Look.") -> dict[str, str]:
    return {"name": name, "status": status, "message": message, "next_step": "Do it."}


def checked(*findings: dict[str, str], settings: int = 0) -> Variables:
    differences = [{"setting": f"s{number}", "source": "1", "target": "", "meaning": ""} for number in range(settings)]
    plan = {
        "keys": 1234,
        "expires": 5,
        "bytes": 4096,
        "strategy": "copy",
        "strategy_reason": "as told",
        "settings": {"differences": differences},
        **{end: {"product": "Redis 8.2.3", "used_memory": 1} for end in ("source", "target")},
    }
    return {
        "__redis_migration_preflight": {
            "passed": not any(found["status"] == "fail" for found in findings),
            "summary": "2 checks.",
            "findings": [finding("ok"), *findings],
            "left_out": [],
            "plan": plan,
        }
    }


def plan(**hosts: Variables) -> dict[str, Any]:
    return build_plan(build_report(hosts, check_mode=True, finished=60.0), hosts)


def test_numbers_and_findings() -> None:
    hosts = {"orders": checked(finding("warn")) | migrated(), "bad": checked(finding("fail"), finding("warn"))}
    found = plan(**hosts)
    assert (found["schema"], found["version"]) == ("dataservices.redis_migration/plan", 1)
    assert found["summary"] == {
        "migrations": 2,
        "failed": 1,
        "changing": 1,
        "keys": 8,
        "bytes": 900,
        "deleted": 0,
    }
    orders, bad = found["migrations"]
    assert (orders["keys"], orders["memory_bytes"], orders["strategy"]) == (1234, 4096, "copy")
    assert orders["checks"] == {"ok": 1, "warn": 1, "fail": 0}
    assert [one["status"] for one in bad["findings"]] == ["fail", "warn"]
    assert (bad["totals"], bad["changes"], bad["failure"]["phase"]) == (None, [], "preflight")


RECORD = [{"app_name": "shop", "app_guid": "1"}, {"app_name": "cart", "app_guid": "2"}]
CLOUD = {
    "__redis_migration_moved": False,
    "__redis_migration_bound": {"record": RECORD, "bindings": []},
    "redis_migration_target": {"service_instance": "new"},
    "redis_migration_cutover": "yes",
}
CHANGES: dict[str, tuple[Variables, list[str]]] = {
    "nothing": (migrated(changed=False), []),
    "keys": (migrated(), ["Would move 8 keys (900 B)"]),
    "functions only": (
        migrated(changed=False) | {"__redis_migration_functions": {"libraries": {"loaded": ["lib"]}}},
        ["Nothing to do: 2 keys"],
    ),
    "a backup": (
        {"__redis_migration_backup": {"dest": "a.rdb", "size": 0, "totals": {"keys": 3}}},
        ["Would save 3 keys to a.rdb."],
    ),
    "a restore": (
        {"__redis_migration_restore": {"totals": {"restored": 3}, "databases": {}}},
        ["Would restore 3 keys."],
    ),
    "a target and its key": (
        {
            "__redis_migration_created": {"changed": True},
            "__redis_migration_key": {"results": [{"changed": True, "item": {"service_instance": "old"}}, {}]},
            "redis_migration_target": {"service_instance": "new"},
        },
        ["Would create the service instance new.", "Would create service keys of old."],
    ),
    "waiting and holding back": (
        {
            "__redis_migration_waited": {"waits": "until noon"},
            "__redis_migration_pause": {"paused": False},
            "__redis_migration_isolate_result": {"clients": [{}, {}]},
        },
        ["Would wait until noon", "Would hold back all writes", "Would wait until 2 clients have gone"],
    ),
    "a pause that was left out": ({"__redis_migration_pause": {"skipped": True}}, []),
    "a cutover": (
        migrated() | CLOUD | {"redis_migration_cutover_tasks": "dns.yml"},
        ["2 apps (cart, shop) are to be unbound", "Would move", "Would run the tasks in dns.yml.", "Would bind to new"],
    ),
    "a cutover that was left out": (
        migrated() | CLOUD | {"ansible_skip_tags": ["cutover"]},
        ["2 apps (cart, shop) are to be unbound", "Would move"],
    ),
    "phases without a cutover": (
        migrated() | CLOUD | {"ansible_run_tags": ["migrate"]},
        ["2 apps (cart, shop) are to be unbound", "Would move"],
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_would_change(case: str) -> None:
    variables, wanted = CHANGES[case]
    (migration,) = plan(orders=variables)["migrations"]
    assert len(migration["changes"]) == len(wanted), migration["changes"]
    for sentence, begin in zip(migration["changes"], wanted):
        assert sentence.startswith(begin)


def test_failures_come_first_and_are_told_once() -> None:
    text = plan_markdown(plan(**{"a-good": checked() | migrated()}, bad=checked(finding("fail", message="No route."))))
    assert text.startswith("## Plan of migrate: 1 of 2 migrations cannot run\n")
    assert "It would move **8 keys** (900 B)." in text
    assert text.index("| bad |") < text.index("| a-good |")
    assert text.count("No route.") == 1
    assert text.endswith("Nothing has been changed: this was a run in check mode.\n")


@pytest.mark.parametrize(
    ("hosts", "title"),
    [
        ({}, "no migrations"),
        ({"a": migrated(changed=False)}, "1 migration, nothing to do"),
        ({"a": migrated(), "b": {}}, "2 migrations, ready to run"),
    ],
)
def test_the_title_says_whether_it_can_run(hosts: dict[str, Variables], title: str) -> None:
    assert plan_markdown(plan(**hosts)).startswith(f"## Plan of migrate: {title}\n")


def test_text_from_elsewhere_is_only_text() -> None:
    hostile = "<img src=x> | [a](http://evil) @everyone\n\n# Approved"
    text = plan_markdown(plan(**{hostile: checked(finding("warn", message=hostile), settings=1) | migrated()}))
    assert "<img" not in text
    assert "http://" not in text
    assert "@everyone" not in text
    assert not any(line.startswith("# ") for line in text.splitlines())
    (row,) = [line for line in text.splitlines() if line.startswith("| &lt;img")]
    assert row.replace("\\|", "").count("|") == 7


def test_a_plan_of_many_fits_a_comment_and_says_what_it_leaves_out() -> None:
    loud = [finding("warn", message="x" * 5_000) for _number in range(3)]
    hosts = {f"m{number}": checked(*loud, settings=30) | migrated() for number in range(500)}
    text = plan_markdown(plan(**hosts))
    assert len(text) < 65_000
    assert "more migrations are in `plan.json`." in text
    assert "What would change in " in text


def test_what_is_equal_already_is_nothing_to_do() -> None:
    text = plan_markdown(plan(orders=migrated(changed=False) | verified()))
    assert "| equal already |" in text
    assert "###" not in text
