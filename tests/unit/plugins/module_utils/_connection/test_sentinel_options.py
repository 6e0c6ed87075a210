# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The field ``sentinel`` of an endpoint: what it takes over, what is refused, what is shown."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import (
    Endpoint,
    parse_endpoint,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.sentinel import doors
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import EndpointError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import parse_selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.order import (
    options_key,
    plan_as_dict,
    plan_from_dict,
    run_key,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.progress import Plan

SECRET = "s3cret"
SENTINEL: dict[str, Any] = {"service_name": "m", "hosts": ["a", "b:1", "[::1]", "a:26379"]}
FINGERPRINT = "AB" * 32


def parsed(role: str = "source", sentinel: dict[str, Any] | None = None, **fields: Any) -> Endpoint:
    return parse_endpoint({"sentinel": {**SENTINEL, **(sentinel or {})}, **fields}, role)


def found_at(endpoint: Endpoint, host: str, by: str = "b:1") -> Endpoint:
    assert endpoint.sentinel
    endpoint.sentinel.found.update(host=host, port="7", by=by)
    return endpoint


def test_sentinels_are_asked_in_order_the_one_that_answered_first() -> None:
    endpoint = parsed()
    assert [door.address for door in doors(endpoint)] == ["a:26379", "b:1", "[::1]:26379"]
    found_at(endpoint, "10.0.0.1")
    assert [door.address for door in doors(endpoint)] == ["b:1", "a:26379", "[::1]:26379"]


def test_a_service_shows_its_name_and_where_it_was_found() -> None:
    endpoint = parsed(password=SECRET, sentinel={"password": SECRET})
    assert str(endpoint) == "source service m (Sentinel a:26379, b:1, [::1]:26379)"
    found_at(endpoint, "::2")
    assert str(endpoint) == "source [::2]:7 (service m)"
    assert endpoint.found and endpoint.found.host == "::2"
    assert str(endpoint.at_primary()).startswith("source service m (")
    assert SECRET not in repr(endpoint)


def test_tls_is_as_for_the_servers_unless_said_otherwise() -> None:
    servers = {"tls": True, "ca_cert_content": "PEM", "ca_fingerprints": [FINGERPRINT], "server_name": "of-servers"}
    door = doors(parsed(**servers))[0]
    assert (door.tls, door.ca_cert_content, door.ca_fingerprints) == (True, "PEM", parsed(**servers).ca_fingerprints)
    assert door.server_name is None
    door = doors(parsed(**servers, sentinel={"ca_certs": "/own.pem", "server_name": "of-sentinels"}))[0]
    assert (door.ca_certs, door.ca_cert_content, door.ca_fingerprints) == ("/own.pem", None, ())
    assert door.server_name == "of-sentinels"
    door = doors(parsed(**servers, sentinel={"tls": False}))[0]
    assert (door.tls, door.ca_cert_content) == (False, None)
    door = doors(parsed(validate_certs=False, tls=True))[0]
    assert (door.tls, door.validate_certs) == (True, False)


def test_a_login_is_never_taken_from_the_servers() -> None:
    door = doors(parsed(username="u", password=SECRET))[0]
    assert (door.username, door.password) == (None, None)


def test_one_sentinel_does_not_use_up_the_timeout_of_the_data() -> None:
    assert doors(parsed(timeout=60))[0].timeout == 5
    assert doors(parsed(timeout=2))[0].timeout == 2
    assert doors(parsed(timeout=60, sentinel={"timeout": 30}))[0].timeout == 30


@pytest.mark.parametrize(
    ("role", "sentinel", "fields", "message"),
    [
        ("source", {"service_name": ""}, {}, r"has no service_name.*SENTINEL MASTERS lists the names"),
        ("source", {"hosts": []}, {}, r"source\.sentinel\.hosts is empty"),
        ("source", {"hosts": [f"redis://:{SECRET}@a"]}, {}, r"hosts\[0\] is not a host's name"),
        ("source", {"hosts": ["a", f"b:{SECRET}"]}, {}, r"hosts\[1\] has a port that is not a number"),
        ("source", {"hosts": [{"host": "a"}]}, {}, r"hosts\[0\] is not a text"),
        ("source", {"pasword": SECRET}, {}, r"unknown fields: pasword.*Did you mean password\?"),
        ("source", {"username": "u"}, {}, "username but no password"),
        ("source", {"timeout": 0}, {}, "timeout must be above 0"),
        ("source", {"ca_fingerprints": ["x"]}, {}, "no SHA-256 fingerprint"),
        ("source", {}, {"host": "h"}, "both a sentinel and a host"),
        ("source", {}, {"url": f"redis://:{SECRET}@h"}, "both a sentinel and a url"),
        ("source", {}, {"port": 1}, "both a sentinel and a port"),
        ("target", {}, {"backend": {"host": "h"}}, "both a sentinel and a backend"),
        ("target", {}, {"prefer_replica": True}, "A replica takes no writes"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    role: str, sentinel: dict[str, Any], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(EndpointError, match=message) as raised:
        parsed(role, sentinel, **fields)
    assert SECRET not in str(raised.value)


def test_a_replica_is_preferred_of_a_service_only() -> None:
    with pytest.raises(EndpointError, match=r"prefer_replica but no sentinel.*the replica's own address"):
        parse_endpoint({"host": "h", "prefer_replica": True}, "source")
    with pytest.raises(EndpointError, match=r"no dictionary.*sentinel: \{service_name: mymaster"):
        parse_endpoint({"sentinel": ["a"]}, "source")


def test_a_live_run_is_the_same_run_wherever_its_ends_are_found() -> None:
    plan = Plan(parsed(password=SECRET), parsed("target", {"service_name": "other"}), parse_selection({}))
    keys = run_key(plan), options_key(plan)
    found_at(plan.source, "10.0.0.1")
    assert (run_key(plan), options_key(plan)) == keys
    assert plan_from_dict(json.loads(json.dumps(plan_as_dict(plan)))) == plan
    other = dataclasses.replace(plan, source=parsed(sentinel={"service_name": "other"}))
    assert run_key(other) != keys[0]
