# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API v3: service offerings, plans, brokers, instances and how they are shared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import permissions
from .api import Call, Core, Lookup, Routes, listing
from .bindings import remove_binding
from .errors import CFError, not_found, unprocessable
from .http import Response
from .lists import split_values
from .model import Instance, Operation, Plan, Space
from .orgs import metadata_update

BAD_PLAN = "Invalid service plan. Ensure that the service plan exists, is available, and you have access to it."
BAD_SPACE = "Invalid space. Ensure that the space exists and you have access to it."
BUSY = "There is an operation in progress for the service instance."
EMBEDDABLE = {
    "service_plan": ("guid", "name", "relationships.service_offering"),
    "service_plan.service_offering": (
        "guid",
        "name",
        "description",
        "documentation_url",
        "tags",
        "relationships.service_broker",
    ),
    "service_plan.service_offering.service_broker": ("guid", "name"),
    "space": ("guid", "name", "relationships.organization"),
    "space.organization": ("guid", "name"),
}


def _pick(shown: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """The asked fields of a presented resource; `relationships.x` is one relationship of it."""
    picked: dict[str, Any] = {}
    for name in fields:
        outer, _dot, inner = name.partition(".")
        if inner:
            picked.setdefault(outer, {})[inner] = shown[outer][inner]
        else:
            picked[name] = shown[name]
    return picked


class _Services:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.state = core.state
        self.present = core.present
        self.find = Lookup(core)

    # What can be had.

    def brokers(self, call: Call) -> Response:
        filters = {"names": lambda broker: broker.name, "guids": lambda broker: broker.guid}
        return listing(self.core, call, list(self.state.brokers.values()), filters, self.present.broker)

    def offerings(self, call: Call) -> Response:
        filters = {
            "names": lambda offering: offering.name,
            "guids": lambda offering: offering.guid,
            "service_broker_names": lambda offering: offering.broker.name,
            "service_broker_guids": lambda offering: offering.broker.guid,
            "available": lambda offering: "true",
            "space_guids": lambda offering: list(self.state.spaces),
            "organization_guids": lambda offering: list(self.state.orgs),
        }
        found = list(self.state.offerings.values())
        return listing(self.core, call, found, filters, self.present.offering, also=("fields",))

    def offering(self, call: Call) -> Response:
        if call.guid not in self.state.offerings:
            raise not_found("Service offering")
        return Response(200, self.present.offering(self.state.offerings[call.guid]))

    def plans(self, call: Call) -> Response:
        filters = {
            "names": lambda plan: plan.name,
            "guids": lambda plan: plan.guid,
            "available": lambda plan: "true",
            "service_offering_names": lambda plan: plan.offering.name,
            "service_offering_guids": lambda plan: plan.offering.guid,
            "service_broker_names": lambda plan: plan.offering.broker.name,
            "service_broker_guids": lambda plan: plan.offering.broker.guid,
            "space_guids": lambda plan: list(self.state.spaces),
            "organization_guids": lambda plan: list(self.state.orgs),
        }

        def included(shown: list[Plan]) -> dict[str, Any]:
            offerings = list(dict.fromkeys(plan.offering for plan in shown))
            found: dict[str, Any] = {}
            if "service_offering" in call.request.one("include"):
                found["service_offerings"] = [self.present.offering(offering) for offering in offerings]
            if wanted := call.request.one("fields[service_offering.service_broker]"):
                brokers = dict.fromkeys(offering.broker for offering in offerings)
                picked = [_pick(self.present.broker(broker), split_values(wanted)) for broker in brokers]
                found["service_brokers"] = picked
            return found

        found = list(self.state.plans.values())
        also = ("include", "fields")
        return listing(self.core, call, found, filters, self.present.plan, also=also, included=included)

    def plan(self, call: Call) -> Response:
        if call.guid not in self.state.plans:
            raise not_found("Service plan")
        return Response(200, self.present.plan(self.state.plans[call.guid]))

    # Instances.

    def instances(self, call: Call) -> Response:
        seen = [found for found in self.state.instances.values() if permissions.sees_instance(call.who, found)]
        filters = {
            "names": lambda instance: instance.name,
            "guids": lambda instance: instance.guid,
            "type": lambda instance: "managed" if instance.managed else "user-provided",
            "space_guids": lambda found: [space.guid for space in (found.space, *found.shared_spaces)],
            "organization_guids": lambda instance: instance.space.org.guid,
            "service_plan_guids": lambda instance: instance.plan and instance.plan.guid,
            "service_plan_names": lambda instance: instance.plan and instance.plan.name,
        }
        return listing(
            self.core,
            call,
            seen,
            filters,
            self.present.instance,
            also=("fields",),
            included=lambda shown: self._included(call, shown),
        )

    def instance(self, call: Call) -> Response:
        instance = self.find.instance(call)
        shown = self.present.instance(instance)
        if included := self._included(call, [instance]):
            shown["included"] = included
        return Response(200, shown)

    def _included(self, call: Call, shown: list[Instance]) -> dict[str, Any]:
        plans = list(dict.fromkeys(instance.plan for instance in shown if instance.plan is not None))
        offerings = list(dict.fromkeys(plan.offering for plan in plans))
        brokers = list(dict.fromkeys(offering.broker for offering in offerings))
        spaces = list(dict.fromkeys(instance.space for instance in shown))
        orgs = list(dict.fromkeys(space.org for space in spaces))
        tables: dict[str, tuple[str, list[Any], Callable[[Any], dict[str, Any]]]] = {
            "service_plan": ("service_plans", plans, self.present.plan),
            "service_plan.service_offering": ("service_offerings", offerings, self.present.offering),
            "service_plan.service_offering.service_broker": ("service_brokers", brokers, self.present.broker),
            "space": ("spaces", spaces, self.present.space),
            "space.organization": ("organizations", orgs, self.present.org),
        }
        included: dict[str, Any] = {}
        for parameter, values in call.request.query.items():
            if not parameter.startswith("fields["):
                continue
            resource = parameter[len("fields[") : -1]
            if resource not in EMBEDDABLE:
                valid = "', '".join(EMBEDDABLE)
                raise CFError("BadQueryParameter", f"Fields [{resource}] valid resources are: '{valid}'")
            wanted = split_values(values[0])
            if not set(wanted) <= set(EMBEDDABLE[resource]):
                valid = "', '".join(EMBEDDABLE[resource])
                raise CFError("BadQueryParameter", f"Fields valid keys for '{resource}' are: '{valid}'")
            name, resources, present = tables[resource]
            if resources:
                included[name] = [_pick(present(item), wanted) for item in resources]
        return included

    def create(self, call: Call) -> Response:
        body = call.request.json()
        kind, name = body.get("type"), body.get("name")
        if kind not in ("managed", "user-provided"):
            raise unprocessable("Type must be one of 'managed', 'user-provided'")
        if not isinstance(name, str) or not name:
            raise unprocessable("Name must be a string, Name can't be blank")
        space = self.state.spaces.get(_related(body, "space"))
        if space is None or not permissions.sees_space(call.who, space):
            raise unprocessable(BAD_SPACE)
        permissions.demand(permissions.writes(call.who, space))
        if not self.state.feature_flags["service_instance_creation"] and not call.who.admin:
            raise CFError("FeatureDisabled", "service_instance_creation")
        plan = self.state.plans.get(_related(body, "service_plan")) if kind == "managed" else None
        if kind == "managed" and plan is None:
            raise unprocessable(BAD_PLAN)
        self._free_name(name, space)
        instance = Instance(name, space, plan, tags=list(body.get("tags") or []))
        instance.parameters = body.get("parameters")
        metadata_update(instance, body)
        self.state.instances[instance.guid] = instance
        if plan is None:
            instance.credentials = body.get("credentials") or {}
            return Response(201, self.present.instance(instance))
        instance.key_shape = plan.key_shape
        instance.operation = Operation("create", "in progress", "Create in progress")

        def work() -> None:
            self.core.broker.provision(instance)
            with self.state.lock:
                instance.operation.move("succeeded", "Instance provisioning completed")

        return self._job(instance, "service_instance.create", "service_instances", work)

    def update(self, call: Call) -> Response:
        instance = self.find.instance(call)
        permissions.demand(permissions.writes(call.who, instance.space))
        body = call.request.json()
        metadata_only = set(body) <= {"metadata"}
        if not metadata_only and instance.operation.running:
            raise CFError("AsyncServiceInstanceOperationInProgress", instance.name)
        if body.get("name", instance.name) != instance.name:
            self._free_name(body["name"], instance.space)
        metadata_update(instance, body)
        if not instance.managed or not {"parameters", "relationships"} & set(body):
            instance.name = body.get("name", instance.name)
            instance.tags = body.get("tags", instance.tags)
            instance.credentials = body.get("credentials", instance.credentials)
            if not metadata_only:
                instance.operation = Operation("update", "succeeded")
            return Response(200, self.present.instance(instance))
        instance.operation = Operation("update", "in progress")

        def work() -> None:
            self.core.broker.update()
            with self.state.lock:
                instance.parameters = body.get("parameters", instance.parameters)
                instance.operation.move("succeeded", "Instance update completed")

        return self._job(instance, "service_instance.update", "service_instances", work)

    def delete(self, call: Call) -> Response:
        instance = self.find.instance(call)
        permissions.demand(permissions.writes(call.who, instance.space))
        if instance.operation.running:
            raise unprocessable(BUSY)
        if not instance.managed:
            if any(binding.instance is instance for binding in self.state.bindings.values()):
                raise unprocessable("Please delete the service_bindings associations for your service_instances.")
            del self.state.instances[instance.guid]
            return Response(204)
        instance.operation = Operation("delete", "in progress")

        def work() -> None:
            for binding in [found for found in self.state.bindings.values() if found.instance is instance]:
                remove_binding(self.core, binding)
            self.core.broker.deprovision(instance)
            with self.state.lock:
                self.state.instances.pop(instance.guid, None)

        return self._job(instance, "service_instance.delete", "service_instance", work)

    def _job(self, instance: Instance, operation: str, resource_type: str, work: Callable[[], None]) -> Response:
        def failed(message: str) -> None:
            instance.operation.move("failed", message)

        return self.core.jobs.run(operation, resource_type, instance.guid, work, failed)

    def _free_name(self, name: str, space: Space) -> None:
        if any(found.name == name and found.space is space for found in self.state.instances.values()):
            raise unprocessable(f"The service instance name is taken: {name}.")

    def parameters(self, call: Call) -> Response:
        instance = self.find.instance(call)
        if not instance.parameters_readable:
            raise CFError("ServiceFetchInstanceParametersNotSupported")
        return Response(200, instance.parameters or {})

    def credentials(self, call: Call) -> Response:
        instance = self.find.instance(call)
        if instance.managed:
            raise not_found("Service instance")
        permissions.demand(permissions.reads_secrets(call.who, instance.space))
        return Response(200, instance.credentials)

    def shared_spaces(self, call: Call) -> Response:
        instance = self.find.instance(call)
        body: dict[str, Any] = {
            "data": [{"guid": space.guid} for space in instance.shared_spaces],
            "links": {"self": self.present.link(call.request.path)},
        }
        orgs = dict.fromkeys(space.org for space in instance.shared_spaces)
        if any(name.startswith("fields[space") for name in call.request.query):
            body["included"] = {
                "spaces": [_pick(self.present.space(space), EMBEDDABLE["space"]) for space in instance.shared_spaces],
                "organizations": [_pick(self.present.org(org), EMBEDDABLE["space.organization"]) for org in orgs],
            }
        return Response(200, body)

    def share(self, call: Call) -> Response:
        instance = self.find.instance(call)
        permissions.demand(permissions.writes(call.who, instance.space))
        for entry in call.request.json().get("data") or []:
            space = self.state.spaces.get(entry["guid"])
            if space is None or not permissions.writes(call.who, space):
                spaces = f"['{entry['guid']}']"
                raise unprocessable(f"Unable to share service instance {instance.name} with spaces {spaces}.")
            if space not in instance.shared_spaces:
                instance.shared_spaces.append(space)
        return self.shared_spaces(call)

    def unshare(self, call: Call) -> Response:
        instance = self.find.instance(call)
        permissions.demand(permissions.writes(call.who, instance.space))
        instance.shared_spaces = [space for space in instance.shared_spaces if space.guid != call.parts[1]]
        return Response(204)

    def usage(self, call: Call) -> Response:
        instance = self.find.instance(call)
        bindings = [binding for binding in self.state.bindings.values() if binding.instance is instance]
        bound = [binding.app.space for binding in bindings if binding.app is not None]
        rows = [
            {"space": {"guid": space.guid}, "bound_app_count": bound.count(space)} for space in instance.shared_spaces
        ]
        return Response(200, {"usage_summary": rows, "links": {"self": self.present.link(call.request.path)}})

    def allowed(self, call: Call) -> Response:
        instance = self.state.instances.get(call.guid)
        if instance is None:
            raise not_found("Service instance")
        manage, read = permissions.writes(call.who, instance.space), permissions.sees_instance(call.who, instance)
        return Response(200, {"manage": manage, "read": read})


def _related(body: dict[str, Any], name: str) -> str:
    return str((((body.get("relationships") or {}).get(name) or {}).get("data") or {}).get("guid") or "")


def routes(core: Core) -> Routes:
    services = _Services(core)
    shared = "/v3/service_instances/GUID/relationships/shared_spaces"
    return [
        ("GET", "/v3/service_brokers", services.brokers),
        ("GET", "/v3/service_offerings", services.offerings),
        ("GET", "/v3/service_offerings/GUID", services.offering),
        ("GET", "/v3/service_plans", services.plans),
        ("GET", "/v3/service_plans/GUID", services.plan),
        ("GET", "/v3/service_instances", services.instances),
        ("POST", "/v3/service_instances", services.create),
        ("GET", "/v3/service_instances/GUID", services.instance),
        ("PATCH", "/v3/service_instances/GUID", services.update),
        ("DELETE", "/v3/service_instances/GUID", services.delete),
        ("GET", "/v3/service_instances/GUID/parameters", services.parameters),
        ("GET", "/v3/service_instances/GUID/credentials", services.credentials),
        ("GET", "/v3/service_instances/GUID/permissions", services.allowed),
        ("GET", shared, services.shared_spaces),
        ("POST", shared, services.share),
        ("DELETE", f"{shared}/GUID", services.unshare),
        ("GET", f"{shared}/usage_summary", services.usage),
    ]
