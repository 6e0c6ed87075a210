# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API v3: organizations, spaces, users, roles, feature flags, jobs, and the few empty lists a CLI asks for."""

from __future__ import annotations

import uuid
from typing import Any

from . import permissions
from .api import Call, Core, Lookup, Routes, listing, unpaged
from .clock import stamp
from .errors import not_found, unprocessable
from .http import Response
from .model import ORG_ROLES, Space

EMPTY_LISTS = (
    "/v3/routes",
    "/v3/apps/GUID/routes",
    "/v3/apps/GUID/revisions",
    "/v3/apps/GUID/revisions/deployed",
    "/v3/domains",
    "/v3/isolation_segments",
    "/v3/organizations/GUID/domains",
    "/v3/processes/GUID/sidecars",
    "/v3/security_groups",
    "/v3/spaces/GUID/running_security_groups",
    "/v3/spaces/GUID/staging_security_groups",
)
FILTERLESS = ("guids", "names", "app_guids", "organization_guids", "space_guids", "running_space_guids", "versions")


def metadata_update(resource: Any, body: dict[str, Any]) -> None:
    """Merge labels and annotations; null removes one."""
    for kind in ("labels", "annotations"):
        known: dict[str, str | None] = getattr(resource, kind)
        for name, value in ((body.get("metadata") or {}).get(kind) or {}).items():
            if value is None:
                known.pop(name, None)
            elif kind == "labels" and len(str(value)) > 63:
                raise unprocessable(f"Metadata label value error: '{value[:8]}...' is greater than 63 characters")
            elif len(str(value)) > 5000:
                raise unprocessable("Metadata annotation value error: is greater than 5000 characters")
            else:
                known[name] = str(value)
    resource.touch()


class _Orgs:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.state = core.state
        self.present = core.present
        self.find = Lookup(core)

    def orgs(self, call: Call) -> Response:
        seen = [org for org in self.state.orgs.values() if permissions.sees_org(call.who, org)]
        filters = {"names": lambda org: org.name, "guids": lambda org: org.guid}
        return listing(self.core, call, seen, filters, self.present.org, ignore_case=("names",))

    def org(self, call: Call) -> Response:
        return Response(200, self.present.org(self.find.org(call)))

    def quota(self, call: Call) -> Response:
        return Response(200, {"guid": call.guid, "name": "default", "apps": {}, "services": {}, "routes": {}})

    def no_segment(self, call: Call) -> Response:
        return Response(200, {"data": None, "links": {"self": {"href": self.present.url + call.request.path}}})

    def spaces(self, call: Call) -> Response:
        seen = [space for space in self.state.spaces.values() if permissions.sees_space(call.who, space)]
        filters = {
            "names": lambda space: space.name,
            "guids": lambda space: space.guid,
            "organization_guids": lambda space: space.org.guid,
        }

        def included(shown: list[Space]) -> dict[str, Any]:
            if "org" not in call.request.one("include"):
                return {}
            return {"organizations": [self.present.org(org) for org in dict.fromkeys(space.org for space in shown)]}

        return listing(
            self.core,
            call,
            seen,
            filters,
            self.present.space,
            ignore_case=("names",),
            also=("include",),
            included=included,
        )

    def space(self, call: Call) -> Response:
        return Response(200, self.present.space(self.find.space(call)))

    def _ssh_feature(self, space: Space) -> dict[str, Any]:
        return {"name": "ssh", "description": "Enable SSHing into apps in the space.", "enabled": space.ssh}

    def space_features(self, call: Call) -> Response:
        return Response(200, unpaged(self.core, call, [self._ssh_feature(self.find.space(call))]))

    def space_feature(self, call: Call) -> Response:
        space = self.find.space(call)
        if call.parts[1] != "ssh":
            raise not_found("Feature")
        if call.request.method == "PATCH":
            permissions.demand(call.who.admin or call.who.has(("space_manager",), space.guid))
            space.ssh = bool(call.request.json().get("enabled"))
        return Response(200, self._ssh_feature(space))

    def users(self, call: Call) -> Response:
        seen = [user for user in self.state.principals.values() if call.who.admin or user is call.who]
        filters = {
            "guids": lambda user: user.guid,
            "usernames": lambda user: user.name,
            "origins": lambda user: user.origin,
        }
        return listing(self.core, call, seen, filters, self.present.user)

    def user(self, call: Call) -> Response:
        user = self.state.principals.get(call.guid)
        if user is None or not (call.who.admin or user is call.who):
            raise not_found("User")
        return Response(200, self.present.user(user))

    def roles(self, call: Call) -> Response:
        rows: list[Any] = []
        for user in self.state.principals.values():
            if not (call.who.admin or user is call.who):
                continue
            for role, where in sorted(user.roles):
                in_org = role in ORG_ROLES
                rows.append(
                    _Role(user.guid, role, where if in_org else None, None if in_org else where, user.created_at)
                )
        filters = {
            "guids": lambda row: row.guid,
            "types": lambda row: row.type,
            "user_guids": lambda row: row.user,
            "organization_guids": lambda row: row.org,
            "space_guids": lambda row: row.space,
        }

        def included(shown: list[_Role]) -> dict[str, Any]:
            if "user" not in call.request.one("include"):
                return {}
            users = dict.fromkeys(row.user for row in shown)
            return {"users": [self.present.user(self.state.principals[guid]) for guid in users]}

        return listing(self.core, call, rows, filters, self._role, also=("include",), included=included)

    def _role(self, row: _Role) -> dict[str, Any]:
        def to(guid: str | None) -> dict[str, Any]:
            return {"data": {"guid": guid} if guid else None}

        return {
            "guid": row.guid,
            "created_at": row.created_at,
            "updated_at": row.created_at,
            "type": row.type,
            "relationships": {"user": to(row.user), "organization": to(row.org), "space": to(row.space)},
            "links": {"self": self.present.link(f"/v3/roles/{row.guid}")},
        }

    def flag(self, call: Call) -> Response:
        name = call.guid
        if name not in self.state.feature_flags:
            raise not_found("Feature flag")
        return Response(200, self._flag(name))

    def flags(self, call: Call) -> Response:
        return Response(200, unpaged(self.core, call, [self._flag(name) for name in self.state.feature_flags]))

    def _flag(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "enabled": self.state.feature_flags[name],
            "updated_at": stamp(),
            "custom_error_message": None,
            "links": {"self": self.present.link(f"/v3/feature_flags/{name}")},
        }

    def job(self, call: Call) -> Response:
        job = self.state.jobs.get(call.guid)
        if job is None:
            raise not_found("Job")
        exists = job.resource_guid in self.state.bindings or job.resource_guid in self.state.instances
        return Response(200, self.present.job(job, exists))

    def stacks(self, call: Call) -> Response:
        stack = {"guid": str(uuid.uuid5(uuid.NAMESPACE_DNS, "cflinuxfs4")), "name": "cflinuxfs4", "description": ""}
        return Response(200, unpaged(self.core, call, [stack]))

    def nothing(self, call: Call) -> Response:
        filters = dict.fromkeys(FILTERLESS, lambda item: item)
        return listing(self.core, call, [], filters, lambda item: item, also=("include",))


