# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cf_service_binding and its record: apps unbound and bound again, by whom and from wherever."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.cf_fixtures import Installation, cf, installation
from tests.support.cf_modules import ModuleFailed, ModuleRunner
from tests.support.cf_sim import Space
from tests.support.cf_sim.model import Operation

__all__ = ["cf", "installation"]

BINDINGS = "/v3/service_credential_bindings"


def unbind(cf: ModuleRunner, **options: Any) -> dict[str, Any]:
    return cf("cf_service_binding", service_instance="orders", state="absent", **options)


def bind(cf: ModuleRunner, **options: Any) -> dict[str, Any]:
    return cf("cf_service_binding", **{"service_instance": "orders", **options})


def info(cf: ModuleRunner, instance: str = "orders") -> dict[str, Any]:
    return cf("cf_service_binding_info", service_instance=instance)


def bound(there: Installation) -> list[str]:
    return there.sim.bound_apps(there.instance)


def test_all_apps_leave_and_come_back(installation: Installation, cf: ModuleRunner) -> None:
    checkout, stock, mailer = installation.apps(3, bound=False)
    installation.sim.bind(checkout, installation.instance, name="cache", parameters={"role": "writer"})
    installation.sim.bind(stock, installation.instance)
    stock.state = "STOPPED"

    planned = unbind(cf, record=True, check=True, diff=True)
    assert planned["changed"]
    assert planned["apps"] == ["app-0", "app-1"]
    assert planned["diff"] == {"before": {"apps": ["app-0", "app-1"]}, "after": {"apps": []}}
    assert installation.sim.writes() == []

    result = unbind(cf, record=True)
    assert result["changed"]
    assert bound(installation) == []
    assert result["record"] == planned["record"] == info(cf)["record"]
    assert result["record"][0] == {
        "app_guid": checkout.guid,
        "app_name": "app-0",
        "app_state": "STARTED",
        "binding_guid": planned["bindings"][0]["guid"],
        "binding_name": "cache",
        "bound_to_target": False,
        "parameters": {"role": "writer"},
        "parameters_unreadable": False,
        "space_guid": installation.space.guid,
        "space_name": "prod",
    }
    assert result["record"][1]["app_state"] == "STOPPED"

    writes = len(installation.sim.writes())
    again = unbind(cf, record=True)
    assert not again["changed"]
    assert again["record"] == result["record"]
    assert len(installation.sim.writes()) == writes

    back = bind(cf, record=True)
    assert back["changed"]
    assert back["apps"] == ["app-0", "app-1"]
    assert bound(installation) == ["app-0", "app-1"]
    assert not bind(cf, record=True)["changed"]
    (cache,) = [one for one in installation.sim.state.bindings.values() if one.app is checkout]
    assert (cache.name, cache.parameters) == ("cache", {"role": "writer"})

    assert bind(cf, record=True, clear_record=True, check=True)["changed"]
    assert info(cf)["record"]
    assert bind(cf, record=True, clear_record=True)["changed"]
    assert info(cf)["record"] == []
    assert installation.instance.annotations == {}
    assert not bind(cf, record=True, clear_record=True)["changed"]
    assert mailer.name not in bound(installation)


