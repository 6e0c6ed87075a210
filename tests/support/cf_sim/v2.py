# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API v2, as far as the service commands of the cf command line 7 speak it: services, keys, bindings, at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import permissions
from .api import Call, Core, Lookup, Routes
from .bindings import Bindings
from .errors import BrokerError, CFError, not_found
from .http import Response
from .model import App, Binding, Instance, Offering, Plan, Resource

Shown = dict[str, Any]


def _shown(resource: Resource, kind: str, entity: Shown) -> Shown:
    metadata = {"guid": resource.guid, "url": f"/v2/{kind}/{resource.guid}"}
    stamps = {"created_at": resource.created_at, "updated_at": resource.updated_at}
    return {"metadata": {**metadata, **stamps}, "entity": entity}


def _wanted(call: Call) -> dict[str, list[str]]:
    """The filters of the request: q=name:x and q=space_guid IN a,b."""
    found: dict[str, list[str]] = {}
    for text in call.request.query.get("q", []):
        if " IN " in text:
            name, _in, values = text.partition(" IN ")
            found[name] = values.split(",")
        else:
            name, _colon, value = text.partition(":")
            found[name] = [value]
    return found


class _V2:
    def __init__(self, core: Core) -> None:
        self.state = core.state
        self.present = core.present
        self.broker = core.broker
        self.bindings = Bindings(core)
        self.find = Lookup(core)

    @staticmethod
    def _list(shown: list[Shown]) -> Response:
        paging = {"total_results": len(shown), "total_pages": 1, "prev_url": None, "next_url": None}
        return Response(200, {**paging, "resources": shown})

    # How things look.

    def _plan(self, plan: Plan) -> Shown:
        description = f"{plan.offering.name} {plan.name}"
        entity = {"name": plan.name, "free": plan.free, "public": True, "active": True, "description": description}
        return _shown(plan, "service_plans", {**entity, "service_guid": plan.offering.guid, "bindable": plan.bindable})

    def _offering(self, offering: Offering) -> Shown:
        entity = {"label": offering.name, "description": offering.description, "documentation_url": None}
        extra = json.dumps({"shareable": offering.shareable})
        broker = {"service_broker_name": offering.broker.name, "service_broker_guid": offering.broker.guid}
        return _shown(offering, "services", {**entity, **broker, "extra": extra, "active": True, "bindable": True})

    def _instance(self, instance: Instance, *, deep: bool = False) -> Shown:
        kind = "service_instances" if instance.managed else "user_provided_service_instances"
        entity: Shown = {
            "name": instance.name,
            "type": "managed_service_instance" if instance.managed else "user_provided_service_instance",
            "space_guid": instance.space.guid,
            "tags": list(instance.tags),
            "service_bindings_url": f"/v2/{kind}/{instance.guid}/service_bindings",
        }
        if instance.plan is not None:
            shown = self.present.instance(instance)
            entity |= {
                "service_guid": instance.plan.offering.guid,
                "service_plan_guid": instance.plan.guid,
                "dashboard_url": shown["dashboard_url"],
                "last_operation": shown["last_operation"],
                "maintenance_info": shown["maintenance_info"],
                **({"service_plan": self._plan(instance.plan)} if deep else {}),
            }
        if deep:
            mine = [binding for binding in self.state.bindings.values() if binding.instance is instance]
            entity["service_bindings"] = [self._binding(binding) for binding in mine if binding.app]
            entity["service_keys"] = [self._key(binding) for binding in mine if not binding.app]
        return _shown(instance, kind, entity)

    def _key(self, key: Binding) -> Shown:
        entity = {"name": key.name, "service_instance_guid": key.instance.guid, "credentials": key.credentials}
        url = f"/v2/service_instances/{key.instance.guid}"
        return _shown(key, "service_keys", {**entity, "service_instance_url": url})

    def _binding(self, binding: Binding) -> Shown:
        entity: Shown = {
            "app_guid": binding.app.guid if binding.app else None,
            "service_instance_guid": binding.instance.guid,
            "name": binding.name,
            "credentials": binding.credentials,
            "last_operation": self.present.operation(binding.operation),
        }
        return _shown(binding, "service_bindings", entity)

    def _app(self, app: App) -> Shown:
        entity = {"name": app.name, "space_guid": app.space.guid, "state": app.state, "enable_ssh": app.ssh}
        return _shown(app, "apps", {**entity, "instances": app.processes[0].instances, "package_state": "STAGED"})

    # Reading.

    def instances(self, call: Call) -> Response:
        wanted = _wanted(call)
        if call.parts:
            wanted["space_guid"] = [self.find.space(call).guid]
        found = [item for item in self.state.instances.values() if permissions.sees_instance(call.who, item)]
        if "name" in wanted:
            found = [item for item in found if item.name in wanted["name"]]
        if "space_guid" in wanted:
            spaces = set(wanted["space_guid"])
            found = [item for item in found if spaces & {space.guid for space in (item.space, *item.shared_spaces)}]
        deep = "inline-relations-depth" in call.request.query
        return self._list([self._instance(item, deep=deep) for item in found])

    def instance(self, call: Call) -> Response:
        return Response(200, self._instance(self.find.instance(call)))

    def instance_bindings(self, call: Call) -> Response:
        instance = self.find.instance(call)
        mine = [item for item in self.state.bindings.values() if item.instance is instance and item.app]
        return self._list([self._binding(item) for item in mine])

    def instance_keys(self, call: Call) -> Response:
        instance = self.find.instance(call)
        permissions.demand(permissions.reads_secrets(call.who, instance.space))
        names = _wanted(call).get("name")
        mine = [item for item in self.state.bindings.values() if item.instance is instance and not item.app]
        return self._list([self._key(item) for item in mine if names is None or item.name in names])

    def shared_from(self, call: Call) -> Response:
        space = self.find.instance(call).space
        names = {"space_name": space.name, "organization_name": space.org.name}
        return Response(200, {"space_guid": space.guid, **names})

    def shared_to(self, call: Call) -> Response:
        spaces = self.find.instance(call).shared_spaces
        rows = [{"space_guid": one.guid, "space_name": one.name, "organization_name": one.org.name} for one in spaces]
        return self._list([{**row, "bound_app_count": 0} for row in rows])

    def offerings(self, call: Call) -> Response:
        return self._list([self._offering(item) for item in self.state.offerings.values()])

    def offering(self, call: Call) -> Response:
        if call.guid not in self.state.offerings:
            raise not_found("Service")
        return Response(200, self._offering(self.state.offerings[call.guid]))

    def plan(self, call: Call) -> Response:
        if call.guid not in self.state.plans:
            raise not_found("Service plan")
        return Response(200, self._plan(self.state.plans[call.guid]))

    def apps(self, call: Call) -> Response:
        wanted = _wanted(call)
        if call.parts:
            wanted["space_guid"] = [self.find.space(call).guid]
        found = [app for app in self.state.apps.values() if permissions.sees_space(call.who, app.space)]
        if "name" in wanted:
            names = {name.lower() for name in wanted["name"]}
            found = [app for app in found if app.name.lower() in names]
        if "space_guid" in wanted:
            found = [app for app in found if app.space.guid in wanted["space_guid"]]
        return self._list([self._app(app) for app in found])

    def app(self, call: Call) -> Response:
        return Response(200, self._app(self.find.app(call)))

    def summary(self, call: Call) -> Response:
        space = self.find.space(call)
        services: list[Shown] = []
        for instance in self.state.instances.values():
            if space not in (instance.space, *instance.shared_spaces):
                continue
            row: Shown = {"guid": instance.guid, "name": instance.name}
            if plan := instance.plan:
                service = {"guid": plan.offering.guid, "label": plan.offering.name}
                row |= {"service_plan": {"guid": plan.guid, "name": plan.name, "service": service}}
                row |= {"last_operation": self.present.operation(instance.operation)}
            services.append(row)
        apps = [
            {
                "guid": app.guid,
                "name": app.name,
                "service_names": [binding.instance.name for binding in self.state.bindings_of(app)],
            }
            for app in self.state.apps.values()
            if app.space is space
        ]
        return Response(200, {"guid": space.guid, "name": space.name, "apps": apps, "services": services})

    def flags(self, call: Call) -> Response:
        flags = self.state.feature_flags.items()
        return Response(200, [{"name": name, "enabled": on, "error_message": None} for name, on in flags])

    def app_bindings(self, call: Call) -> Response:
        wanted = _wanted(call)
        found = [item for item in self.state.bindings.values() if item.app and self.bindings.sees(call, item)]
        known: dict[str, Callable[[Binding], str]] = {
            "app_guid": lambda item: item.app.guid if item.app else "",
            "service_instance_guid": lambda item: item.instance.guid,
        }
        for name, attribute in known.items():
            if name in wanted:
                found = [item for item in found if attribute(item) in wanted[name]]
        return self._list([self._binding(item) for item in found])

    # Writing: v2 asks the broker at once and answers when it is done.

    def bind(self, call: Call) -> Response:
        return self._create(call, "app", "app_guid")

    def create_key(self, call: Call) -> Response:
        return self._create(call, "key")

    def _create(self, call: Call, kind: str, app_field: str = "") -> Response:
        asked = call.request.json()
        related = {"service_instance": {"data": {"guid": asked.get("service_instance_guid")}}}
        if app_field:
            related["app"] = {"data": {"guid": asked.get(app_field)}}
        body: Shown = {"type": kind, "name": asked.get("name"), "relationships": related}
        if asked.get("parameters"):
            body["parameters"] = asked["parameters"]
        try:
            binding = self.bindings.prepare(call, body)
        except CFError as error:
            message = str(error)
            if "Key binding names must be unique" in message:
                raise CFError("ServiceKeyNameTaken", str(asked.get("name"))) from None
            if "already bound" in message:
                raise CFError("ServiceBindingAppServiceTaken", f"{message}.") from None
            raise
        if binding.instance.managed:
            try:
                self.broker.bind(binding)
            except BrokerError as error:
                del self.state.bindings[binding.guid]
                raise CFError("UnableToPerform", f"bind could not be completed: {error}") from None
        return Response(201, self._binding(binding) if kind == "app" else self._key(binding))

    def delete(self, call: Call) -> Response:
        binding = self.bindings.doomed(call)
        try:
            self.broker.unbind(binding)
        except BrokerError as error:
            raise CFError("UnableToPerform", f"unbind could not be completed: {error}") from None
        del self.state.bindings[binding.guid]
        return Response(204)


