# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's services: key shapes, jobs, errors, pages and faults, seen as raw HTTP."""

from __future__ import annotations

import time
import urllib.error
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.cf_sim import CloudFoundrySim, Instance, Space
from tests.support.cf_sim.raw import Answer, Cf, related, send

BINDINGS = "/v3/service_credential_bindings"
ENDPOINT = {"host": "127.0.0.1", "port": 6390, "password": "p/w", "tls": True, "ca_cert_content": "PEM"}


@dataclass
class There:
    sim: CloudFoundrySim
    space: Space
    instance: Instance
    cf: Cf

    def create_key(self, name: str, instance: Instance | None = None) -> Answer:
        guid = (instance or self.instance).guid
        return self.cf("POST", BINDINGS, {"type": "key", "name": name, "relationships": related(service_instance=guid)})

    def key(self, name: str, instance: Instance | None = None) -> Any:
        """The credentials of a new key."""
        job = self.cf.wait(self.create_key(name, instance))
        assert (job["state"], job["operation"], job["errors"]) == ("COMPLETE", "service_keys.create", [])
        return self.cf.get(job["links"]["service_credential_binding"]["href"] + "/details")["credentials"]


@pytest.fixture
def there() -> Iterator[There]:
    with CloudFoundrySim(ssh=False, job_delay=0.02) as sim:
        space = sim.add_space(sim.add_org("Acme"), "dev")
        sim.add_user("me", "secret", {"space_developer": [space]})
        instance = sim.add_service_instance(space, "orders", endpoint=ENDPOINT)
        yield There(sim, space, instance, Cf(sim, "me", "secret"))


@pytest.mark.parametrize(
    ("shape", "tls", "expected"),
    [
        ("a9s6", True, {"host": "red1-master.x", "password": "p/w", "port": 6379, "cacrt": "PEM"}),
        ("a9s6", False, {"host": "red1-master.x", "password": "p/w", "port": 6379}),
        ("a9s7", True, {"redis": {"username": "default", "password": "p/w", "port": 6379}, "cacrt": "PEM"}),
        ("a9s-keyvalue", True, {"valkey": {"username": "default", "password": "p/w", "port": 6379}, "cacrt": "PEM"}),
        ("exposed", True, {"uri": "rediss://default:p%2Fw@red1-master.x:6379", "username": "default"}),
        ("tanzu", True, {"tls_port": 6379, "tls_versions": ["tlsv1.2", "tlsv1.3"], "password": "p/w"}),
        ("tanzu", False, {"host": "red1-master.x", "password": "p/w", "port": 6379}),
        ("csb", True, {"name": "it", "host": "red1-master.x", "password": "p/w", "tls_port": 6379}),
        ("csb-hostname", True, {"name": "it", "hostname": "red1-master.x", "password": "p/w", "tls_port": 6379}),
        ("uri", False, {"uri": "redis://default:p%2Fw@red1-master.x:6379"}),
        (lambda view: {"odd": [view["host"]]}, True, {"odd": ["red1-master.x"]}),
    ],
)
def test_key_shapes(there: There, shape: Any, tls: bool, expected: dict[str, Any]) -> None:
    endpoint = ENDPOINT if tls else {**ENDPOINT, "tls": False, "ca_cert_content": ""}
    instance = there.sim.add_service_instance(
        there.space, "it", endpoint=endpoint, key_shape=shape, hostname="red1-master.x", advertised_port=6379
    )
    credentials = there.key("k", instance)
    assert {name: credentials.get(name) for name in expected} == expected
    assert ("cacrt" in credentials) == ("cacrt" in expected)
    assert there.sim.state.resolve("red1-master.x", 6379) == ("127.0.0.1", 6390)


def test_a_key_is_made_once_and_its_details_come_when_it_is_ready(there: There) -> None:
    there.sim.state.job_delay = 0.3
    answer = there.create_key("k")
    key = there.cf.get(f"{BINDINGS}?names=k&type=key&service_instance_guids={there.instance.guid}")["resources"][0]
    early = there.cf("GET", f"{BINDINGS}/{key['guid']}/details")
    assert (early.status, early.detail) == (404, "Creation of service key initial")
    assert there.create_key("k").detail.endswith("already has a key binding with name 'k'.")
    assert there.cf("DELETE", f"{BINDINGS}/{key['guid']}").status == 422
    assert there.cf.wait(answer)["state"] == "COMPLETE"
    deletion = there.cf("DELETE", f"{BINDINGS}/{key['guid']}")
    shown = there.cf.get(f"{BINDINGS}/{key['guid']}")["last_operation"]
    assert (shown["type"], shown["state"]) == ("delete", "in progress")
    assert "getting deleted or its deletion failed" in there.create_key("k").detail
    assert there.cf.wait(deletion)["state"] == "COMPLETE"
    assert there.cf("GET", f"{BINDINGS}/{key['guid']}").status == 404


