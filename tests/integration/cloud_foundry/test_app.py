# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cf_app and the service instance modules against the simulator."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.support.cf_fixtures import Installation, cf, installation
from tests.support.cf_modules import ModuleFailed, ModuleRunner

__all__ = ["cf", "installation"]


def states(result: dict[str, Any]) -> dict[str, list[str]]:
    """The states of all instances by app."""
    return {
        app["name"]: [one["state"] for process in app["processes"] for one in process["instances"]]
        for app in result["apps"]
    }


def actions(there: Installation) -> list[str]:
    return [entry.path.rsplit("/", 1)[1] for entry in there.sim.writes() if "/actions/" in entry.path]


def test_stop_and_start(installation: Installation, cf: ModuleRunner) -> None:
    first, second = installation.apps(2)
    assert cf("cf_app", apps=["app-0", "app-1"], state="stopped", check=True)["changed"]
    assert installation.sim.writes() == []
    result = cf("cf_app", apps=["app-0", second.guid], state="stopped", diff=True)
    assert result["diff"]["after"] == {"app-0": "STOPPED", "app-1": "STOPPED"}
    assert [app.state for app in (first, second)] == ["STOPPED"] * 2
    assert not cf("cf_app", apps=["app-0", "app-1"], state="stopped")["changed"]
    assert cf("cf_app", apps=["app-0"], state="started", check=True)["changed"]
    result = cf("cf_app", apps=["app-0"], state="started")
    assert result["changed"]
    assert states(result) == {"app-0": ["RUNNING"]}
    mixed = cf("cf_app", apps=["app-0", "app-1"])
    assert [app["changed"] for app in mixed["apps"]] == [False, True]
    assert not cf("cf_app", apps=["app-0", "app-1"])["changed"]


@pytest.mark.parametrize("state", ["restarted", "restaged", "rolling"])
def test_again_and_again(installation: Installation, cf: ModuleRunner, state: str) -> None:
    app = installation.sim.add_app(installation.space, "web", instances=3, start_delay=0.3)
    old_droplet = app.droplet
    for check in (True, False, False):
        result = cf("cf_app", apps=["web"], state=state, check=check)
        assert result["changed"]
    assert states(result) == {"web": ["RUNNING"] * 3}
    assert (app.droplet is not old_droplet) == (state == "restaged")
    app.state = "STOPPED"
    assert states(cf("cf_app", apps=["web"], state=state)) == {"web": ["RUNNING"] * 3}