class _Role:
    """A role as the API shows it: its guid is made of what it says, so it never changes."""

    def __init__(self, user: str, role: str, org: str | None, space: str | None, created_at: str) -> None:
        self.guid = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{user}/{role}/{org or space}"))
        self.user, self.type, self.org, self.space, self.created_at = user, role, org, space, created_at


def routes(core: Core) -> Routes:
    orgs = _Orgs(core)
    return [
        ("GET", "/v3/organizations", orgs.orgs),
        ("GET", "/v3/organizations/GUID", orgs.org),
        ("GET", "/v3/organizations/GUID/relationships/default_isolation_segment", orgs.no_segment),
        ("GET", "/v3/organization_quotas/GUID", orgs.quota),
        ("GET", "/v3/spaces", orgs.spaces),
        ("GET", "/v3/spaces/GUID", orgs.space),
        ("GET", "/v3/spaces/GUID/relationships/isolation_segment", orgs.no_segment),
        ("GET", "/v3/spaces/GUID/features", orgs.space_features),
        ("GET", "/v3/spaces/GUID/features/GUID", orgs.space_feature),
        ("PATCH", "/v3/spaces/GUID/features/GUID", orgs.space_feature),
        ("GET", "/v3/users", orgs.users),
        ("GET", "/v3/users/GUID", orgs.user),
        ("GET", "/v3/roles", orgs.roles),
        ("GET", "/v3/feature_flags", orgs.flags),
        ("GET", "/v3/feature_flags/GUID", orgs.flag),
        ("GET", "/v3/jobs/GUID", orgs.job),
        ("GET", "/v3/stacks", orgs.stacks),
        *[("GET", path, orgs.nothing) for path in EMPTY_LISTS],
    ]
