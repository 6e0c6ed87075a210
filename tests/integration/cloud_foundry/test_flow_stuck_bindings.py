# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One binding that is stuck, or whose broker fails: every other app runs, on the end where it belongs."""

from __future__ import annotations

import pytest

from tests.conftest import soak
from tests.support.cf_scene import Scene, scene
from tests.support.cf_sim import App
from tests.support.cf_sim.model import Operation

__all__ = ["scene"]

TIMEOUT = 3


@pytest.fixture
def apps(scene: Scene) -> list[App]:
    scene.variables = {"redis_migration_cf_timeout": TIMEOUT, "redis_migration_allow_empty": True}
    return scene.apps(3, writer=False)


def usable(scene: Scene, instance: str) -> list[str]:
    found = [one for one in scene.sim.state.bindings.values() if one.app and one.instance.name == instance]
    return sorted(one.app.name for one in found if one.app and one.usable)


@pytest.mark.parametrize("end", ["source", soak("target")])
def test_a_stuck_binding_is_found_before_the_first_app_is_stopped(scene: Scene, apps: list[App], end: str) -> None:
    stuck = scene.sim.state.bindings_of(apps[1])[0] if end == "source" else scene.sim.bind(apps[1], scene.new)
    stuck.operation = Operation("create", "in progress")
    run = scene.run(redis_migration_cutover=True)
    assert run.returncode != 0
    assert "app-1" in run.output
    assert "still being" in run.output
    assert not [entry for entry in scene.writes() if "actions" in entry or entry.startswith("DELETE")]
    assert [app.state for app in apps] == ["STARTED"] * 3
    assert not scene.old.annotations


@pytest.mark.soak
@pytest.mark.parametrize("state", ["in progress", "failed"])
def test_one_that_cannot_leave_brings_the_others_back(scene: Scene, apps: list[App], state: str) -> None:
    scene.sim.faults.hold_binding("delete", app="app-1", instance="orders-old", state=state)
    run = scene.run()
    assert run.returncode != 0
    # At its place, where Ansible prints a failure twice, and in the last lines.
    assert run.output.count("2 of 3 apps were unbound") == 3, run.output
    assert 'unbind the app "app-1"' in run.output or "unbinding the app" in run.output
    assert {"app-0", "app-2"} <= set(usable(scene, "orders-old"))
    assert [app.state for app in apps] == ["STARTED"] * 3
    starts = [entry for entry in scene.writes() if entry.endswith("actions/start")]
    assert len(starts) == 2, starts

    scene.sim.faults.clear()
    for binding in scene.sim.state.bindings_of(apps[1]):
        binding.operation.move("failed", "at last")
    assert scene.run("rollback").ok
    assert usable(scene, "orders-old") == ["app-0", "app-1", "app-2"]
    assert not scene.old.annotations


def test_one_that_cannot_go_over_or_back_holds_nobody_else(scene: Scene, apps: list[App]) -> None:
    faults = scene.sim.faults
    faults.hold_binding("create", app="app-1", instance="orders-new")
    moved = scene.run(redis_migration_cutover=True)
    assert moved.returncode != 0
    assert 'the app "app-1"' in moved.output
    assert usable(scene, "orders-new") == ["app-0", "app-2"]
    assert [app.state for app in apps] == ["STARTED", "STOPPED", "STARTED"]

    # Its binding to the target is stuck, and another app cannot be bound to the source: that one goes on as it did.
    faults.hold_binding("create", app="app-2", instance="orders-old", state="failed")
    back = scene.run("rollback")
    assert back.returncode != 0
    assert 'the app "app-1"' in back.output
    assert 'the app "app-2"' in back.output
    assert usable(scene, "orders-old") == ["app-0", "app-1"]
    assert usable(scene, "orders-new") == ["app-2"]
    assert "On orders-new as before: app-2." in back.output
    assert [app.state for app in apps] == ["STARTED"] * 3
    assert scene.recorded() == ["app-0", "app-1", "app-2"]

    faults.clear()
    for binding in scene.sim.state.bindings_of(apps[1]):
        if binding.instance is scene.new:
            binding.operation.move("failed", "at last")
    assert scene.run("rollback").ok
    assert scene.bound() == (["app-0", "app-1", "app-2"], [])
    assert [app.state for app in apps] == ["STARTED"] * 3
    assert not scene.old.annotations


@pytest.mark.soak
def test_one_that_cannot_be_stopped_brings_the_others_back(scene: Scene, apps: list[App]) -> None:
    scene.sim.faults.http_error(500, times=-1, method="POST", path=f"/v3/apps/{apps[1].guid}/actions/stop")
    run = scene.run()
    assert run.returncode != 0
    assert 'stop the app "app-1"' in run.output
    assert usable(scene, "orders-old") == ["app-0", "app-1", "app-2"]
    assert [app.state for app in apps] == ["STARTED"] * 3


@pytest.mark.soak
@pytest.mark.parametrize("state", ["in progress", "failed"])
def test_one_that_the_target_keeps_is_taken_off_by_the_next_rollback(scene: Scene, apps: list[App], state: str) -> None:
    assert scene.run(redis_migration_cutover=True).ok
    scene.sim.faults.hold_binding("delete", app="app-1", instance="orders-new", state=state)
    back = scene.run("rollback")
    assert back.returncode != 0
    assert "Bound to orders-old again, but to orders-new too, and may see both: app-1." in back.output
    assert usable(scene, "orders-old") == ["app-0", "app-1", "app-2"]
    assert [app.state for app in apps] == ["STARTED"] * 3

    scene.sim.faults.clear()
    kept = next(one for one in scene.sim.state.bindings_of(apps[1]) if one.instance is scene.new)
    kept.operation.move("failed", "at last")
    seen = len(scene.writes())
    assert scene.run("rollback").ok
    assert scene.bound() == (["app-0", "app-1", "app-2"], [])
    assert not scene.old.annotations
    # It had been started with both.
    assert f"POST /v3/apps/{apps[1].guid}/actions/restart" in scene.writes()[seen:]
    assert [app.state for app in apps] == ["STARTED"] * 3


def test_one_whose_binding_to_the_source_is_stuck_runs_on_with_the_target(scene: Scene, apps: list[App]) -> None:
    assert scene.run(redis_migration_cutover=True).ok
    stuck = scene.sim.bind(apps[1], scene.old)
    stuck.operation = Operation("create", "in progress")
    seen = len(scene.writes())
    back = scene.run("rollback")
    assert back.returncode != 0
    assert "The binding of app-1 to orders-old is still being created" in back.output
    assert not [entry for entry in scene.writes()[seen:] if apps[1].guid in entry]
    assert usable(scene, "orders-new") == ["app-1"]
    assert usable(scene, "orders-old") == ["app-0", "app-2"]
    assert [app.state for app in apps] == ["STARTED"] * 3

    stuck.operation.move("succeeded", "")
    assert scene.run("rollback").ok
    assert scene.bound() == (["app-0", "app-1", "app-2"], [])
    assert [app.state for app in apps] == ["STARTED"] * 3
    assert not scene.old.annotations
