# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cf command line (7, 8, 9) was seen to ask of a Cloud Foundry, asked of the simulator without it.

Seen by running each version's commands (login, target, services, service, create-service-key, service-keys,
service-key, delete-service-key, bind-service, unbind-service, apps, app, restart, restage, stop, start, env, ssh)
against the simulator; version 7 still speaks API v2 for services.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import quote

import pytest

from tests.support.cf_sim import CloudFoundrySim
from tests.support.cf_sim.raw import Cf, send

PLAN_FIELDS = "fields[service_plan]=guid,name,relationships.service_offering"
OFFERING_FIELDS = "fields[service_plan.service_offering]=name,guid,description,tags,documentation_url"
BROKER_FIELDS = "fields[service_plan.service_offering.service_broker]=guid,name"
SPACE_FIELDS = "fields[space]=guid,name,relationships.organization&fields[space.organization]=guid,name"
SHARED = "/v3/service_instances/{instance}/relationships/shared_spaces"

ASKED = {
    "login, target": [
        "/v3",
        "/v3/organizations?names=acme&page=1&per_page=1",
        "/v3/spaces?names=dev&organization_guids={org}&page=1&per_page=1",
    ],
    "services": [
        f"/v3/service_instances?{PLAN_FIELDS}&{BROKER_FIELDS}&order_by=name&per_page=5000&space_guids={{space}}",
        "/v3/service_credential_bindings?include=app&service_instance_guids={instance}",
    ],
    "service": [
        f"/v3/service_instances?{OFFERING_FIELDS}&{SPACE_FIELDS}&names=orders&page=1&per_page=1&space_guids={{space}}",
        "/v3/feature_flags/service_instance_sharing",
        "/v3/service_offerings/{offering}",
        f"{SHARED}?{SPACE_FIELDS}",
        f"{SHARED}/usage_summary",
        "/v3/service_credential_bindings?include=app&service_instance_guids={instance}&type=app",
    ],
    "service-keys": ["/v3/service_credential_bindings?per_page=5000&service_instance_guids={instance}&type=key"],
    "service-key": [
        "/v3/service_credential_bindings?names=k&page=1&per_page=1&service_instance_guids={instance}&type=key",
        "/v3/service_credential_bindings/{key}/details",
    ],
    "unbind-service": ["/v3/service_credential_bindings?app_guids={app}&service_instance_guids={instance}&type=app"],
    "apps": [
        "/v3/apps?order_by=name&per_page=5000&space_guids={space}",
        "/v3/processes?app_guids={app}",
        "/v3/processes?embed=process_instances&space_guids={space}",
        "/v3/routes?app_guids={app}",
    ],
    "app, env": [
        "/v3/apps?names=shop&space_guids={space}",
        "/v3/apps/{app}/processes",
        "/v3/processes/{process}/sidecars",
        "/v3/processes/{process}/stats",
        "/v3/apps/{app}/routes",
        "/v3/apps/{app}/droplets/current",
        "/v3/apps/{app}/env",
        "/v3/deployments?app_guids={app}&order_by=-created_at&page=1&per_page=1&status_values=ACTIVE",
    ],
    "restart, restage": [
        "/v3/packages?app_guids={app}&order_by=-created_at&page=1&per_page=1&states=READY",
        "/v3/packages/{package}/droplets?page=1&per_page=1&states=STAGED",
        "/api/v1/info",
        "/api/v1/read/{app}?descending=true&limit=1&start_time=-6795364578871345152",
        "/api/v1/read/{app}?envelope_types=LOG&start_time=1",
    ],
    "marketplace, org, space": [
        "/v3/service_plans?include=service_offering&fields[service_offering.service_broker]=name,guid",
        "/v3/organizations/{org}/domains",
        "/v3/spaces/{space}/running_security_groups",
        "/v3/roles?include=user&space_guids={space}",
    ],
    "version 7's services": [
        "/v2/info",
        "/v2/config/feature_flags",
        "/v2/services",
        "/v2/spaces/{space}/summary",
        "/v2/service_plans/{plan}",
        "/v2/services/{offering}",
        "/v2/spaces/{space}/service_instances?return_user_provided_service_instances=true&q=name:orders",
        "/v2/service_instances/{instance}/shared_to",
        "/v2/service_instances/{instance}/service_bindings",
        "/v2/service_instances/{instance}/service_keys?q=name:k",
        "/v2/apps?q=name:shop&q=space_guid:{space}",
        "/v2/service_bindings?q=app_guid:{app}&q=service_instance_guid:{instance}",
    ],
}


