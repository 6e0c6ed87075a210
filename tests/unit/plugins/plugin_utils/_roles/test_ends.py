# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service keys and tunnels the ends need, and what the keys say about the ends."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.ends import (
    migration_ends,
    service_key_endpoints,
    with_backend,
)

URL = {"url": "redis://source.example.com"}
INSTANCE = {"service_instance": "new"}
EXPOSED = {"host": "red1-master-1.data.eu01.onstackit.cloud", "port": 49620, "tls": True}


def ends(source: dict[str, Any], target: dict[str, Any], *, tunnel_app: str = "", **cf: str) -> dict[str, Any]:
    return migration_ends(source, target, cf=cf, service_key="redis-migration", tunnel_app=tunnel_app)


def looked_up(needed: dict[str, Any], **endpoints: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Results of looking up the service keys; an end without an endpoint has no key yet."""
    return [
        {
            "item": key,
            "endpoint": endpoints[key["end"]],
            "service_key": {"guid": key["end"] if endpoints[key["end"]] else None},
        }
        for key in needed["service_keys"]
    ]


def test_given_addresses_need_neither_keys_nor_tunnels() -> None:
    assert ends(URL, {"host": "there", "port": 1}, tunnel_app="jump") == {
        "source": URL,
        "target": {"host": "there", "port": 1},
        "service_keys": [],
        "tunnels": [],
    }


def test_fields_for_cloud_foundry_are_no_fields_of_an_endpoint() -> None:
    given = {**INSTANCE, "tls": True, "space": "s", "plan": "p", "offering": "o", "tags": [], "tunnel": {"app": "a"}}
    assert ends(URL, given)["target"] == {"tls": True}


def test_a_key_is_needed_of_an_end_without_an_address() -> None:
    found = ends(
        {"service_instance": "old", "organization": "o1", "service_key": "mine", "endpoint_query": "q"},
        INSTANCE,
        organization="o2",
        space="s2",
    )
    assert found["service_keys"] == [
        {
            "end": "source", "service_instance": "old", "organization": "o1", "space": "s2", "name": "mine",
            "endpoint_query": "q", "use_sentinel": False,
        },
        {
            "end": "target", "service_instance": "new", "organization": "o2", "space": "s2", "name": "redis-migration",
            "endpoint_query": "", "use_sentinel": False,
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "needed"),
    [
        ({**INSTANCE, "url": "redis://x"}, []),
        ({**INSTANCE, "host": "x"}, []),
        ({**INSTANCE, "sentinel": {"service_name": "m", "hosts": ["x"]}}, []),
        ({**INSTANCE, "backend_service_instance": "inside"}, ["new", "inside"]),
        ({"url": "redis://x", "backend_service_instance": "inside"}, ["inside"]),
        ({**INSTANCE, "backend_service_instance": "inside", "backend": {"host": "x"}}, ["new"]),
    ],
)
def test_a_key_of_the_backend_is_needed_unless_it_is_given(target: dict[str, Any], needed: list[str]) -> None:
    assert [key["service_instance"] for key in ends(URL, target)["service_keys"]] == needed


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ({}, False),
        ({"use_sentinel": True}, True),
        ({"prefer_replica": True}, True),
        ({"prefer_replica": "no"}, False),
        ({"prefer_replica": True, "use_sentinel": False}, False),
    ],
)
def test_sentinels_of_a_key_are_taken_where_they_are_needed(source: dict[str, Any], taken: bool) -> None:
    target = {**INSTANCE, "backend_service_instance": "inside", "use_sentinel": True}
    found = ends({"service_instance": "old", **source}, target)
    assert [key["use_sentinel"] for key in found["service_keys"]] == [taken, True, False]
    assert "use_sentinel" not in found["source"]


def test_the_default_tunnel_leads_to_ends_of_cloud_foundry_only() -> None:
    assert [tunnel["end"] for tunnel in ends(URL, INSTANCE, tunnel_app="jump")["tunnels"]] == ["target"]
    own = {"app": "own", "instance": 1}
    found = ends({**URL, "tunnel": own, "space": "s1"}, {**INSTANCE, "tunnel": {}}, tunnel_app="jump", space="s2")
    assert found["tunnels"] == [{"end": "source", "tunnel": own, "organization": "", "space": "s1"}]


def test_what_is_given_goes_before_what_the_key_says() -> None:
    needed = ends({"service_instance": "old", "password": "given"}, {**INSTANCE, "timeout": 5})
    found = service_key_endpoints(
        needed, looked_up(needed, source={"host": "a", "password": "key's"}, target={"host": "b", "timeout": 9})
    )
    assert found["source"] == {"host": "a", "password": "given"}
    assert found["target"] == {"host": "b", "timeout": 5}
    assert found["known"] and found["service_keys"] == [{"guid": "source"}, {"guid": "target"}]


def test_created_keys_take_the_place_of_missing_ones() -> None:
    needed = ends({"service_instance": "old"}, INSTANCE)
    before = looked_up(needed, source={"host": "a"}, target=None)
    created = [{"item": before[1]["item"], "endpoint": {"host": "b"}, "service_key": {"guid": "new"}}]
    found = service_key_endpoints(needed, before, created)
    assert found["known"] and found["target"] == {"host": "b"}
    assert found["service_keys"] == [{"guid": "source"}, {"guid": "new"}]


@pytest.mark.parametrize("created", [[], [{"item": {"end": "target"}, "skipped": True}]])
def test_an_end_is_unknown_while_its_key_is_missing(created: list[dict[str, Any]]) -> None:
    needed = ends({"service_instance": "old"}, INSTANCE)
    found = service_key_endpoints(needed, looked_up(needed, source={"host": "a"}, target=None), created)
    assert not found["known"] and found["target"] == {}
    assert found["service_keys"] == [{"guid": "source"}, {"guid": None}]


def test_an_instance_without_keys_adds_none() -> None:
    needed = ends(URL, INSTANCE)
    results = [{**looked_up(needed, target={"host": "b"})[0], "service_key": None}]
    assert service_key_endpoints(needed, results)["service_keys"] == []


def test_the_backend_is_an_address_and_who_logs_in_there() -> None:
    needed = ends(URL, {**INSTANCE, "backend_service_instance": "inside"})
    inside = {"host": "in", "port": 6379, "password": "p", "tls": True}
    found = service_key_endpoints(needed, looked_up(needed, target=EXPOSED, backend=inside))
    assert found["target"] == {**EXPOSED, "backend": {"host": "in", "port": 6379, "password": "p"}}
    assert found["backend_guess"] == ""
    assert with_backend({"host": "b"}, inside)["backend"] == found["target"]["backend"]


def test_both_ends_are_known_without_a_key_of_the_backend() -> None:
    needed = ends(URL, {**INSTANCE, "backend_service_instance": "inside"})
    found = service_key_endpoints(needed, looked_up(needed, target={"host": "b"}, backend=None))
    assert found["known"] and "backend" not in found["target"]


@pytest.mark.parametrize(
    ("given", "host", "guess"),
    [
        ({}, "red1-master-1.data.eu01.onstackit.cloud", "new-internal"),
        ({}, "red1-master-1.data.eu02.onstackit.schwarz", "new-internal"),
        ({}, "red1-master.service.dc1.a9ssvc", ""),
        ({"backend": {"host": "x"}}, "red1-master-1.data.eu01.onstackit.cloud", ""),
        ({"backend_service_instance": "inside"}, "red1-master-1.data.eu01.onstackit.cloud", ""),
    ],
)
def test_a_backend_is_looked_for_behind_an_exposed_target(given: dict[str, Any], host: str, guess: str) -> None:
    needed = ends(URL, {**INSTANCE, **given})
    found = service_key_endpoints(needed, looked_up(needed, target={"host": host}, backend=None))
    assert found["backend_guess"] == guess


def test_a_source_alone_is_an_end_too() -> None:
    needed = ends({"service_instance": "old"}, {}, tunnel_app="jump")
    assert (needed["target"], [one["end"] for one in needed["service_keys"]]) == ({}, ["source"])
    assert [one["end"] for one in needed["tunnels"]] == ["source"]
    found = service_key_endpoints(needed, looked_up(needed, source={"host": "here"}))
    assert (found["source"], found["target"], found["known"], found["backend_guess"]) == (
        {"host": "here"},
        {},
        True,
        "",
    )
