# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cf_service_key against the simulator: every state a key can be in, and everything that can go wrong on the way."""

from __future__ import annotations

import threading

import pytest

from tests.support.cf_fixtures import REDIS_PASSWORD, Installation, cf, installation
from tests.support.cf_modules import ModuleFailed, ModuleRunner
from tests.support.cf_sim.model import Operation

__all__ = ["cf", "installation"]

EXPECTED = {"host": "red1-master.service.dc1.a9ssvc", "port": 6379, "password": REDIS_PASSWORD, "tls": False}
BINDINGS = "/v3/service_credential_bindings"


def keys(there: Installation) -> list[tuple[str | None, str]]:
    """Name and state of all service keys."""
    found = there.sim.state.bindings.values()
    return sorted((key.name, key.operation.state) for key in found if key.type == "key")


def test_create_read_delete(installation: Installation, cf: ModuleRunner) -> None:
    planned = cf("cf_service_key", service_instance="orders", check=True)
    assert (planned["changed"], planned["credentials"], planned["endpoint"]) == (True, None, None)
    assert planned["service_key"]["name"] == "redis-migration"
    assert installation.sim.writes() == []

    made = cf("cf_service_key", service_instance="orders", diff=True)
    assert made["changed"]
    assert made["endpoint"] == EXPECTED
    assert made["credentials"]["hosts"]
    assert made["diff"]["before"] == {"service_key": None}
    assert REDIS_PASSWORD not in str(made["diff"])

    writes = len(installation.sim.writes())
    for check in (False, True):
        again = cf("cf_service_key", service_instance="orders", check=check)
        assert not again["changed"]
        assert again["service_key"] == made["service_key"]
        assert again["endpoint"] == EXPECTED
    assert len(installation.sim.writes()) == writes

    assert cf("cf_service_key", service_instance="orders", state="absent", check=True)["changed"]
    assert keys(installation) == [("redis-migration", "succeeded")]
    assert cf("cf_service_key", service_instance="orders", state="absent")["changed"]
    assert not cf("cf_service_key", service_instance="orders", state="absent")["changed"]
    assert keys(installation) == []