@pytest.mark.parametrize("silent", [False, True])
def test_a_failed_creation_stays_visible_and_gives_way_to_the_next(there: There, silent: bool) -> None:
    there.sim.faults.fail_job("service_keys.create", message="no room", silent=silent)
    job = there.cf.wait(there.create_key("k"))
    assert job["state"] == "FAILED"
    assert [error["code"] for error in job["errors"]] == ([] if silent else [10009])
    operation = there.cf.get(f"{BINDINGS}?names=k")["resources"][0]["last_operation"]
    assert (operation["type"], operation["state"], operation["description"]) == ("create", "failed", "no room")
    there.key("k")
    assert there.cf.get(f"{BINDINGS}?names=k")["pagination"]["total_results"] == 1


def test_the_broker_refuses_to_unbind_and_the_binding_stays(there: There) -> None:
    key = there.sim.create_key(there.instance, "k")
    there.sim.faults.fail_broker("unbind", message="busy")
    job = there.cf.wait(there.cf("DELETE", f"{BINDINGS}/{key.guid}"))
    assert "failed to delete service binding for instance orders: busy" in job["errors"][0]["detail"]
    shown = there.cf.get(f"{BINDINGS}/{key.guid}")["last_operation"]
    assert (shown["type"], shown["state"]) == ("delete", "failed")
    assert there.cf.wait(there.cf("DELETE", f"{BINDINGS}/{key.guid}"))["state"] == "COMPLETE"


def test_apps_bind_once_across_a_shared_space_and_are_found_with_include(there: There) -> None:
    other = there.sim.add_space(there.space.org, "other")
    app = there.sim.add_app(other, "shop", started=False)
    body = {"type": "app", "relationships": related(service_instance=there.instance.guid, app=app.guid)}
    assert there.cf("POST", BINDINGS, body).detail == f"The app could not be found: '{app.guid}'"
    there.sim.add_user("both", "pw", {"space_developer": [there.space, other]})
    both = Cf(there.sim, "both", "pw")
    assert both("POST", BINDINGS, body).detail == "The service instance and the app are in different spaces"
    there.sim.share(there.instance, other)
    assert both.wait(both("POST", BINDINGS, body))["operation"] == "service_bindings.create"
    assert both("POST", BINDINGS, body).detail == "The app is already bound to the service instance"
    found = both.get(f"{BINDINGS}?type=app&include=app&service_instance_guids={there.instance.guid}")
    assert [row["name"] for row in found["included"]["apps"]] == ["shop"]
    assert there.sim.bound_apps(there.instance) == ["shop"]
    assert there.cf.get(BINDINGS)["resources"] == []  # invisible to who cannot see the app's space


def test_who_may_do_what(there: There) -> None:
    there.sim.add_user("auditor", "pw", {"space_auditor": [there.space]})
    there.sim.add_user("stranger", "pw")
    key = there.sim.create_key(there.instance, "k")
    auditor, stranger = Cf(there.sim, "auditor", "pw"), Cf(there.sim, "stranger", "pw")
    body = {"type": "key", "name": "x", "relationships": related(service_instance=there.instance.guid)}
    answer = auditor("POST", BINDINGS, body)
    assert (answer.status, answer.json["errors"][0]["code"]) == (403, 10003)
    assert auditor("GET", f"{BINDINGS}/{key.guid}").status == 200
    assert auditor("GET", f"{BINDINGS}/{key.guid}/details").status == 404
    hidden = stranger("GET", f"/v3/service_instances/{there.instance.guid}")
    assert (hidden.status, hidden.json["errors"][0]) == (
        404,
        {"code": 10010, "title": "CF-ResourceNotFound", "detail": "Service instance not found"},
    )
    assert stranger.get("/v3/organizations")["resources"] == []


def test_an_operation_in_progress_is_in_the_way(there: There) -> None:
    there.sim.occupy(there.instance)
    assert there.create_key("k").detail == "There is an operation in progress for the service instance."
    path = f"/v3/service_instances/{there.instance.guid}"
    busy = there.cf("PATCH", path, {"name": "renamed"})
    assert (busy.status, busy.json["errors"][0]["code"]) == (409, 60016)
    noted = there.cf("PATCH", path, {"metadata": {"annotations": {"a": "b", "c": "d"}}})  # metadata may always change
    assert noted.json["metadata"]["annotations"] == {"a": "b", "c": "d"}
    there.cf("PATCH", path, {"metadata": {"annotations": {"a": None}}})
    there.sim.release(there.instance)
    there.key("k")
    assert there.cf.get(path)["metadata"]["annotations"] == {"c": "d"}