def test_the_record_is_written_before_the_first_app_leaves(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(5)
    unbind(cf, record=True)
    writes = [entry for entry in installation.sim.writes() if "/oauth/" not in entry.path]
    assert [entry.method for entry in writes] == ["PATCH", *["DELETE"] * 5]
    assert writes[0].path.startswith("/v3/service_instances/")


def test_without_the_record_nothing_is_unbound(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(2)
    installation.sim.faults.cf_error("UnprocessableEntity", "No annotations today", times=-1, method="PATCH")
    with pytest.raises(ModuleFailed, match="Could not write the record of unbound apps"):
        unbind(cf, record=True)
    assert bound(installation) == ["app-0", "app-1"]


def test_an_interrupted_isolation_loses_no_record(installation: Installation, cf: ModuleRunner) -> None:
    apps = installation.apps(4)
    installation.sim.faults.cf_error("UnprocessableEntity", "Not now", times=2, method="DELETE", path=BINDINGS)
    with pytest.raises(ModuleFailed, match=r"\(2 of 4 apps were unbound\.\)"):
        unbind(cf, record=True)
    assert len(bound(installation)) == 2
    for app in apps:
        app.state = "STOPPED"
    result = unbind(cf, record=True)
    assert len(result["apps"]) == 2
    assert [entry["app_state"] for entry in result["record"]] == ["STARTED"] * 4
    assert bound(installation) == []


def test_two_hundred_apps(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(200)
    result = unbind(cf, record=True)
    assert len(result["record"]) == 200
    assert bound(installation) == []
    annotations = installation.instance.annotations
    assert 5 < len(annotations) < 20
    assert all(isinstance(json.loads(value or ""), list) and len(value or "") <= 5000 for value in annotations.values())
    assert len(bind(cf, record=True)["apps"]) == 200
    assert len(bound(installation)) == 200
    assert bind(cf, record=True, clear_record=True)["changed"]
    assert installation.instance.annotations == {}


def test_apps_go_over_to_another_instance(installation: Installation, cf: ModuleRunner) -> None:
    apps = installation.apps(3)
    target = installation.sim.add_service_instance(
        installation.space, "orders-new", endpoint=installation.instance.endpoint
    )
    installation.instance.annotations["owner.example/contact"] = "me"
    unbind(cf, record=True)
    installation.sim.state.apps.pop(apps[1].guid)
    assert info(cf)["moved_to"] is None
    result = bind(cf, service_instance="orders-new", record=True, record_instance="orders")
    assert info(cf)["moved_to"] == target.guid
    assert result["app_guids"] == [apps[0].guid, apps[2].guid]
    assert installation.sim.bound_apps(target) == ["app-0", "app-2"]
    assert result["missing_apps"] == ["app-1"]
    assert "app-1" in str(result["warnings"])
    bind(cf, service_instance="orders-new", record=True, record_instance="orders", clear_record=True)
    assert installation.instance.annotations == {"owner.example/contact": "me"}


def test_that_the_apps_went_over_is_noted_before_the_first_does(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(2)
    target = installation.sim.add_service_instance(
        installation.space, "orders-new", endpoint=installation.instance.endpoint
    )
    unbind(cf, record=True)
    installation.sim.faults.fail_broker("bind", times=-1)
    over = {"service_instance": "orders-new", "record": True, "record_instance": "orders"}
    with pytest.raises(ModuleFailed, match="0 of 2 apps were bound"):
        bind(cf, **over)
    assert info(cf)["moved_to"] == target.guid
    installation.sim.faults.clear()
    assert bind(cf, **over)["changed"]
    assert not bind(cf, **over)["changed"]

    cf("cf_service_binding", service_instance="orders-new", state="absent")
    assert bind(cf, record=True, check=True)["changed"]
    assert info(cf)["moved_to"] == target.guid
    bind(cf, record=True)
    assert info(cf)["moved_to"] is None
    assert not bind(cf, record=True)["changed"]


def test_chosen_apps_only(installation: Installation, cf: ModuleRunner) -> None:
    apps = installation.apps(3)
    assert unbind(cf, apps=["app-0", apps[1].guid])["apps"] == ["app-0", "app-1"]
    assert bound(installation) == ["app-2"]
    assert not unbind(cf, apps=["app-0"])["changed"]
    assert bind(cf, apps=["app-1"], bindings=[{"app": "app-0", "name": "cache", "parameters": {"a": 1}}])["changed"]
    assert bound(installation) == ["app-0", "app-1", "app-2"]
    (cache,) = [one for one in installation.sim.state.bindings.values() if one.app is apps[0]]
    assert (cache.name, cache.parameters) == ("cache", {"a": 1})
    with pytest.raises(ModuleFailed, match=r'no app "app-9" \(nearest are "app-'):
        unbind(cf, apps=["app-2", "app-9"])
    with pytest.raises(ModuleFailed, match='no app "ap-1"'):
        bind(cf, apps=["ap-1"])
    assert bound(installation) == ["app-0", "app-1", "app-2"]


def test_what_is_given_wins_over_what_is_recorded(installation: Installation, cf: ModuleRunner) -> None:
    app, other = installation.apps(2, bound=False)
    installation.sim.bind(app, installation.instance, name="cache", parameters={"old": True})
    installation.sim.bind(other, installation.instance)
    unbind(cf, record=True)
    bind(cf, record=True, bindings=[{"app": "app-0", "parameters": {"new": True}}])
    assert bound(installation) == ["app-0", "app-1"], "all the others of the record too"
    (made,) = [one for one in installation.sim.state.bindings.values() if one.app is app]
    assert (made.name, made.parameters) == ("cache", {"new": True})


def test_parameters_that_cannot_be_read_are_warned_about(installation: Installation, cf: ModuleRunner) -> None:
    installation.instance.parameters_readable = False
    installation.apps(2)
    result = unbind(cf, record=True)
    assert "app-0, app-1 were bound" in str(result["warnings"])
    assert all(entry["parameters_unreadable"] for entry in result["record"])


def test_a_broker_that_gives_no_parameters_is_not_asked_for_every_app(
    installation: Installation, cf: ModuleRunner
) -> None:
    installation.instance.parameters_readable = False
    installation.apps(30)
    assert len(unbind(cf, record=True, concurrency=2)["record"]) == 30
    asked = [entry for entry in installation.sim.requests if entry.path.endswith("/parameters")]
    assert 1 <= len(asked) <= 4


def test_it_must_be_said_which_apps_to_bind(cf: ModuleRunner) -> None:
    with pytest.raises(ModuleFailed, match='not said which apps are to be bound to the service instance "orders"'):
        bind(cf)


def test_parameters_need_not_be_recorded(installation: Installation, cf: ModuleRunner) -> None:
    first, second = installation.apps(2, bound=False)
    installation.sim.bind(first, installation.instance, parameters={"password": "SENTINEL"})
    installation.sim.bind(second, installation.instance)
    result = unbind(cf, record=True, record_parameters=False)
    assert "SENTINEL" not in str(installation.instance.annotations)
    assert [entry["parameters_unreadable"] for entry in result["record"]] == [True, False]


def shared(there: Installation) -> Space:
    """Another space that `orders` is shared into, with an app bound there."""
    other = there.sim.add_space(there.org, "shop")
    there.sim.share(there.instance, other)
    there.sim.bind(there.sim.add_app(other, "far-away"), there.instance)
    return other


def test_apps_of_other_spaces_through_sharing(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(1)
    other = shared(installation)
    installation.sim.add_user("both", "pw", {"space_developer": [installation.space, other]})
    as_both = {"user": "both", "password": "pw"}
    result = unbind(cf, record=True, **as_both)
    assert result["apps"] == ["app-0", "far-away"]
    assert result["record"][1]["space_name"] == "shop"
    assert bind(cf, record=True, **as_both)["apps"] == ["app-0", "far-away"]


def test_apps_that_cannot_be_seen_stop_the_isolation(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(1)
    other = shared(installation)
    with pytest.raises(ModuleFailed) as caught:
        unbind(cf, record=True)
    assert "1 app is bound that user developer@example.org cannot see" in str(caught.value)
    assert f"Space Developer in the space {other.guid}" in str(caught.value)
    assert bound(installation) == ["app-0", "far-away"]
    assert installation.instance.annotations == {}


def test_a_role_that_may_not(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(1)
    installation.sim.add_user("auditor", "pw", {"space_auditor": [installation.space]})
    with pytest.raises(ModuleFailed, match='needs the role Space Developer in the space "prod"'):
        unbind(cf, record=True, user="auditor", password="pw")
    with pytest.raises(ModuleFailed, match=r"needs the role Space Developer \(or Space Supporter\)"):
        unbind(cf, user="auditor", password="pw")
    assert bound(installation) == ["app-0"]


def test_an_app_of_a_space_without_sharing(installation: Installation, cf: ModuleRunner) -> None:
    other = installation.sim.add_space(installation.org, "shop")
    app = installation.sim.add_app(other, "far-away")
    installation.sim.add_user("both", "pw", {"space_developer": [installation.space, other]})
    with pytest.raises(ModuleFailed, match="cf share-service"):
        bind(cf, apps=[app.guid], user="both", password="pw")


@pytest.mark.parametrize("after_effect", [False, True], ids=["lost on the way", "answer lost"])
def test_unclear_answers(installation: Installation, cf: ModuleRunner, after_effect: bool) -> None:
    installation.apps(3)
    faults = installation.sim.faults
    faults.reset_connection(method="DELETE", path=BINDINGS, after_effect=after_effect)
    faults.http_error(502, method="DELETE", path=BINDINGS, after_effect=after_effect)
    faults.http_error(502, method="PATCH", after_effect=after_effect)
    assert len(unbind(cf, record=True)["record"]) == 3
    assert bound(installation) == []
    faults.reset_connection(method="POST", path=BINDINGS, after_effect=after_effect)
    faults.http_error(502, method="POST", path=BINDINGS, after_effect=after_effect)
    assert len(bind(cf, record=True)["apps"]) == 3
    assert bound(installation) == ["app-0", "app-1", "app-2"]


def test_jobs_that_fail_once_and_limits_of_rate(installation: Installation, cf: ModuleRunner) -> None:
    installation.apps(6)
    faults = installation.sim.faults
    faults.rate_limit(2, retry_after=1, method="DELETE", path=BINDINGS, name="ServiceBrokerRateLimitExceeded")
    faults.fail_job(times=2)
    unbind(cf, record=True)
    assert bound(installation) == []
    faults.fail_job(times=2)
    faults.expire_tokens_after(5)
    bind(cf, record=True, concurrency=3)
    assert len(bound(installation)) == 6


def test_leftovers_of_earlier_attempts(installation: Installation, cf: ModuleRunner) -> None:
    first, second = installation.apps(2, bound=False)
    failed = installation.sim.bind(first, installation.instance)
    failed.operation = Operation("create", "failed", "no room")
    deleting = installation.sim.bind(second, installation.instance)
    deleting.operation = Operation("delete", "failed", "no luck")
    assert bind(cf, apps=["app-0", "app-1"])["apps"] == ["app-0", "app-1"]
    found = [one for one in installation.sim.state.bindings.values() if one.app]
    assert all(one.usable for one in found)
    assert len(found) == 2


def test_a_user_provided_instance(installation: Installation, cf: ModuleRunner) -> None:
    mine = installation.sim.add_user_provided(installation.space, "mine", {"uri": "redis://h:1"})
    (app,) = installation.apps(1, bound=False)
    installation.sim.bind(app, mine)
    result = cf("cf_service_binding", service_instance="mine", state="absent", record=True)
    assert "warnings" not in result
    assert installation.sim.bound_apps(mine) == []
    assert cf("cf_service_binding", service_instance="mine", record=True)["apps"] == ["app-0"]
    assert installation.sim.bound_apps(mine) == ["app-0"]
