# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of the API: what is read out of them, and how messages call them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.resources import (
    Named,
    Place,
    app_of,
    instance_of,
    operation_of,
    related,
)

ORGANIZATION, SPACE = Named("o-1", "acme"), Named("s-1", "prod")


@pytest.mark.parametrize(
    ("place", "called", "filters"),
    [
        (Place(), "any space this login can see", {}),
        (Place(ORGANIZATION), 'the organization "acme"', {"organization_guids": "o-1"}),
        (Place(ORGANIZATION, SPACE), 'the space "prod" of the organization "acme"', {"space_guids": "s-1"}),
    ],
)
def test_places(place: Place, called: str, filters: dict[str, str]) -> None:
    assert str(place) == called
    assert place.filters() == filters


def test_the_role_that_may_change_things_names_its_space() -> None:
    assert Place(ORGANIZATION, SPACE).developer == 'Space Developer in the space "prod"'
    assert Place(ORGANIZATION).developer == "Space Developer in the space"


def resource(**fields: Any) -> dict[str, Any]:
    return {"guid": "g-1", "name": "shop", "relationships": {"space": {"data": {"guid": "s-1"}}}, **fields}


def test_an_instance_is_managed_unless_it_says_otherwise() -> None:
    assert instance_of(resource()).managed
    assert instance_of(resource(type="managed")).managed
    assert not instance_of(resource(type="user-provided")).managed


def test_an_instance_without_a_plan() -> None:
    instance = instance_of(resource(relationships={"service_plan": {"data": None}}))
    assert (instance.plan_guid, instance.space_guid) == (None, "")
    assert instance_of(resource()).space_guid == "s-1"


def test_names_are_printable() -> None:
    assert str(instance_of(resource(name="a\nb"))) == 'the service instance "a\\x0ab"'
    assert str(app_of(resource(name="a\x1b[1m"))) == 'the app "a\\x1b[1m"'


def test_an_app_without_a_name_is_called_by_its_guid() -> None:
    app = app_of({"guid": "g-1"})
    assert (app.name, app.state, app.space_guid) == ("g-1", "", "")


@pytest.mark.parametrize("relationships", [None, {}, {"space": None}, {"space": {"data": None}}])
def test_nothing_related(relationships: Any) -> None:
    assert related({"relationships": relationships}, "space") is None


def test_without_an_operation_a_resource_counts_as_created() -> None:
    assert operation_of({}) == operation_of({"last_operation": None}) == ("create", "succeeded", "")
    last = {"type": "delete", "state": "failed", "description": "The broker is down."}
    assert operation_of({"last_operation": last}) == ("delete", "failed", "The broker is down.")
