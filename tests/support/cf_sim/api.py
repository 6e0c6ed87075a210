# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Cloud Controller: which request goes where, who asks, and what every client looks up first."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import permissions
from .broker import RedisBroker
from .containers import Containers
from .errors import CFError, not_found
from .faults import Faults
from .http import Request, Response
from .jobs import Jobs
from .lists import Filter, page, select
from .model import App, Instance, Org, Principal, Space, State
from .present import Presenter
from .uaa import Uaa

GUID = r"([^/]+)"
V2_VERSION = "2.263.0"
# fmt: off
V3_NAMES = (
    "apps", "builds", "buildpacks", "deployments", "domains", "droplets", "environment_variable_groups",
    "feature_flags", "info", "isolation_segments", "organizations", "organization_quotas", "packages", "processes",
    "resource_matches", "roles", "routes", "security_groups", "service_brokers", "service_credential_bindings",
    "service_instances", "service_offerings", "service_plans", "service_route_bindings", "spaces", "space_quotas",
    "stacks", "tasks", "users",
)
# fmt: on


@dataclass
class Core:
    """What the parts of the API share."""

    state: State
    faults: Faults
    present: Presenter
    broker: RedisBroker
    containers: Containers
    jobs: Jobs


@dataclass
class Call:
    """One authenticated request with what its path says."""

    request: Request
    who: Principal
    parts: tuple[str, ...]

    @property
    def guid(self) -> str:
        return self.parts[0]


Handler = Callable[[Call], Response]
Routes = list[tuple[str, str, Handler]]


class Lookup:
    """Finds resources for somebody: the invisible is as missing as the missing. Raises 10010."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.state = core.state

    def org(self, call: Call) -> Org:
        org = self.state.orgs.get(call.guid)
        if org is None or not permissions.sees_org(call.who, org):
            raise not_found("Organization")
        return org

    def space(self, call: Call) -> Space:
        space = self.state.spaces.get(call.guid)
        if space is None or not permissions.sees_space(call.who, space):
            raise not_found("Space")
        return space

    def app(self, call: Call) -> App:
        app = self.state.apps.get(call.guid)
        if app is None or not permissions.sees_space(call.who, app.space):
            raise not_found("App")
        return app

    def instance(self, call: Call) -> Instance:
        instance = self.state.instances.get(call.guid)
        if instance is None or not permissions.sees_instance(call.who, instance):
            raise not_found("Service instance")
        return instance


def listing(
    core: Core,
    call: Call,
    found: list[Any],
    filters: dict[str, Filter],
    present: Callable[[Any], dict[str, Any]],
    *,
    ignore_case: tuple[str, ...] = (),
    also: tuple[str, ...] = (),
    included: Callable[[list[Any]], dict[str, Any]] | None = None,
) -> Response:
    """A page of a list, with what `included` makes of the resources on it."""
    chosen = select(call.request, found, filters, ignore_case=ignore_case, also=also)
    body, shown = page(call.request, core.present.url, chosen, present)
    if included is not None and (extra := included(shown)):
        body["included"] = extra
    return Response(200, body)


def unpaged(core: Core, call: Call, resources: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that the API never splits."""
    here = {"href": core.present.url + call.request.path}
    pagination: dict[str, Any] = {"total_results": len(resources), "total_pages": 1, "first": here, "last": here}
    return {"resources": resources, "pagination": {**pagination, "next": None, "previous": None}}