def routes(core: Core) -> Routes:
    v2 = _V2(core)
    instance = "/v2/service_instances/GUID"
    return [
        ("GET", "/v2/apps", v2.apps),
        ("GET", "/v2/apps/GUID", v2.app),
        ("GET", "/v2/config/feature_flags", v2.flags),
        ("GET", "/v2/service_bindings", v2.app_bindings),
        ("POST", "/v2/service_bindings", v2.bind),
        ("DELETE", "/v2/service_bindings/GUID", v2.delete),
        ("GET", "/v2/service_instances", v2.instances),
        ("GET", instance, v2.instance),
        ("GET", f"{instance}/service_bindings", v2.instance_bindings),
        ("GET", f"{instance}/service_keys", v2.instance_keys),
        ("GET", f"{instance}/shared_from", v2.shared_from),
        ("GET", f"{instance}/shared_to", v2.shared_to),
        ("POST", "/v2/service_keys", v2.create_key),
        ("DELETE", "/v2/service_keys/GUID", v2.delete),
        ("GET", "/v2/service_plans/GUID", v2.plan),
        ("GET", "/v2/services", v2.offerings),
        ("GET", "/v2/services/GUID", v2.offering),
        ("GET", "/v2/spaces/GUID/apps", v2.apps),
        ("GET", "/v2/spaces/GUID/service_instances", v2.instances),
        ("GET", "/v2/spaces/GUID/summary", v2.summary),
        ("GET", "/v2/user_provided_service_instances/GUID/service_bindings", v2.instance_bindings),
    ]
