# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API v3: apps, their processes and instances, packages, builds, droplets and deployments."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, TypeVar

from . import permissions
from .api import Call, Core, Lookup, Routes, listing, unpaged
from .containers import Container, vcap_services
from .errors import not_found, unprocessable
from .http import Response
from .model import App, Build, Deployment, Droplet, Package, Process
from .orgs import metadata_update

SSH_FEATURE = "Enable SSHing into the app."
REVISIONS_FEATURE = "Enable versioning of an application"

_OfApp = TypeVar("_OfApp", Process, Package, Build, Droplet, Deployment)


def ssh_refusal(core: Core, app: App) -> str:
    """Why nobody may ssh into that app; empty when it is allowed."""
    if not core.state.ssh_enabled:
        return "ssh is disabled globally"
    if not app.space.ssh:
        return f"ssh is disabled for space '{app.space.name}'"
    return "" if app.ssh else "ssh is disabled for app"


class _Apps:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.state = core.state
        self.present = core.present
        self.containers = core.containers
        self.find = Lookup(core)

    def _managed(self, call: Call) -> App:
        app = self.find.app(call)
        permissions.demand(permissions.manages_apps(call.who, app.space))
        return app

    @staticmethod
    def _seen(call: Call, table: Mapping[str, _OfApp]) -> list[_OfApp]:
        return [item for item in table.values() if permissions.sees_space(call.who, item.app.space)]

    @staticmethod
    def _one(call: Call, table: Mapping[str, _OfApp], what: str) -> _OfApp:
        item = table.get(call.guid)
        if item is None or not permissions.sees_space(call.who, item.app.space):
            raise not_found(what)
        return item

    def index(self, call: Call) -> Response:
        seen = [app for app in self.state.apps.values() if permissions.sees_space(call.who, app.space)]
        filters = {
            "names": lambda app: app.name,
            "guids": lambda app: app.guid,
            "space_guids": lambda app: app.space.guid,
            "organization_guids": lambda app: app.space.org.guid,
            "stacks": lambda app: "cflinuxfs4",
            "lifecycle_type": lambda app: "buildpack",
        }

        def included(shown: list[App]) -> dict[str, Any]:
            wanted = call.request.one("include")
            spaces = list(dict.fromkeys(app.space for app in shown))
            found: dict[str, Any] = {}
            if "space" in wanted:
                found["spaces"] = [self.present.space(space) for space in spaces]
            if "org" in wanted:
                orgs = dict.fromkeys(space.org for space in spaces)
                found["organizations"] = [self.present.org(org) for org in orgs]
            return found

        return listing(
            self.core,
            call,
            seen,
            filters,
            self.present.app,
            ignore_case=("names",),
            also=("include",),
            included=included,
        )

    def show(self, call: Call) -> Response:
        return Response(200, self.present.app(self.find.app(call)))

    def update(self, call: Call) -> Response:
        app = self._managed(call)
        metadata_update(app, call.request.json())
        return Response(200, self.present.app(app))

    # Start and stop.

    def start(self, call: Call) -> Response:
        app = self._managed(call)
        self._demand_droplet(app)
        if app.state != "STARTED":
            self.launch(app)
        return Response(200, self.present.app(app))

    def stop(self, call: Call) -> Response:
        app = self._managed(call)
        self.halt(app)
        return Response(200, self.present.app(app))

    def restart(self, call: Call) -> Response:
        app = self._managed(call)
        self._demand_droplet(app)
        self.halt(app)
        self.launch(app)
        return Response(200, self.present.app(app))

    def launch(self, app: App) -> None:
        app.state = "STARTED"
        app.touch()
        for process in app.processes:
            self.containers.start(process)

    def halt(self, app: App) -> None:
        app.state = "STOPPED"
        app.touch()
        for process in app.processes:
            self.containers.stop(process)

    @staticmethod
    def _demand_droplet(app: App) -> None:
        if app.droplet is None:
            raise unprocessable("Assign a droplet before starting this app.")

    # Environment and features.

    def env(self, call: Call) -> Response:
        app = self.find.app(call)
        permissions.demand(permissions.reads_secrets(call.who, app.space))
        limits = {"fds": 16384, "mem": 256, "disk": 1024}
        application: dict[str, Any] = {
            "application_id": app.guid,
            "application_name": app.name,
            "application_uris": [],
            "cf_api": self.present.url,
            "limits": limits,
            "name": app.name,
            "organization_id": app.space.org.guid,
            "organization_name": app.space.org.name,
            "space_id": app.space.guid,
            "space_name": app.space.name,
            "uris": [],
            "users": None,
        }
        return Response(
            200,
            {
                "environment_variables": app.environment,
                "staging_env_json": {},
                "running_env_json": {},
                "system_env_json": {"VCAP_SERVICES": vcap_services(self.state, app)},
                "application_env_json": {"VCAP_APPLICATION": application},
            },
        )

    def ssh_enabled(self, call: Call) -> Response:
        reason = ssh_refusal(self.core, self.find.app(call))
        return Response(200, {"enabled": not reason, "reason": reason})

    def _features(self, app: App) -> dict[str, dict[str, Any]]:
        return {
            "ssh": {"name": "ssh", "description": SSH_FEATURE, "enabled": app.ssh},
            "revisions": {"name": "revisions", "description": REVISIONS_FEATURE, "enabled": False},
        }

    def features(self, call: Call) -> Response:
        return Response(200, unpaged(self.core, call, list(self._features(self.find.app(call)).values())))

    def feature(self, call: Call) -> Response:
        app = self.find.app(call)
        name = call.parts[1]
        if name not in self._features(app):
            raise not_found("Feature")
        if call.request.method == "PATCH":
            permissions.demand(permissions.writes(call.who, app.space))
            if name == "ssh":
                app.ssh = bool(call.request.json().get("enabled"))
        return Response(200, self._features(app)[name])

    # Processes and their instances.

    def processes(self, call: Call) -> Response:
        seen = self._seen(call, self.state.processes)
        filters = {
            "guids": lambda process: process.guid,
            "types": lambda process: process.type,
            "app_guids": lambda process: process.app.guid,
            "space_guids": lambda process: process.app.space.guid,
            "organization_guids": lambda process: process.app.space.org.guid,
        }
        embed = call.request.one("embed") == "process_instances"

        def present(process: Process) -> dict[str, Any]:
            shown = self.present.process(process) | {"command": "[PRIVATE DATA HIDDEN IN LISTS]"}
            return shown | ({"process_instances": self._brief(process)} if embed else {})

        return listing(self.core, call, seen, filters, present, also=("embed",))

    def app_processes(self, call: Call) -> Response:
        app = self.find.app(call)
        filters = {"guids": lambda process: process.guid, "types": lambda process: process.type}
        return listing(self.core, call, app.processes, filters, self.present.process, also=("embed",))

    def _process_of_app(self, call: Call) -> Process:
        for process in self.find.app(call).processes:
            if process.type == call.parts[1]:
                return process
        raise not_found("Process")

    def process(self, call: Call) -> Response:
        return Response(200, self.present.process(self._one(call, self.state.processes, "Process")))

    def app_process(self, call: Call) -> Response:
        return Response(200, self.present.process(self._process_of_app(call)))

    def stats(self, call: Call) -> Response:
        return Response(200, {"resources": self._stats(self._one(call, self.state.processes, "Process"))})

    def app_stats(self, call: Call) -> Response:
        return Response(200, {"resources": self._stats(self._process_of_app(call))})

    def instances(self, call: Call) -> Response:
        return Response(200, {"resources": self._brief(self._one(call, self.state.processes, "Process"))})

    def _brief(self, process: Process) -> list[dict[str, Any]]:
        rows = []
        for stats in self._stats(process):
            rows.append({"index": stats["index"], "state": stats["state"], "since": stats.get("uptime") or 0})
        return rows

    def _stats(self, process: Process) -> list[dict[str, Any]]:
        running = {container.index: container for container in self.containers.of(process)}
        return [self._instance(process, index, running.get(index)) for index in range(process.instances)]

    @staticmethod
    def _instance(process: Process, index: int, container: Container | None) -> dict[str, Any]:
        base: dict[str, Any] = {"type": process.type, "index": index, "isolation_segment": None}
        if container is None or container.state == "DOWN":
            return {**base, "state": "DOWN", "routable": False, "uptime": 0, "details": None}
        running = container.state == "RUNNING"
        used = {"cpu": 0.004, "cpu_entitlement": 0.01, "mem": 41943040, "disk": 69705728, "log_rate": 0}
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {
            **base,
            "instance_guid": container.guid,
            "state": container.state,
            "routable": running,
            "host": "10.0.16.21",
            "instance_internal_ip": "10.255.93.167",
            "uptime": int(time.time() - container.since),
            "mem_quota": 268435456,
            "disk_quota": 1073741824,
            "log_rate_limit": -1,
            "fds_quota": 16384,
            "details": container.details,
            "instance_ports": [
                {
                    "external": None,
                    "internal": 8080,
                    "external_tls_proxy_port": 61002,
                    "internal_tls_proxy_port": 61001,
                }
            ],
            "usage": {"time": now, **(used if running else dict.fromkeys(used, 0))},
        }

    # Packages, builds and droplets: what restage needs.

    def packages(self, call: Call) -> Response:
        seen = self._seen(call, self.state.packages)
        if call.parts:
            app = self.find.app(call)
            seen = [package for package in seen if package.app is app]
        filters = {
            "guids": lambda package: package.guid,
            "states": lambda package: package.state,
            "types": lambda package: "bits",
            "app_guids": lambda package: package.app.guid,
            "space_guids": lambda package: package.app.space.guid,
        }
        return listing(self.core, call, seen, filters, self.present.package)

    def package(self, call: Call) -> Response:
        return Response(200, self.present.package(self._one(call, self.state.packages, "Package")))

    def builds(self, call: Call) -> Response:
        seen = self._seen(call, self.state.builds)
        filters = {
            "states": lambda build: build.state,
            "app_guids": lambda build: build.app.guid,
            "package_guids": lambda build: build.package.guid,
        }
        return listing(self.core, call, seen, filters, self.present.build)

    def build(self, call: Call) -> Response:
        return Response(200, self.present.build(self._one(call, self.state.builds, "Build")))

    def create_build(self, call: Call) -> Response:
        guid = (call.request.json().get("package") or {}).get("guid")
        package = self.state.packages.get(guid or "")
        if package is None or not permissions.sees_space(call.who, package.app.space):
            raise unprocessable("Unable to use package. Ensure that the package exists and you have access to it.")
        permissions.demand(permissions.manages_apps(call.who, package.app.space))
        if any(build.app is package.app and build.state == "STAGING" for build in self.state.builds.values()):
            raise unprocessable("Only one build can be STAGING at a time per application.")
        build = Build(package.app, package)
        self.state.builds[build.guid] = build

        def finish() -> None:
            with self.state.lock:
                build.touch()
                if build.app.staging_fails:
                    build.state, build.error = "FAILED", "StagingError - Staging error: staging failed"
                    return
                build.droplet = Droplet(build.app, package)
                self.state.droplets[build.droplet.guid] = build.droplet
                build.state = "STAGED"

        self.state.scheduler.after(self.state.staging_delay, finish)
        return Response(201, self.present.build(build))

    def droplets(self, call: Call) -> Response:
        seen = self._seen(call, self.state.droplets)
        if call.parts and "/packages/" in call.request.path:
            seen = [droplet for droplet in seen if droplet.package and droplet.package.guid == call.guid]
        elif call.parts:
            app = self.find.app(call)
            seen = [droplet for droplet in seen if droplet.app is app]
        filters = {
            "guids": lambda droplet: droplet.guid,
            "states": lambda droplet: droplet.state,
            "app_guids": lambda droplet: droplet.app.guid,
            "current": lambda droplet: str(droplet.app.droplet is droplet).lower(),
        }
        return listing(self.core, call, seen, filters, self.present.droplet)

    def droplet(self, call: Call) -> Response:
        return Response(200, self.present.droplet(self._one(call, self.state.droplets, "Droplet")))

    def current_droplet(self, call: Call) -> Response:
        app = self.find.app(call)
        if app.droplet is None:
            raise not_found("Droplet")
        return Response(200, self.present.droplet(app.droplet))

    def droplet_relationship(self, call: Call) -> Response:
        app = self._managed(call) if call.request.method == "PATCH" else self.find.app(call)
        if call.request.method == "PATCH":
            guid = (call.request.json().get("data") or {}).get("guid")
            droplet = self.state.droplets.get(guid or "")
            if droplet is None or droplet.app is not app:
                raise unprocessable(
                    "Unable to assign current droplet. Ensure the droplet exists and belongs to this app."
                )
            app.droplet = droplet
            app.touch()
        if app.droplet is None:
            raise not_found("Droplet")
        links = {
            "self": self.present.link(f"/v3/apps/{app.guid}/relationships/current_droplet"),
            "related": self.present.link(f"/v3/apps/{app.guid}/droplets/current"),
        }
        return Response(200, {"data": {"guid": app.droplet.guid}, "links": links})

    # Rolling restarts.

    def deployments(self, call: Call) -> Response:
        seen = self._seen(call, self.state.deployments)
        filters = {
            "app_guids": lambda deployment: deployment.app.guid,
            "states": lambda deployment: "DEPLOYING" if deployment.value == "ACTIVE" else "DEPLOYED",
            "status_reasons": lambda deployment: deployment.reason,
            "status_values": lambda deployment: deployment.value,
        }
        return listing(self.core, call, seen, filters, self.present.deployment)

    def deployment(self, call: Call) -> Response:
        return Response(200, self.present.deployment(self._one(call, self.state.deployments, "Deployment")))

    def create_deployment(self, call: Call) -> Response:
        body = call.request.json()
        guid = (((body.get("relationships") or {}).get("app") or {}).get("data") or {}).get("guid")
        app = self.state.apps.get(guid or "")
        if app is None or not permissions.manages_apps(call.who, app.space):
            raise unprocessable("Unable to use app. Ensure that the app exists and you have access to it.")
        droplet = self.state.droplets.get((body.get("droplet") or {}).get("guid") or "", app.droplet)
        if droplet is None:
            raise unprocessable("Invalid droplet. Please specify a droplet in the request or set a current droplet.")
        for running in self.state.deployments.values():
            if running.app is app and running.value == "ACTIVE":
                self._finalize(running, "SUPERSEDED")
        old = app.processes[0]
        new = Process(app, "web", old.instances)
        deployment = Deployment(app, new, droplet, app.droplet, body.get("strategy") or "rolling")
        self.state.deployments[deployment.guid] = deployment
        app.droplet = droplet
        if app.state == "STOPPED":
            deployment.process = old
            self.launch(app)
            self._finalize(deployment, "DEPLOYED")
            return Response(201, self.present.deployment(deployment))
        self.state.processes[new.guid] = new
        app.processes.append(new)

        def ready() -> None:
            with self.state.lock:
                if deployment.value == "ACTIVE":
                    self._remove_process(old)
                    self._finalize(deployment, "DEPLOYED")

        self.containers.start(new, ready)
        return Response(201, self.present.deployment(deployment))

    def _remove_process(self, process: Process) -> None:
        self.containers.stop(process)
        process.app.processes.remove(process)
        del self.state.processes[process.guid]

    def _finalize(self, deployment: Deployment, reason: str) -> None:
        deployment.value, deployment.reason = "FINALIZED", reason
        deployment.touch()

    def cancel_deployment(self, call: Call) -> Response:
        deployment = self._one(call, self.state.deployments, "Deployment")
        permissions.demand(permissions.manages_apps(call.who, deployment.app.space))
        if deployment.value != "ACTIVE":
            raise unprocessable("Cannot cancel a FINALIZED deployment")
        self._remove_process(deployment.process)
        deployment.app.droplet = deployment.previous_droplet
        self._finalize(deployment, "CANCELED")
        return Response(200)