class Api:
    """Give `handle` to a Listener. `ssh_address` and `fingerprint` are filled in by the server."""

    def __init__(self, core: Core, uaa: Uaa, parts: list[Callable[[Core], Routes]], version: str) -> None:
        self.core = core
        self._uaa = uaa
        self._version = version
        self.ssh_address = ""
        self.fingerprint = ""
        self.v2 = True  # what the service commands of cf 7 speak; False: an installation that has dropped it
        self.rate_limit: int | None = None  # requests a user may make in all; None: no limit
        self._made: dict[str, int] = {}
        routes = [route for part in parts for route in part(core)]
        self._routes = [(method, re.compile(path.replace("GUID", GUID)), handler) for method, path, handler in routes]

    def handle(self, request: Request) -> Response:
        open_pages: dict[str, Callable[[], dict[str, Any]]] = {
            "/": self._root,
            "/v3": self._v3_root,
            "/v3/info": self._info,
            "/v2/info": self._v2_info,
        }
        if request.method == "GET" and request.path in open_pages:
            return Response(200, open_pages[request.path]())
        if request.path.startswith("/api/v1/"):
            return self._log_cache(request)
        try:
            return self._authenticated(request)
        except CFError as error:
            if request.path.startswith("/v2/") and error.status != 429:
                entry = error.entry
                body = {"code": entry["code"], "error_code": entry["title"], "description": entry["detail"]}
                return Response(error.status, body)
            raise

    def _authenticated(self, request: Request) -> Response:
        who = self._who(request)
        headers = self._count(who)
        if request.path.startswith("/v2/") and not self.v2:
            raise CFError("NotFound")
        with self.core.state.lock:
            for method, pattern, handler in self._routes:
                if method == request.method and (match := pattern.fullmatch(request.path)):
                    response = handler(Call(request, who, match.groups()))
                    response.headers |= headers
                    return response
        raise CFError("NotFound")

    def _log_cache(self, request: Request) -> Response:
        """Log Cache, as far as `cf restart` and `cf restage` need it: one line per app."""
        if request.path == "/api/v1/info":
            return Response(200, {"version": "3.0.0", "vm_uptime": "1"})
        self._who(request)
        line = base64.b64encode(b"the simulator keeps no logs").decode()
        envelope = {
            "timestamp": str(time.time_ns()),
            "source_id": request.path.rpartition("/")[2],
            "instance_id": "0",
            "tags": {"source_type": "APP/PROC/WEB"},
            "log": {"payload": line, "type": "OUT"},
        }
        latest = request.one("descending") == "true"
        return Response(200, {"envelopes": {"batch": [envelope] if latest else []}})

    def _who(self, request: Request) -> Principal:
        kind, _space, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise CFError("NotAuthenticated")
        if self.core.faults.tokens_expire_now():
            self._uaa.expire_access_tokens()
        who = self._uaa.verify(token)
        request.user = who.name
        return who

    def _count(self, who: Principal) -> dict[str, str]:
        if self.rate_limit is None:
            return {}
        made = self._made[who.guid] = self._made.get(who.guid, 0) + 1
        if made > self.rate_limit:
            raise CFError("RateLimitExceeded")
        return {
            "X-RateLimit-Limit": str(self.rate_limit),
            "X-RateLimit-Remaining": str(self.rate_limit - made),
            "X-RateLimit-Reset": str(int(time.time()) + 3600),
        }

    def _root(self) -> dict[str, Any]:
        link = self.core.present.link
        return {
            "links": {
                "self": link(""),
                "bits_service": None,
                "cloud_controller_v2": {**link("/v2"), "meta": {"version": V2_VERSION}} if self.v2 else None,
                "cloud_controller_v3": {**link("/v3"), "meta": {"version": self._version}},
                "network_policy_v0": link("/networking/v0/external"),
                "network_policy_v1": link("/networking/v1/external"),
                "login": {"href": self._uaa.url},
                "uaa": {"href": self._uaa.url},
                "credhub": None,
                "routing": link("/routing"),
                "logging": None,
                "log_cache": link(""),
                "log_stream": None,
                "app_ssh": {
                    "href": self.ssh_address,
                    "meta": {"host_key_fingerprint": self.fingerprint, "oauth_client": "ssh-proxy"},
                },
            }
        }

    def _v3_root(self) -> dict[str, Any]:
        link = self.core.present.link
        return {"links": {"self": link("/v3"), **{name: link(f"/v3/{name}") for name in V3_NAMES}}}

    def _info(self) -> dict[str, Any]:
        return {
            "build": "simulated",
            "cli_version": {"minimum": "", "recommended": ""},
            "custom": {},
            "description": "Cloud Foundry simulator",
            "name": "cf-sim",
            "version": 1,
            "osbapi_version": "2.15",
            "links": {"self": self.core.present.link("/v3/info"), "support": {"href": ""}},
        }

    def _v2_info(self) -> dict[str, Any]:
        return {
            "name": "cf-sim",
            "build": "simulated",
            "support": "" if self.v2 else "CF API v2 is disabled",
            "version": 1,
            "description": "Cloud Foundry simulator",
            "authorization_endpoint": self._uaa.url,
            "token_endpoint": self._uaa.url,
            "min_cli_version": None,
            "min_recommended_cli_version": None,
            "app_ssh_endpoint": self.ssh_address,
            "app_ssh_host_key_fingerprint": self.fingerprint,
            "app_ssh_oauth_client": "ssh-proxy",
            "doppler_logging_endpoint": "",
            "api_version": V2_VERSION if self.v2 else "",
            "osbapi_version": "2.15",
        }
