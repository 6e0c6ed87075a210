# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the apps are at the end of a run, wherever it ended."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.apps import apps_of


def looked(bound: str = "", recorded: str = "", *, operation: str = "create") -> dict[str, Any]:
    """What cf_service_binding_info says; an app is a letter."""
    return {
        "bindings": [{"app": {"guid": name, "name": name}, "operation": operation} for name in bound],
        "record": [{"app_guid": name, "app_name": name} for name in recorded],
    }


BOUND, UNBOUND = "__redis_migration_bound", "__redis_migration_unbound"
BACK, ON_TARGET = "__redis_migration_back", "__redis_migration_bound_to_target"
MOVED, CUTOVER = "__redis_migration_moved", "__redis_migration_cutover_bound"
THERE = "__redis_migration_cutover_there"
FAILED = {"msg": "no"}

# The variables of a host, then who is between source and target, who is on the target, and who was put back.
CASES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "failed before isolation": ({BOUND: looked("ab")}, "", "", ""),
    "failed before isolation, which an earlier run began": ({BOUND: looked("ab", "abc")}, "c", "", ""),
    "isolated": ({BOUND: looked("ab"), UNBOUND: looked("", "ab")}, "ab", "", ""),
    "isolation failed, nobody left": ({BOUND: looked("ab"), UNBOUND: FAILED, BACK: looked("ab", "ab")}, "", "", "ab"),
    "isolation failed, one left": ({BOUND: looked("ab"), UNBOUND: FAILED, BACK: looked("b", "ab")}, "a", "", "b"),
    "unbinding failed": ({BOUND: looked("a"), UNBOUND: FAILED, BACK: looked("a", "a", operation="delete")}, "a", "", ""),
    "isolation failed, and nobody can look": ({BOUND: looked("ab"), UNBOUND: FAILED, BACK: FAILED}, "ab", "", ""),
    "an earlier cutover": ({MOVED: True, BOUND: looked("", "ab"), ON_TARGET: looked("abx")}, "", "ab", ""),
    "an earlier cutover, and nobody can look": ({MOVED: True, BOUND: looked("", "ab"), ON_TARGET: FAILED}, "ab", "", ""),
    "an earlier cutover to nobody knows where": ({MOVED: True, BOUND: looked("", "ab")}, "ab", "", ""),
    "an interrupted cutover": ({MOVED: True, BOUND: looked("", "ab"), ON_TARGET: looked("a")}, "b", "a", ""),
    "cutover": ({BOUND: looked("ab"), UNBOUND: looked("", "ab"), CUTOVER: looked("", "ab")}, "", "ab", ""),
    "a cutover that one app missed": (
        {BOUND: looked("ab"), UNBOUND: looked("", "ab"), CUTOVER: FAILED, THERE: looked("a")}, "b", "a", "",
    ),
    "a rollback": ({BOUND: looked("", "ab"), BACK: looked("ab", "ab")}, "", "", "ab"),
    "a rollback that one app missed": ({BOUND: looked("", "ab"), BACK: looked("b", "ab")}, "a", "", "b"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_apps_are_where_they_are_said_to_be(case: str) -> None:
    variables, between, on_target, on_source = CASES[case]
    assert apps_of(variables) == {"on_source": list(on_source), "on_target": list(on_target), "between": list(between)}