@pytest.fixture
def sim() -> Iterator[CloudFoundrySim]:
    with CloudFoundrySim(ssh=False) as found:
        yield found


@pytest.fixture
def cf(sim: CloudFoundrySim) -> Cf:
    space = sim.add_space(sim.add_org("acme"), "dev")
    sim.add_user("me", "secret", {"space_developer": [space]})
    instance = sim.add_service_instance(space, "orders", endpoint={"host": "127.0.0.1", "port": 1, "password": "pw"})
    sim.bind(sim.add_app(space, "shop", start_delay=0), instance)
    sim.create_key(instance, "k")
    return Cf(sim, "me", "secret")


def _guids(sim: CloudFoundrySim) -> dict[str, str]:
    state = sim.state
    tables: dict[str, Mapping[str, object]] = {
        "org": state.orgs,
        "space": state.spaces,
        "instance": state.instances,
        "app": state.apps,
        "offering": state.offerings,
        "plan": state.plans,
        "process": state.processes,
        "package": state.packages,
    }
    found = {name: next(iter(table)) for name, table in tables.items()}
    return found | {"key": next(item.guid for item in state.bindings.values() if item.type == "key")}


@pytest.mark.parametrize("commands", ASKED)
def test_whatever_the_command_line_reads_is_there(sim: CloudFoundrySim, cf: Cf, commands: str) -> None:
    for template in ASKED[commands]:
        path = template.format(**_guids(sim))
        name, _mark, query = path.partition("?")
        answer = cf("GET", f"{name}?{quote(query, safe='=&,-')}" if query else path)
        assert answer.status == 200, (template, answer.body)
        if template.startswith(("/v3", "/v2/s")) and "names=" in template:
            assert answer.json["pagination"]["total_results"] == 1, template
        elif "q=name" in template or "q=app_guid" in template:
            assert answer.json["total_results"] == 1, template


def test_login_reads_the_prompts_and_sends_the_origin_in_the_query(sim: CloudFoundrySim) -> None:
    shown = send("GET", f"{sim.uaa_url}/login", headers={"Accept": "application/json"}).json
    assert shown["prompts"]["username"] == ["text", "Email"]
    assert shown["prompts"]["password"] == ["password", "Password"]
    assert shown["links"]["login"] == sim.uaa_url


def test_version_7_makes_and_removes_keys_and_bindings_at_once(sim: CloudFoundrySim, cf: Cf) -> None:
    guids = _guids(sim)
    wish = {"service_instance_guid": guids["instance"], "name": "old"}
    made = cf("POST", "/v2/service_keys", wish)
    assert (made.status, made.json["entity"]["credentials"]["redis"]["password"]) == (201, "pw")
    taken = cf("POST", "/v2/service_keys", wish)
    assert (taken.status, taken.json["code"], taken.json["error_code"]) == (400, 360001, "CF-ServiceKeyNameTaken")
    assert cf("DELETE", f"{made.json['metadata']['url']}?async=true").status == 204
    binding = {"service_instance_guid": guids["instance"], "app_guid": guids["app"]}
    path = "/v2/service_bindings?accepts_incomplete=true"
    assert cf("POST", path, binding).json["code"] == 90003
    found = cf.get(f"/v2/service_bindings?q=app_guid:{guids['app']}")["resources"][0]["metadata"]["guid"]
    assert cf("DELETE", f"/v2/service_bindings/{found}?accepts_incomplete=true").status == 204
    assert cf("POST", path, binding).status == 201
    sim.api.v2 = False
    assert send("GET", sim.api_url).json["links"]["cloud_controller_v2"] is None
    assert cf("POST", path, binding).status == 404
