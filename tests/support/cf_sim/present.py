# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the Cloud Controller shows its resources (API v3)."""

from __future__ import annotations

from typing import Any

from .model import (
    App,
    Binding,
    Broker,
    Build,
    Deployment,
    Droplet,
    Instance,
    Job,
    Offering,
    Operation,
    Org,
    Package,
    Plan,
    Principal,
    Process,
    Resource,
    Space,
)

Shown = dict[str, Any]


class Presenter:
    """Presents for one installation, whose address is `url`."""

    def __init__(self) -> None:
        self.url = ""

    def link(self, path: str, method: str = "") -> dict[str, str]:
        return {"href": self.url + path, **({"method": method} if method else {})}

    def links(self, /, **paths: str) -> dict[str, dict[str, str]]:
        return {name: self.link(path) for name, path in paths.items()}

    @staticmethod
    def _to(resource: Resource | None) -> Shown:
        return {"data": {"guid": resource.guid} if resource else None}

    @staticmethod
    def _common(resource: Resource) -> Shown:
        return {"guid": resource.guid, "created_at": resource.created_at, "updated_at": resource.updated_at}

    @staticmethod
    def _metadata(resource: Resource) -> Shown:
        return {"metadata": {"labels": dict(resource.labels), "annotations": dict(resource.annotations)}}

    def org(self, org: Org) -> Shown:
        base = f"/v3/organizations/{org.guid}"
        return {
            **self._common(org),
            "name": org.name,
            "suspended": org.suspended,
            "relationships": {"quota": {"data": {"guid": "b7887f5c-0000-4000-8000-577572e4fb2d"}}},
            **self._metadata(org),
            "links": self.links(
                self=base,
                domains=f"{base}/domains",
                default_domain=f"{base}/domains/default",
                quota="/v3/organization_quotas/b7887f5c-0000-4000-8000-577572e4fb2d",
            ),
        }

    def space(self, space: Space) -> Shown:
        base = f"/v3/spaces/{space.guid}"
        return {
            **self._common(space),
            "name": space.name,
            "suspended": space.org.suspended,
            "relationships": {"organization": self._to(space.org), "quota": {"data": None}},
            **self._metadata(space),
            "links": {
                **self.links(
                    self=base, features=f"{base}/features", organization=f"/v3/organizations/{space.org.guid}"
                ),
                "apply_manifest": self.link(f"{base}/actions/apply_manifest", "POST"),
            },
        }

    def user(self, user: Principal) -> Shown:
        return {
            **self._common(user),
            "username": None if user.is_client else user.name,
            "presentation_name": user.name,
            "origin": None if user.is_client else user.origin,
            **self._metadata(user),
            "links": self.links(self=f"/v3/users/{user.guid}"),
        }

    def broker(self, broker: Broker) -> Shown:
        base = f"/v3/service_brokers/{broker.guid}"
        return {
            **self._common(broker),
            "name": broker.name,
            "url": "https://broker.sim.example",
            "relationships": {},
            **self._metadata(broker),
            "links": self.links(
                self=base, service_offerings=f"/v3/service_offerings?service_broker_guids={broker.guid}"
            ),
        }

    def offering(self, offering: Offering) -> Shown:
        base = f"/v3/service_offerings/{offering.guid}"
        return {
            **self._common(offering),
            "name": offering.name,
            "description": offering.description,
            "available": True,
            "tags": list(offering.tags),
            "requires": [],
            "shareable": offering.shareable,
            "documentation_url": "",
            "broker_catalog": {
                "id": f"catalog-{offering.guid}",
                "metadata": {"shareable": offering.shareable},
                "features": {
                    "plan_updateable": False,
                    "bindable": True,
                    "instances_retrievable": False,
                    "bindings_retrievable": False,
                    "allow_context_updates": False,
                },
            },
            "relationships": {"service_broker": self._to(offering.broker)},
            **self._metadata(offering),
            "links": self.links(
                self=base,
                service_plans=f"/v3/service_plans?service_offering_guids={offering.guid}",
                service_broker=f"/v3/service_brokers/{offering.broker.guid}",
            ),
        }

    def plan(self, plan: Plan) -> Shown:
        base = f"/v3/service_plans/{plan.guid}"
        no_schema: Shown = {"parameters": {}}
        return {
            **self._common(plan),
            "name": plan.name,
            "visibility_type": "public",
            "available": True,
            "free": plan.free,
            "costs": [],
            "description": f"{plan.offering.name} {plan.name}",
            "maintenance_info": {},
            "broker_catalog": {
                "id": f"catalog-{plan.guid}",
                "metadata": {},
                "maximum_polling_duration": None,
                "features": {"bindable": plan.bindable, "plan_updateable": False},
            },
            "schemas": {
                "service_instance": {"create": no_schema, "update": no_schema},
                "service_binding": {"create": no_schema},
            },
            "relationships": {"service_offering": self._to(plan.offering)},
            **self._metadata(plan),
            "links": self.links(
                self=base,
                service_offering=f"/v3/service_offerings/{plan.offering.guid}",
                visibility=f"{base}/visibility",
            ),
        }

    @staticmethod
    def operation(operation: Operation) -> Shown:
        return {
            "type": operation.type,
            "state": operation.state,
            "description": operation.description,
            "created_at": operation.created_at,
            "updated_at": operation.updated_at,
        }

    def instance(self, instance: Instance) -> Shown:
        base = f"/v3/service_instances/{instance.guid}"
        shown = {
            **self._common(instance),
            "name": instance.name,
            "tags": list(instance.tags),
            "last_operation": self.operation(instance.operation),
            "type": "managed" if instance.managed else "user-provided",
            "relationships": {"space": self._to(instance.space)},
            **self._metadata(instance),
            "links": self.links(
                self=base,
                space=f"/v3/spaces/{instance.space.guid}",
                service_credential_bindings=f"/v3/service_credential_bindings?service_instance_guids={instance.guid}",
                service_route_bindings=f"/v3/service_route_bindings?service_instance_guids={instance.guid}",
            ),
        }
        if instance.plan is None:
            shown |= {"syslog_drain_url": None, "route_service_url": None}
            shown["links"]["credentials"] = self.link(f"{base}/credentials")
        else:
            shown |= {
                "maintenance_info": {"version": instance.version},
                "upgrade_available": False,
                "dashboard_url": f"https://a9s-dashboard.sim.example/service-instances/{instance.guid}",
            }
            shown["relationships"]["service_plan"] = self._to(instance.plan)
            shown["links"] |= {
                "service_plan": self.link(f"/v3/service_plans/{instance.plan.guid}"),
                "parameters": self.link(f"{base}/parameters"),
                "shared_spaces": self.link(f"{base}/relationships/shared_spaces"),
            }
        return shown

    def binding(self, binding: Binding) -> Shown:
        base = f"/v3/service_credential_bindings/{binding.guid}"
        relationships = {"service_instance": self._to(binding.instance)}
        links = {
            "self": self.link(base),
            "details": self.link(f"{base}/details"),
            "service_instance": self.link(f"/v3/service_instances/{binding.instance.guid}"),
        }
        if binding.instance.managed:
            links["parameters"] = self.link(f"{base}/parameters")
        if binding.app is not None:
            relationships["app"] = self._to(binding.app)
            links["app"] = self.link(f"/v3/apps/{binding.app.guid}")
        return {
            **self._common(binding),
            "name": binding.name,
            "type": binding.type,
            "last_operation": self.operation(binding.operation),
            **self._metadata(binding),
            "relationships": relationships,
            "links": links,
        }

    def job(self, job: Job, resource_exists: bool) -> Shown:
        links = {"self": self.link(f"/v3/jobs/{job.guid}")}
        if resource_exists:
            links[job.resource_type] = self.link(f"/v3/{job.resource_type.removesuffix('s')}s/{job.resource_guid}")
        return {
            **self._common(job),
            "operation": job.operation,
            "state": job.state,
            "errors": job.errors if job.state == "FAILED" else [],
            "warnings": job.warnings,
            "links": links,
        }

    def app(self, app: App) -> Shown:
        base = f"/v3/apps/{app.guid}"
        below = ("processes", "packages", "environment_variables", "droplets", "tasks", "revisions", "features")
        return {
            **self._common(app),
            "name": app.name,
            "state": app.state,
            "lifecycle": {"type": "buildpack", "data": {"buildpacks": ["python_buildpack"], "stack": "cflinuxfs4"}},
            "relationships": {"space": self._to(app.space), "current_droplet": self._to(app.droplet)},
            **self._metadata(app),
            "links": {
                "self": self.link(base),
                "space": self.link(f"/v3/spaces/{app.space.guid}"),
                "current_droplet": self.link(f"{base}/droplets/current"),
                "start": self.link(f"{base}/actions/start", "POST"),
                "stop": self.link(f"{base}/actions/stop", "POST"),
                "deployed_revisions": self.link(f"{base}/revisions/deployed"),
                **{name: self.link(f"{base}/{name}") for name in below},
            },
        }

    def process(self, process: Process) -> Shown:
        base = f"/v3/processes/{process.guid}"
        return {
            **self._common(process),
            "version": process.guid,
            "type": process.type,
            "command": "python app.py",
            "user": "vcap",
            "instances": process.instances,
            "memory_in_mb": 256,
            "disk_in_mb": 1024,
            "log_rate_limit_in_bytes_per_second": -1,
            "health_check": {
                "type": "port",
                "data": {"timeout": None, "invocation_timeout": None, "interval": None},
            },
            "readiness_health_check": {"type": "process", "data": {"invocation_timeout": None, "interval": None}},
            "relationships": {"app": self._to(process.app), "revision": None},
            **self._metadata(process),
            "links": {
                **self.links(
                    self=base,
                    app=f"/v3/apps/{process.app.guid}",
                    space=f"/v3/spaces/{process.app.space.guid}",
                    stats=f"{base}/stats",
                    process_instances=f"{base}/process_instances",
                ),
                "scale": self.link(f"{base}/actions/scale", "POST"),
            },
        }

    def package(self, package: Package) -> Shown:
        base = f"/v3/packages/{package.guid}"
        return {
            **self._common(package),
            "type": "bits",
            "data": {"error": None, "checksum": {"type": "sha256", "value": "0" * 64}},
            "state": package.state,
            "relationships": {"app": self._to(package.app)},
            **self._metadata(package),
            "links": {
                **self.links(self=base, app=f"/v3/apps/{package.app.guid}"),
                "upload": self.link(f"{base}/upload", "POST"),
                "download": self.link(f"{base}/download", "GET"),
            },
        }

    def droplet(self, droplet: Droplet) -> Shown:
        base = f"/v3/droplets/{droplet.guid}"
        links = {
            "self": self.link(base),
            "app": self.link(f"/v3/apps/{droplet.app.guid}"),
            "assign_current_droplet": self.link(f"/v3/apps/{droplet.app.guid}/relationships/current_droplet", "PATCH"),
            "download": self.link(f"{base}/download"),
        }
        if droplet.package is not None:
            links["package"] = self.link(f"/v3/packages/{droplet.package.guid}")
        return {
            **self._common(droplet),
            "state": droplet.state,
            "error": None,
            "lifecycle": {"type": "buildpack", "data": {}},
            "checksum": {"type": "sha256", "value": "0" * 64},
            "buildpacks": [
                {
                    "name": "python_buildpack",
                    "detect_output": "python",
                    "buildpack_name": "python",
                    "version": "1.8.40",
                }
            ],
            "stack": "cflinuxfs4",
            "image": None,
            "execution_metadata": "",
            "process_types": {"web": "python app.py"},
            "relationships": {"app": self._to(droplet.app)},
            **self._metadata(droplet),
            "links": links,
        }

    def build(self, build: Build) -> Shown:
        links = {"self": self.link(f"/v3/builds/{build.guid}"), "app": self.link(f"/v3/apps/{build.app.guid}")}
        if build.droplet is not None:
            links["droplet"] = self.link(f"/v3/droplets/{build.droplet.guid}")
        return {
            **self._common(build),
            "state": build.state,
            "staging_memory_in_mb": 1024,
            "staging_disk_in_mb": 6144,
            "staging_log_rate_limit_bytes_per_second": -1,
            "error": build.error,
            "lifecycle": {"type": "buildpack", "data": {"buildpacks": ["python_buildpack"], "stack": "cflinuxfs4"}},
            "package": {"guid": build.package.guid},
            "droplet": {"guid": build.droplet.guid} if build.droplet else None,
            "created_by": None,
            "relationships": {"app": self._to(build.app)},
            **self._metadata(build),
            "links": links,
        }

    def deployment(self, deployment: Deployment) -> Shown:
        base = f"/v3/deployments/{deployment.guid}"
        links = {"self": self.link(base), "app": self.link(f"/v3/apps/{deployment.app.guid}")}
        if deployment.value == "ACTIVE":
            links["cancel"] = self.link(f"{base}/actions/cancel", "POST")
        return {
            **self._common(deployment),
            "status": {
                "value": deployment.value,
                "reason": deployment.reason,
                "details": {
                    "last_successful_healthcheck": deployment.updated_at,
                    "last_status_change": deployment.updated_at,
                },
            },
            "strategy": deployment.strategy,
            "options": {"max_in_flight": 1},
            "droplet": {"guid": deployment.droplet.guid if deployment.droplet else None},
            "previous_droplet": {"guid": deployment.previous_droplet.guid if deployment.previous_droplet else None},
            "new_processes": [{"guid": deployment.process.guid, "type": deployment.process.type}],
            "revision": None,
            "relationships": {"app": self._to(deployment.app)},
            **self._metadata(deployment),
            "links": links,
        }
