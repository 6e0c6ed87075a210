# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run for CI servers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import build_report
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.junit import render_junit

from .test_data import migrated, verified
from .test_plan import checked, finding


def suites(**hosts: dict[str, Any]) -> ET.Element:
    """Of results that came one after the other, a quarter of a second each."""
    for variables in hosts.values():
        modules = ("__redis_migration_preflight", "__redis_migration_migrate", "__redis_migration_comparison")
        for number, name in enumerate(name for name in modules if name in variables):
            variables[name]["times"] = [[10.0 + number, 10.25 + number]]
        variables["__redis_migration_variables"] = {"began": 10.0}
    return ET.fromstring(render_junit(build_report(hosts, check_mode=False, finished=60.0)))


def test_a_case_for_each_migration_and_phase() -> None:
    root = suites(orders=checked() | migrated() | verified(), idle={})
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("4", "0", "1")
    assert [case.get("name") for case in root.iter("testcase")] == [
        "orders: preflight (check both ends before anything changes)",
        "orders: migrate (move the keys)",
        "orders: verify (prove both ends equal)",
        "idle: run",
    ]
    assert [case.get("time") for case in root.iter("testcase")] == ["0.250", "0.250", "0.250", "0.000"]
    (skipped,) = root.iter("skipped")
    assert skipped.get("message", "").startswith("Nothing was asked for")


def test_a_failure_has_its_message_and_what_to_do() -> None:
    root = suites(orders=checked(finding("warn"), finding("fail", "modules", "It lacks one.")))
    (failure,) = root.iter("failure")
    assert failure.get("message") == "It lacks one. Do it."
    assert failure.get("type") == "preflight"
    assert "fail modules: It lacks one. Next step: Do it." in str(failure.text)
    assert "warn" not in str(failure.text)


def test_keys_that_failed_are_named_with_their_hints() -> None:
    failures = [
        {"database": 0, "key": f"k{n}", "type": "string", "reason": "refused", "hint": "Ask"} for n in range(60)
    ]
    root = suites(orders=migrated(failed=True, msg="60 keys failed.", failures=failures))
    (failure,) = root.iter("failure")
    assert "database 0, k0: refused. Ask" in str(failure.text)
    assert "10 more are in report.json." in str(failure.text)


def test_warnings_are_told_with_the_phase_that_passed() -> None:
    root = suites(orders=checked(finding("warn")))
    assert [told.text for told in root.iter("system-out")] == ["warn settings: Look. Next step: Do it."]


def test_a_failure_before_any_result_has_a_case() -> None:
    failure = {"tags": ["cutover"], "message": "It is down."}
    root = suites(orders=migrated() | {"__redis_migration_failure": failure})
    assert [(case.get("name"), len(case)) for case in root.iter("testcase")] == [
        ("orders: migrate (move the keys)", 0),
        ("orders: cutover (bring applications to the target)", 1),
    ]


def test_any_text_is_good_xml() -> None:
    root = suites(**{"<&\"'\x00\ud800": {"__redis_migration_migrate": {"failed": True, "msg": "\x1b[0m ]]> \ufffe"}}})
    (failure,) = root.iter("failure")
    assert failure.get("message") == r"\x1b[0m ]]> \ufffe"