def test_an_app_that_crashes_tells_its_state(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(1)
    installation.sim.add_app(installation.space, "bad", instances=2, started=False, crash_on_start=100)
    with pytest.raises(ModuleFailed) as caught:
        cf("cf_app", apps=["bad", "app-0"], state="restarted", wait_timeout=20)
    text = str(caught.value)
    assert 'The app "bad" does not come up' in text or 'The app "bad" does not run' in text
    assert "web 0 " in text
    assert "CRASHED" in text
    assert "cf logs bad --recent" in text
    assert "(1 of 2 apps are restarted.)" in text


def test_an_app_that_takes_too_long(installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.add_app(installation.space, "slow", start_delay=60, started=False)
    with pytest.raises(ModuleFailed, match=r'"slow" does not run after 1 seconds: web 0 (STARTING|DOWN)'):
        cf("cf_app", apps=["slow"], wait_timeout=1)
    assert cf("cf_app", apps=["slow"], state="restarted", wait=False)["changed"]


def test_staging_that_fails_leaves_the_app_running(installation: Installation, cf: ModuleRunner) -> None:
    (app,) = installation.apps(1)
    installation.sim.state.packages.clear()
    with pytest.raises(ModuleFailed, match=r'Could not restage the app "app-0"\. It has no package'):
        cf("cf_app", apps=["app-0"], state="restaged")
    assert app.state == "STARTED"


@pytest.mark.parametrize("after_effect", [False, True], ids=["lost on the way", "answer lost"])
@pytest.mark.parametrize(("state", "path"), [("restaged", "/v3/builds"), ("rolling", "/v3/deployments")])
def test_an_unclear_answer_starts_nothing_twice(
    installation: Installation, cf: ModuleRunner, state: str, path: str, after_effect: bool
) -> None:
    installation.apps(1)
    installation.sim.state.staging_delay = 1.0
    installation.sim.faults.reset_connection(method="POST", path=f"^{path}$", after_effect=after_effect)
    assert states(cf("cf_app", apps=["app-0"], state=state)) == {"app-0": ["RUNNING"]}
    kept = installation.sim.state.builds if state == "restaged" else installation.sim.state.deployments
    assert len(kept) == 1


def test_passing_failures(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(4)
    faults = installation.sim.faults
    faults.http_error(502, times=2, method="POST", path="/actions/restart")
    faults.rate_limit(2, retry_after=1, path="/stats")
    faults.expire_tokens_after(4)
    assert cf("cf_app", apps=[f"app-{number}" for number in range(4)], state="restarted")["changed"]


def test_two_hundred_apps(installation: Installation, cf: ModuleRunner) -> None:
    names = [app.name for app in installation.apps(200, bound=False)]
    assert len(cf("cf_app", apps=names, state="stopped")["apps"]) == 200
    result = cf("cf_app", apps=names)
    assert all(app["changed"] for app in result["apps"])
    assert not cf("cf_app", apps=names)["changed"]


def test_a_role_that_may_not(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(1)
    installation.sim.add_user("auditor", "pw", {"space_auditor": [installation.space]})
    with pytest.raises(ModuleFailed, match=r'Could not stop the app "app-0"\..*needs the role Space Developer'):
        cf("cf_app", apps=["app-0"], state="stopped", user="auditor", password="pw")


def test_apps_that_are_not_there(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(2)
    with pytest.raises(ModuleFailed) as caught:
        cf("cf_app", apps=["app-0", "ap-1", "zzz"], state="stopped")
    assert 'no app "ap-1"' in str(caught.value)
    assert 'no app "zzz"' in str(caught.value)
    assert actions(installation) == []


def test_everything_about_an_instance(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(2)
    installation.sim.create_key(installation.instance, "k")
    found = cf("cf_service_instance_info", service_instance="orders")
    assert not found["changed"]
    about = found["service_instance"]
    assert about["guid"] == installation.instance.guid
    assert (about["organization"], about["space"]) == ("acme", "prod")
    assert (about["offering"], about["plan"], about["type"]) == ("a9s-redis7", "redis-single-small", "managed")
    assert about["last_operation"]["state"] == "succeeded"
    assert [one["app"]["name"] for one in about["apps"]] == ["app-0", "app-1"]
    assert [one["name"] for one in about["keys"]] == ["k"]
    assert "SENTINEL" not in str(about)
    installation.sim.add_user_provided(installation.space, "mine", {})
    about = cf("cf_service_instance_info", service_instance="mine")["service_instance"]
    assert (about["type"], about["plan"]) == ("user-provided", None)


NEW = {"service_instance": "fresh", "offering": "a9s-redis7", "plan": "redis-single-small"}


def pooled(there: Installation) -> None:
    there.sim.add_plan(pool=[{"host": "127.0.0.1", "port": 6380, "password": "SENTINEL"}])


def test_an_instance_is_created_once(installation: Installation, cf: ModuleRunner) -> None:
    pooled(installation)
    planned = cf("cf_service_instance", **NEW, check=True)
    assert planned["changed"]
    assert planned["service_instance"] == {"name": "fresh", "offering": NEW["offering"], "plan": NEW["plan"]}
    assert installation.sim.writes() == []
    made = cf("cf_service_instance", **NEW, parameters={"size": 1}, tags=["cache"])
    assert made["changed"]
    assert made["service_instance"]["last_operation"]["state"] == "succeeded"
    assert made["service_instance"]["tags"] == ["cache"]
    for check in (False, True):
        again = cf("cf_service_instance", **NEW, check=check)
        assert not again["changed"]
        assert again["service_instance"]["guid"] == made["service_instance"]["guid"]


@pytest.mark.parametrize("after_effect", [False, True], ids=["lost on the way", "answer lost"])
def test_an_unclear_creation(installation: Installation, cf: ModuleRunner, after_effect: bool) -> None:
    pooled(installation)
    installation.sim.faults.http_error(502, method="POST", path="/v3/service_instances", after_effect=after_effect)
    if after_effect:
        assert cf("cf_service_instance", **NEW)["changed"]
    else:
        with pytest.raises(ModuleFailed, match='Could not create the service instance "fresh"'):
            cf("cf_service_instance", **NEW)
        assert cf("cf_service_instance", **NEW)["changed"]
    assert len([one for one in installation.sim.state.instances.values() if one.name == "fresh"]) == 1


def test_a_creation_that_fails(installation: Installation, cf: ModuleRunner) -> None:
    with pytest.raises(ModuleFailed, match="No more capacity in this plan"):
        cf("cf_service_instance", **NEW)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"offering": "a9s-redis"}, 'no service offering "a9s-redis" .*nearest is "a9s-redis7"'),
        ({"plan": "redis-single-smal"}, 'no plan "redis-single-smal" .*nearest is "redis-single-small"'),
    ],
)
def test_names_of_offering_and_plan(cf: ModuleRunner, options: dict[str, str], expected: str) -> None:
    for check in (False, True):
        with pytest.raises(ModuleFailed, match=expected):
            cf("cf_service_instance", **{**NEW, **options}, check=check)


def test_an_instance_that_is_not_ready_is_waited_for(installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.occupy(installation.instance, "create")
    there = {**NEW, "service_instance": "orders"}
    with pytest.raises(ModuleFailed, match='"orders" is not ready after 1 seconds'):
        cf("cf_service_instance", **there, wait_timeout=1)
    timer = threading.Timer(0.7, lambda: installation.sim.release(installation.instance))
    timer.start()
    assert not cf("cf_service_instance", **there)["changed"]
    timer.join()
    installation.sim.occupy(installation.instance, "create")
    installation.sim.release(installation.instance, "failed")
    with pytest.raises(ModuleFailed, match="failed at the broker"):
        cf("cf_service_instance", **there)


def test_another_plan_is_warned_about(installation: Installation, cf: ModuleRunner) -> None:
    pooled(installation)
    result = cf("cf_service_instance", service_instance="orders", offering="a9s-redis7", plan="redis-large")
    assert not result["changed"]
    assert "is left as it is" in str(result["warnings"])
