# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API says of a resource, as plain data: organization and space, service instance, app, last operation."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import printable
from .session import Json

# Bindings of apps and service keys are the same kind of resource.
CREDENTIAL_BINDINGS = "/v3/service_credential_bindings"


@dataclass(frozen=True)
class Named:
    guid: str
    name: str


@dataclass(frozen=True)
class Place:
    """Where names are looked up. Without a space (or an organization) in everything the login can see."""

    organization: Named | None = None
    space: Named | None = None

    def __str__(self) -> str:
        if self.space and self.organization:
            return f'the space "{self.space.name}" of the organization "{self.organization.name}"'
        if self.organization:
            return f'the organization "{self.organization.name}"'
        return "any space this login can see"

    @property
    def developer(self) -> str:
        """The role that may change things here, for messages."""
        where = f'the space "{self.space.name}"' if self.space else "the space"
        return f"Space Developer in {where}"

    def filters(self) -> dict[str, str]:
        if self.space:
            return {"space_guids": self.space.guid}
        if self.organization:
            return {"organization_guids": self.organization.guid}
        return {}


@dataclass(frozen=True)
class ServiceInstance:
    """C(resource) is the object as the API gives it."""

    guid: str
    name: str
    managed: bool
    space_guid: str
    resource: dict[str, t.Any]

    def __str__(self) -> str:
        return f'the service instance "{self.name}"'

    @property
    def plan_guid(self) -> str | None:
        return related(self.resource, "service_plan")

    @property
    def operation(self) -> tuple[str, str, str]:
        """See :func:`operation_of`."""
        return operation_of(self.resource)


@dataclass(frozen=True)
class App:
    """C(state) is C(STARTED) or C(STOPPED)."""

    guid: str
    name: str
    state: str
    space_guid: str

    def __str__(self) -> str:
        return f'the app "{self.name}"'


def related(resource: dict[str, t.Any], name: str) -> str | None:
    """The GUID of a to-one relationship."""
    data = ((resource.get("relationships") or {}).get(name) or {}).get("data") or {}
    return data.get("guid")


def instance_of(resource: dict[str, t.Any]) -> ServiceInstance:
    return ServiceInstance(
        guid=resource["guid"],
        name=printable(resource["name"]),
        managed=resource.get("type", "managed") == "managed",
        space_guid=related(resource, "space") or "",
        resource=resource,
    )


def app_of(resource: dict[str, t.Any]) -> App:
    """The app in an API object."""
    return App(
        guid=resource["guid"],
        name=printable(resource.get("name") or resource["guid"]),
        state=resource.get("state") or "",
        space_guid=related(resource, "space") or "",
    )


def operation_of(resource: Json) -> tuple[str, str, str]:
    """Type, state and description of the last operation; what is from before CF kept these counts as created."""
    last = resource.get("last_operation") or {}
    return last.get("type") or "create", last.get("state") or "succeeded", last.get("description") or ""
