# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which apps are stopped, unbound and started."""

from __future__ import annotations

from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.apps import (
    apps_left_on_target,
    apps_moved_there,
    apps_not_bound,
    apps_that_ran,
)


def result(existing: str, running: str = "", stopped: str = "", *, on_target: str = "") -> dict[str, Any]:
    """A result with a record; an app is a letter."""
    record = [
        {"app_guid": app, "app_state": state, "bound_to_target": app in on_target}
        for apps, state in ((running, "STARTED"), (stopped, "STOPPED"))
        for app in apps
    ]
    return {"app_guids": list(existing), "record": record}


def bindings(apps: str) -> list[dict[str, Any]]:
    return [{"app": {"guid": app}} for app in apps]


def test_apps_that_ran_are_started_once() -> None:
    assert apps_that_ran(result("abc", "baa", "c")) == ["b", "a"]


def test_an_app_that_was_deleted_since_is_not_started() -> None:
    assert apps_that_ran(result("b", "ab")) == ["b"]


def test_apps_without_a_binding() -> None:
    assert apps_not_bound(result("abc"), bindings("bx")) == ["a", "c"]
    assert apps_not_bound(result("ab"), []) == ["a", "b"]


def test_apps_that_were_bound_to_the_target_before_stay() -> None:
    assert apps_moved_there(result("abc", "abc", on_target="b"), bindings("abx")) == ["a"]


def test_apps_that_a_rollback_leaves_on_the_target() -> None:
    bound = [{"app": {"guid": app, "name": app.upper()}} for app in "aabc"]

    def said(**guids: str) -> list[str]:
        given: dict[str, Any] = {"waiting": "", "both": "", "again": "", **guids}
        return apps_left_on_target(bound, bound, source="old", target="new", **given)

    assert said() == []
    assert said(waiting="x", both="y") == []
    assert said(waiting="ab") == [
        "The binding of A, B to old is still being created, so what runs on new was left there."
    ]
    assert said(both="a", again="c") == [
        "Bound to old again, but to new too, and may see both: A.",
        "On new as before: C.",
    ]
