# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cf_service_binding and cf_app where one binding or app is stuck or fails: it is named, and the others are done."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cf_fixtures import Installation, cf, installation
from tests.support.cf_modules import ModuleFailed, ModuleRunner
from tests.support.cf_sim.model import Operation

__all__ = ["cf", "installation"]


def unbind(cf: ModuleRunner, **options: Any) -> dict[str, Any]:
    return cf("cf_service_binding", service_instance="orders", state="absent", record=True, **options)


def bind(cf: ModuleRunner, **options: Any) -> dict[str, Any]:
    return cf("cf_service_binding", service_instance="orders", record=True, **options)


def bound(there: Installation) -> list[str]:
    return there.sim.bound_apps(there.instance)


@pytest.mark.parametrize("operation", ["create", "delete"])
def test_a_stuck_binding_is_named_before_anything_is_changed(
    installation: Installation, cf: ModuleRunner, operation: str
) -> None:
    apps = installation.apps(3)
    stuck = installation.sim.state.bindings_of(apps[1])[0]
    stuck.operation = Operation(operation, "in progress")
    with pytest.raises(ModuleFailed) as failure:
        unbind(cf, wait_timeout=1)
    assert f'The binding of the app "app-1" to the service instance "orders" is still being {operation}d' in str(
        failure.value
    )
    assert "app-0" not in str(failure.value)
    assert bound(installation) == ["app-0", "app-1", "app-2"]
    assert not installation.instance.annotations
    planned = unbind(cf, check=True)
    assert "would be waited for: app-1" in str(planned["warnings"])

    # Once it has come to an end, whichever, all leave.
    stuck.operation.move("failed", "no luck")
    assert "app-1" in unbind(cf)["apps"]
    assert bound(installation) == []


def test_one_that_ends_meanwhile_is_waited_for(installation: Installation, cf: ModuleRunner) -> None:
    apps = installation.apps(2)
    slow = installation.sim.state.bindings_of(apps[1])[0]
    slow.operation = Operation("create", "in progress")
    installation.sim.faults.on_request(
        lambda: slow.operation.move("succeeded", ""), method="GET", path="^/v3/service_credential_bindings", skip=2
    )
    result = unbind(cf)
    assert result["apps"] == ["app-0", "app-1"]
    assert [entry["app_name"] for entry in result["record"]] == ["app-0", "app-1"]
    assert bound(installation) == []


def test_what_failed_to_be_made_is_cleared_away_and_not_recorded(installation: Installation, cf: ModuleRunner) -> None:
    apps = installation.apps(3)
    for app in apps[1:]:
        installation.sim.state.bindings_of(app)[0].operation = Operation("create", "failed", "no room")
    installation.sim.faults.hold_binding("delete", app="app-2", state="failed")
    result = unbind(cf)
    assert [entry["app_name"] for entry in result["record"]] == ["app-0"]
    assert bound(installation) == ["app-2"]
    assert "app-2" in str(result["warnings"])


@pytest.mark.parametrize("state", ["in progress", "failed"])
def test_one_that_does_not_leave_or_come_back_spoils_no_other(
    installation: Installation, cf: ModuleRunner, state: str
) -> None:
    installation.apps(4)
    faults = installation.sim.faults
    faults.hold_binding("delete", app="app-1", state=state)
    faults.http_error(502, times=2, method="DELETE", path="^/v3/service_credential_bindings")
    with pytest.raises(ModuleFailed, match='"app-1"') as failure:
        unbind(cf, wait_timeout=1)
    assert "(3 of 4 apps were unbound.)" in str(failure.value)
    assert bound(installation) == ["app-1"]

    faults.clear()
    faults.hold_binding("create", app="app-2", state=state)
    faults.http_error(503, method="POST", path="^/v3/service_credential_bindings", after_effect=True)
    faults.reset_connection(path="^/v3/jobs")
    with pytest.raises(ModuleFailed, match='"app-2"') as failure:
        bind(cf, wait_timeout=1)
    assert "app-0" not in str(failure.value)
    usable = {one.app.name for one in installation.sim.state.bindings.values() if one.app and one.usable}
    assert {"app-0", "app-3"} <= usable


def test_the_app_that_fails_spoils_no_other(installation: Installation, cf: ModuleRunner) -> None:
    apps = installation.apps(4)
    installation.sim.faults.http_error(500, times=-1, method="POST", path=f"/v3/apps/{apps[1].guid}/actions/stop")
    names = [app.name for app in apps]
    with pytest.raises(ModuleFailed, match='"app-1"'):
        cf("cf_app", apps=names, state="stopped")
    assert [app.state for app in apps] == ["STOPPED", "STARTED", "STOPPED", "STOPPED"]


def test_an_app_whose_new_droplet_is_refused_goes_on_with_the_old(installation: Installation, cf: ModuleRunner) -> None:
    (app,) = installation.apps(1)
    installation.sim.faults.cf_error("UnprocessableEntity", "no such droplet", method="PATCH", path="current_droplet")
    with pytest.raises(ModuleFailed, match="no such droplet"):
        cf("cf_app", apps=["app-0"], state="restaged")
    assert app.state == "STARTED"


@pytest.mark.parametrize("names", [("cache", "queue"), (None, None)])
def test_an_app_that_is_bound_twice_is_bound_twice_again(
    installation: Installation, cf: ModuleRunner, names: tuple[str | None, str | None]
) -> None:
    installation.sim.state.bindings_per_app = 2
    (app,) = installation.apps(1, bound=False)
    for number, name in enumerate(names):
        installation.sim.bind(app, installation.instance, name=name, parameters={"role": number})
    result = unbind(cf)
    assert [entry["parameters"] for entry in result["record"]] == [{"role": 0}, {"role": 1}]
    assert bound(installation) == []
    # Interrupted after the first, and finished by the next.
    installation.sim.faults.hold_binding("create", state="failed", times=2)
    with pytest.raises(ModuleFailed):
        bind(cf)
    assert bind(cf)["app_guids"] == [app.guid]
    made = [one for one in installation.sim.state.bindings_of(app) if one.usable]
    assert sorted((one.name or "", one.parameters["role"]) for one in made if one.parameters) == [
        (names[0] or "", 0),
        (names[1] or "", 1),
    ]
    assert bind(cf)["changed"] is False
    assert [entry["binding_name"] for entry in unbind(cf)["record"]] == [name or "" for name in names]


def test_where_only_one_binding_is_allowed_any_more_the_app_keeps_it(
    installation: Installation, cf: ModuleRunner
) -> None:
    installation.sim.state.bindings_per_app = 2
    (app,) = installation.apps(1, bound=False)
    for name in ("cache", "queue"):
        installation.sim.bind(app, installation.instance, name=name)
    unbind(cf)
    installation.sim.state.bindings_per_app = 1
    with pytest.raises(ModuleFailed, match="It was bound twice"):
        bind(cf)
    assert bound(installation) == ["app-0"]


def test_waiting_for_operations_to_end(installation: Installation, cf: ModuleRunner) -> None:
    apps = installation.apps(2)
    slow, stuck = (installation.sim.state.bindings_of(app)[0] for app in apps)
    slow.operation = Operation("create", "in progress")
    stuck.operation = Operation("delete", "in progress")
    installation.sim.faults.on_request(
        lambda: slow.operation.move("succeeded", ""), method="GET", path="^/v3/service_credential_bindings", skip=2
    )
    result = cf("cf_service_binding_info", service_instance="orders", wait=True, wait_timeout=1)
    assert [binding["state"] for binding in result["bindings"]] == ["succeeded", "in progress"]