def test_a_failed_key_is_repaired(installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.create_key(installation.instance, "k", state="failed")
    assert cf("cf_service_key", service_instance="orders", name="k", check=True)["changed"]
    assert keys(installation) == [("k", "failed")]
    result = cf("cf_service_key", service_instance="orders", name="k")
    assert result["changed"]
    assert result["endpoint"] == EXPECTED
    assert keys(installation) == [("k", "succeeded")]


def test_a_key_whose_deletion_failed_is_repaired(installation: Installation, cf: ModuleRunner) -> None:
    key = installation.sim.create_key(installation.instance, "k")
    key.operation = Operation("delete", "failed")
    assert cf("cf_service_key", service_instance="orders", name="k")["endpoint"] == EXPECTED
    assert keys(installation) == [("k", "succeeded")]


def test_a_key_being_created_is_waited_for(installation: Installation, cf: ModuleRunner) -> None:
    key = installation.sim.create_key(installation.instance, "k", state="in progress")
    assert not cf("cf_service_key", service_instance="orders", name="k", check=True)["changed"]

    def finish() -> None:
        installation.sim.core.broker.bind(key)
        key.operation = Operation("create", "succeeded")

    timer = threading.Timer(1.0, finish)
    timer.start()
    result = cf("cf_service_key", service_instance="orders", name="k")
    timer.join()
    assert not result["changed"]
    assert result["endpoint"] == EXPECTED


def test_a_key_being_deleted_is_waited_for(installation: Installation, cf: ModuleRunner) -> None:
    key = installation.sim.create_key(installation.instance, "k")
    key.operation = Operation("delete", "in progress")
    timer = threading.Timer(1.0, lambda: installation.sim.state.bindings.pop(key.guid))
    timer.start()
    result = cf("cf_service_key", service_instance="orders", name="k")
    timer.join()
    assert result["changed"]
    assert result["service_key"]["guid"] != key.guid


def test_waiting_ends(installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.create_key(installation.instance, "k", state="in progress")
    with pytest.raises(ModuleFailed, match=r"still being created after 1 seconds\. Run again"):
        cf("cf_service_key", service_instance="orders", name="k", wait_timeout=1)


def test_a_job_that_fails_once(installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.faults.fail_job("", times=1)
    assert cf("cf_service_key", service_instance="orders")["endpoint"] == EXPECTED
    installation.sim.faults.fail_job("", times=1, silent=True)
    assert cf("cf_service_key", service_instance="orders", state="absent")["changed"]
    assert keys(installation) == []


def test_a_broker_that_refuses_is_quoted_and_nothing_stays_behind(installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.faults.fail_broker("bind", times=5, message="Service broker error: no room")
    with pytest.raises(ModuleFailed) as caught:
        cf("cf_service_key", service_instance="orders", name="k")
    assert 'Could not create the service key "k" of the service instance "orders"' in str(caught.value)
    assert "no room" in str(caught.value)
    assert keys(installation) == []


def test_an_instance_that_is_busy_is_waited_for(installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.occupy(installation.instance)
    with pytest.raises(ModuleFailed, match="Another operation is still in the way of creating"):
        cf("cf_service_key", service_instance="orders", wait_timeout=1)
    timer = threading.Timer(1.0, lambda: installation.sim.release(installation.instance))
    timer.start()
    assert cf("cf_service_key", service_instance="orders")["changed"]
    timer.join()


@pytest.mark.parametrize("after_effect", [False, True], ids=["lost on the way", "answer lost"])
@pytest.mark.parametrize("kind", ["reset", "502"])
def test_an_unclear_answer_to_the_creation_makes_exactly_one_key(
    installation: Installation, cf: ModuleRunner, kind: str, after_effect: bool
) -> None:
    if kind == "reset":
        installation.sim.faults.reset_connection(method="POST", path=BINDINGS, after_effect=after_effect)
    else:
        installation.sim.faults.http_error(502, method="POST", path=BINDINGS, after_effect=after_effect)
    assert cf("cf_service_key", service_instance="orders")["endpoint"] == EXPECTED
    assert keys(installation) == [("redis-migration", "succeeded")]


def test_passing_failures_everywhere(installation: Installation, cf: ModuleRunner) -> None:
    faults = installation.sim.faults
    faults.http_error(503, times=2, method="GET", path="/v3/service_instances")
    faults.rate_limit(2, retry_after=1, path=BINDINGS)
    faults.http_error(500, times=1, path="/v3/jobs")
    faults.reset_connection(times=2, method="GET", path="/details")
    faults.http_error(503, times=1, service="uaa", path="/oauth/token")
    assert cf("cf_service_key", service_instance="orders")["endpoint"] == EXPECTED
    faults.http_error(502, times=2, method="DELETE", path=BINDINGS)
    faults.reset_connection(times=1, method="DELETE", path=BINDINGS, after_effect=True)
    assert cf("cf_service_key", service_instance="orders", state="absent")["changed"]
    assert keys(installation) == []


@pytest.mark.parametrize("requests", range(8))
def test_a_token_that_expires_on_the_way(installation: Installation, cf: ModuleRunner, requests: int) -> None:
    installation.sim.faults.expire_tokens_after(requests)
    assert cf("cf_service_key", service_instance="orders")["endpoint"] == EXPECTED
    assert keys(installation) == [("redis-migration", "succeeded")]


def test_a_failure_that_lasts_is_told(installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.faults.cf_error("UnprocessableEntity", "The moon is full", times=-1, method="POST", path=BINDINGS)
    with pytest.raises(ModuleFailed, match=r"422 CF-UnprocessableEntity \(10008\): The moon is full"):
        cf("cf_service_key", service_instance="orders")


def test_a_rate_limit_that_is_used_up_for_long(installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.faults.rate_limit(1, retry_after=3600, path=BINDINGS)
    with pytest.raises(ModuleFailed, match=r"CF-RateLimitExceeded \(10013\).*run again in 60 minutes"):
        cf("cf_service_key", service_instance="orders")


def test_a_plan_without_bindings(installation: Installation, cf: ModuleRunner) -> None:
    assert installation.instance.plan is not None
    installation.instance.plan.bindable = False
    with pytest.raises(ModuleFailed, match="This plan gives no credentials"):
        cf("cf_service_key", service_instance="orders")


def test_a_user_provided_instance_has_credentials_of_its_own(installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.add_user_provided(installation.space, "mine", {"uri": "rediss://:pw@db.example:6390"})
    result = cf("cf_service_key", service_instance="mine")
    assert not result["changed"]
    assert result["service_key"] is None
    assert result["endpoint"] == {"host": "db.example", "port": 6390, "password": "pw", "tls": True}


def test_an_unknown_shape_and_a_query(installation: Installation, cf: ModuleRunner) -> None:
    installation.instance.key_shape = lambda view: {"node": {"at": view["host"]}, "secret": view["password"]}
    with pytest.raises(ModuleFailed) as caught:
        cf("cf_service_key", service_instance="orders")
    assert "node.at (text), secret (text)" in str(caught.value)
    assert REDIS_PASSWORD not in str(caught.value.result)
    query = "{host: node.at, password: secret, port: `7000`}"
    result = cf("cf_service_key", service_instance="orders", endpoint_query=query)
    assert result["endpoint"] == {"host": EXPECTED["host"], "password": REDIS_PASSWORD, "port": 7000}


@pytest.mark.parametrize("role", ["space_auditor", "space_manager", "space_supporter"])
def test_a_role_that_may_not(installation: Installation, cf: ModuleRunner, role: str) -> None:
    installation.sim.add_user("other", "pw", {role: [installation.space]})
    with pytest.raises(ModuleFailed) as caught:
        cf("cf_service_key", service_instance="orders", user="other", password="pw")
    assert 'needs the role Space Developer in the space "prod"' in str(caught.value)
    assert "CF-NotAuthorized (10003)" in str(caught.value)
    installation.sim.create_key(installation.instance, "redis-migration")
    with pytest.raises(ModuleFailed, match='needs the role Space Developer in the space "prod"'):
        cf("cf_service_key", service_instance="orders", user="other", password="pw")