def test_an_instance_is_provisioned_from_the_plans_pool_and_given_back(there: There) -> None:
    plan = there.sim.add_plan(pool=[ENDPOINT])
    plans = there.cf.get("/v3/service_plans?names=redis-single-small&service_offering_names=a9s-redis7")["resources"]
    assert [row["guid"] for row in plans] == [plan.guid]
    wish = {"type": "managed", "name": "new", "relationships": related(space=there.space.guid, service_plan=plan.guid)}
    job = there.cf.wait(there.cf("POST", "/v3/service_instances", wish))
    made = there.cf.get(job["links"]["service_instances"]["href"])
    assert (made["name"], made["last_operation"]["state"]) == ("new", "succeeded")
    assert there.cf("POST", "/v3/service_instances", wish).detail == "The service instance name is taken: new."
    failed = there.cf.wait(there.cf("POST", "/v3/service_instances", {**wish, "name": "more"}))
    assert failed["state"] == "FAILED" and "No more capacity" in failed["errors"][0]["detail"]
    assert there.cf.wait(there.cf("DELETE", f"/v3/service_instances/{made['guid']}"))["state"] == "COMPLETE"
    assert len(plan.pool) == 1


def test_lists_are_paged_filtered_and_refuse_what_they_do_not_know(there: There) -> None:
    for name in ("a,b", "A", "a", "z"):
        there.sim.add_user_provided(there.space, name, {"x": 1})
    url: str | None = "/v3/service_instances?type=user-provided&order_by=name&per_page=3"
    names: list[str] = []
    while url:
        page = there.cf.get(url)
        names += [row["name"] for row in page["resources"]]
        url = (page["pagination"]["next"] or {}).get("href")
    assert names == ["A", "a", "a,b", "z"] and page["pagination"]["total_pages"] == 2
    assert [row["name"] for row in there.cf.get("/v3/service_instances?names=a%252Cb,A")["resources"]] == ["a,b", "A"]
    assert there.cf.get("/v3/organizations?names=aCME")["pagination"]["total_results"] == 1  # not case-sensitive
    for query in ("colour=red", "per_page=5001", "per_page=0", "page=x", "fields[moon]=name", "order_by=moon"):
        assert there.cf("GET", f"/v3/service_instances?{query}").json["errors"][0]["code"] == 10005, query
    wanted = "fields[service_plan]=name,relationships.service_offering&fields[space.organization]=name"
    included = there.cf.get(f"/v3/service_instances/{there.instance.guid}?{wanted}")["included"]
    assert included["organizations"] == [{"name": "Acme"}]
    assert set(included["service_plans"][0]) == {"name", "relationships"}


def test_faults_hit_before_or_after_the_effect(there: There) -> None:
    faults = there.sim.faults
    faults.rate_limit(retry_after=7)
    limited = there.cf("GET", BINDINGS)
    assert (limited.status, limited.headers["Retry-After"], limited.json["errors"][0]["code"]) == (429, "7", 10013)
    assert limited.headers["Content-Type"].startswith("text/plain")
    faults.http_error(502, method="POST")
    assert there.create_key("k").status == 502
    assert there.cf.get(BINDINGS)["resources"] == []
    faults.reset_connection(method="POST", after_effect=True)
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        there.create_key("k")
    assert [row["name"] for row in there.cf.get(BINDINGS)["resources"]] == ["k"]
    faults.cf_error("ServiceUnavailable", "maintenance", path="/v3/apps")
    assert (there.cf("GET", "/v3/apps").status, there.cf("GET", "/v3/apps").status) == (503, 200)
    faults.latency(0.2, times=1, path="/v3/apps")
    begin = time.monotonic()
    there.cf.get("/v3/apps")
    assert time.monotonic() - begin >= 0.2
    assert [entry.status for entry in there.sim.writes()] == [502, 0]
    there.sim.api.rate_limit = 1
    there.cf.get("/v3/apps")
    assert there.cf("GET", "/v3/apps").status == 429


def test_the_first_page_names_every_part(there: There) -> None:
    links = send("GET", there.sim.api_url).json["links"]
    assert links["login"]["href"] == links["uaa"]["href"] == there.sim.uaa_url
    assert links["cloud_controller_v3"]["href"] == f"{there.sim.api_url}/v3"
    assert send("GET", f"{there.sim.api_url}/v3/nonsense", headers={}).status == 401
    assert there.cf("GET", "/v3/nonsense").json["errors"][0]["title"] == "CF-NotFound"