def routes(core: Core) -> Routes:
    apps = _Apps(core)
    app = "/v3/apps/GUID"
    return [
        ("GET", "/v3/apps", apps.index),
        ("GET", app, apps.show),
        ("PATCH", app, apps.update),
        ("POST", f"{app}/actions/start", apps.start),
        ("POST", f"{app}/actions/stop", apps.stop),
        ("POST", f"{app}/actions/restart", apps.restart),
        ("GET", f"{app}/env", apps.env),
        ("GET", f"{app}/ssh_enabled", apps.ssh_enabled),
        ("GET", f"{app}/features", apps.features),
        ("GET", f"{app}/features/GUID", apps.feature),
        ("PATCH", f"{app}/features/GUID", apps.feature),
        ("GET", f"{app}/processes", apps.app_processes),
        ("GET", f"{app}/processes/GUID", apps.app_process),
        ("GET", f"{app}/processes/GUID/stats", apps.app_stats),
        ("GET", f"{app}/packages", apps.packages),
        ("GET", f"{app}/droplets", apps.droplets),
        ("GET", f"{app}/droplets/current", apps.current_droplet),
        ("GET", f"{app}/relationships/current_droplet", apps.droplet_relationship),
        ("PATCH", f"{app}/relationships/current_droplet", apps.droplet_relationship),
        ("GET", "/v3/processes", apps.processes),
        ("GET", "/v3/processes/GUID", apps.process),
        ("GET", "/v3/processes/GUID/stats", apps.stats),
        ("GET", "/v3/processes/GUID/process_instances", apps.instances),
        ("GET", "/v3/packages", apps.packages),
        ("GET", "/v3/packages/GUID", apps.package),
        ("GET", "/v3/packages/GUID/droplets", apps.droplets),
        ("GET", "/v3/builds", apps.builds),
        ("POST", "/v3/builds", apps.create_build),
        ("GET", "/v3/builds/GUID", apps.build),
        ("GET", "/v3/droplets", apps.droplets),
        ("GET", "/v3/droplets/GUID", apps.droplet),
        ("GET", "/v3/deployments", apps.deployments),
        ("POST", "/v3/deployments", apps.create_deployment),
        ("GET", "/v3/deployments/GUID", apps.deployment),
        ("POST", "/v3/deployments/GUID/actions/cancel", apps.cancel_deployment),
    ]
