# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API v3: service credential bindings, that is service keys and the bindings of apps."""

from __future__ import annotations

from typing import Any

from . import permissions
from .api import Call, Core, Routes, listing
from .errors import BrokerError, CFError, not_found, unprocessable
from .http import Response
from .model import App, Binding, Instance, Operation
from .orgs import metadata_update

IN_PROGRESS = "There is an operation in progress for the service {}."


def remove_binding(core: Core, binding: Binding) -> None:
    """Have the broker remove it, then forget it. Call without the lock. Raises BrokerError."""
    core.broker.unbind(binding)
    with core.state.lock:
        core.state.bindings.pop(binding.guid, None)


class Bindings:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.state = core.state
        self.present = core.present

    def find(self, call: Call) -> Binding:
        binding = self.state.bindings.get(call.guid)
        if binding is None or not self.sees(call, binding):
            raise not_found("Service credential binding")
        return binding

    @staticmethod
    def sees(call: Call, binding: Binding) -> bool:
        return permissions.sees_space(call.who, binding.app.space if binding.app else binding.instance.space)

    def index(self, call: Call) -> Response:
        seen = [binding for binding in self.state.bindings.values() if self.sees(call, binding)]
        filters = {
            "names": lambda binding: binding.name,
            "guids": lambda binding: binding.guid,
            "type": lambda binding: binding.type,
            "service_instance_guids": lambda binding: binding.instance.guid,
            "service_instance_names": lambda binding: binding.instance.name,
            "service_plan_guids": lambda binding: binding.instance.plan and binding.instance.plan.guid,
            "service_plan_names": lambda binding: binding.instance.plan and binding.instance.plan.name,
            "service_offering_guids": lambda binding: binding.instance.plan and binding.instance.plan.offering.guid,
            "service_offering_names": lambda binding: binding.instance.plan and binding.instance.plan.offering.name,
            "app_guids": lambda binding: binding.app and binding.app.guid,
            "app_names": lambda binding: binding.app and binding.app.name,
        }
        return listing(
            self.core,
            call,
            seen,
            filters,
            self.present.binding,
            also=("include",),
            included=lambda shown: self._included(call, shown),
        )

    def show(self, call: Call) -> Response:
        binding = self.find(call)
        shown = self.present.binding(binding)
        if included := self._included(call, [binding]):
            shown["included"] = included
        return Response(200, shown)

    def _included(self, call: Call, shown: list[Binding]) -> dict[str, Any]:
        wanted = [name for name in call.request.one("include").split(",") if name]
        if not set(wanted) <= {"app", "service_instance"}:
            valid = "', '".join(("app", "service_instance"))
            raise CFError("BadQueryParameter", f"Invalid included resource: '{wanted[0]}'. Valid ones are: '{valid}'")
        included: dict[str, Any] = {}
        if "app" in wanted:
            apps = dict.fromkeys(binding.app for binding in shown if binding.app is not None)
            included["apps"] = [self.present.app(app) for app in apps]
        if "service_instance" in wanted:
            instances = dict.fromkeys(binding.instance for binding in shown)
            included["service_instances"] = [self.present.instance(instance) for instance in instances]
        return included

    def prepare(self, call: Call, body: dict[str, Any]) -> Binding:
        """Check a wish for a binding and write it down; the broker knows nothing of it yet."""
        related = body.get("relationships") or {}
        kind, name = body.get("type"), body.get("name")
        if kind not in ("key", "app"):
            raise unprocessable("Type must be one of 'app', 'key'")
        guid = ((related.get("service_instance") or {}).get("data") or {}).get("guid")
        instance = self.state.instances.get(guid or "")
        if instance is None or not permissions.sees_instance(call.who, instance):
            raise unprocessable(f"The service instance could not be found: '{guid}'")
        if not instance.managed and "parameters" in body:
            raise unprocessable("Binding parameters are not supported for user-provided service instances")
        if kind == "key":
            permissions.demand(permissions.writes(call.who, instance.space))
            if not name:
                raise unprocessable("Name can't be blank")
            self._check_instance(instance, kind)
            self._check_key(instance, name)
            app = None
        else:
            app_guid = ((related.get("app") or {}).get("data") or {}).get("guid")
            app = self.state.apps.get(app_guid or "")
            if app is None or not permissions.sees_space(call.who, app.space):
                raise unprocessable(f"The app could not be found: '{app_guid}'")
            permissions.demand(permissions.manages_apps(call.who, app.space))
            if app.space not in (instance.space, *instance.shared_spaces):
                raise unprocessable("The service instance and the app are in different spaces")
            self._check_instance(instance, kind)
            self._check_app(instance, app, name)
        binding = Binding(kind, name, instance, app, parameters=body.get("parameters"))
        metadata_update(binding, body)
        self.state.bindings[binding.guid] = binding
        if not instance.managed:
            binding.credentials = dict(instance.credentials)
        return binding

    def create(self, call: Call) -> Response:
        binding = self.prepare(call, call.request.json())
        if not binding.instance.managed:
            return Response(201, self.present.binding(binding))
        binding.operation = Operation("create", "in progress" if self.state.async_broker else "initial")

        held = self._held(binding)

        def work() -> None:
            if held:
                raise BrokerError("Service broker error: not today")
            self.core.broker.bind(binding)
            with self.state.lock:
                binding.operation.move("succeeded", "")
                binding.touch()

        def failed(message: str) -> None:
            binding.operation.move("failed", message)

        operation = "service_keys.create" if binding.type == "key" else "service_bindings.create"
        endless = held == "in progress"
        return self.core.jobs.run(operation, "service_credential_binding", binding.guid, work, failed, endless=endless)

    def _held(self, binding: Binding) -> str | None:
        app = binding.app.name if binding.app else ""
        return self.core.faults.take_binding(binding.operation.type, app, binding.instance.name)

    @staticmethod
    def _check_instance(instance: Instance, kind: str) -> None:
        if instance.plan is None:
            if kind == "key":
                raise unprocessable(
                    "Service credential bindings of type 'key' are not supported for user-provided service instances."
                )
            return
        if not instance.plan.bindable:
            raise unprocessable("Service plan does not allow bindings" + ("." if kind == "key" else ""))
        if (instance.operation.type, instance.operation.state) == ("create", "failed"):
            raise unprocessable("Service instance not found")
        if instance.operation.running:
            raise unprocessable(IN_PROGRESS.format("instance"))

    def _check_key(self, instance: Instance, name: str) -> None:
        for binding in list(self.state.bindings.values()):
            if binding.type != "key" or binding.instance is not instance or binding.name != name:
                continue
            operation = binding.operation
            unique = "The binding name is invalid. Key binding names must be unique. The service instance already has"
            if operation.type == "delete":
                raise unprocessable(
                    f"{unique} a key binding with the name '{name}' that is getting deleted or its deletion failed."
                )
            if operation.state != "failed":
                raise unprocessable(f"{unique} a key binding with name '{name}'.")
            self._forget_failed(binding)

    def _check_app(self, instance: Instance, app: App, name: str | None) -> None:
        bound = 0
        for binding in self.state.bindings_of(app):
            if binding.instance is instance:
                operation = binding.operation
                if (operation.type, operation.state) == ("create", "failed"):
                    self._forget_failed(binding)
                elif operation.type == "delete":
                    raise unprocessable("The binding is getting deleted or its deletion failed")
                else:
                    bound += 1
                    if bound >= self.state.bindings_per_app:
                        raise unprocessable("The app is already bound to the service instance")
            elif name and binding.name == name:
                raise unprocessable(
                    "The binding name is invalid. Binding names must be unique for a given service instance and app. "
                    f"The app already has a binding with name '{name}'."
                )

    def _forget_failed(self, binding: Binding) -> None:
        """A binding whose creation failed gives way to a new one of its name."""
        self.state.bindings.pop(binding.guid, None)

    def doomed(self, call: Call) -> Binding:
        """The binding this call may delete."""
        binding = self.find(call)
        if binding.app is not None:
            permissions.demand(permissions.manages_apps(call.who, binding.app.space))
        else:
            permissions.demand(permissions.writes(call.who, binding.instance.space))
        operation = binding.operation
        if operation.running:
            raise unprocessable(IN_PROGRESS.format("binding"))
        if binding.instance.operation.running:
            raise unprocessable(IN_PROGRESS.format("instance"))
        return binding

    def delete(self, call: Call) -> Response:
        binding = self.doomed(call)
        if not binding.instance.managed:
            del self.state.bindings[binding.guid]
            return Response(204)
        binding.operation = Operation("delete", "in progress")

        held = self._held(binding)

        def work() -> None:
            if held:
                raise BrokerError("Service broker error: not today")
            try:
                remove_binding(self.core, binding)
            except BrokerError as error:
                raise BrokerError(
                    f"Service broker failed to delete service binding for instance {binding.instance.name}: {error}"
                ) from error

        def failed(message: str) -> None:
            binding.operation.move("failed", message)

        name = "service_keys.delete" if binding.type == "key" else "service_bindings.delete"
        endless = held == "in progress"
        return self.core.jobs.run(name, "service_credential_binding", binding.guid, work, failed, endless=endless)

    def update(self, call: Call) -> Response:
        binding = self.find(call)
        permissions.demand(permissions.writes(call.who, binding.instance.space))
        metadata_update(binding, call.request.json())
        return Response(200, self.present.binding(binding))

    def details(self, call: Call) -> Response:
        binding = self.find(call)
        if not permissions.reads_secrets(call.who, binding.app.space if binding.app else binding.instance.space):
            raise not_found("Service credential binding")
        self._demand_created(binding)
        return Response(200, {"credentials": binding.credentials, "syslog_drain_url": None, "volume_mounts": []})

    def parameters(self, call: Call) -> Response:
        binding = self.find(call)
        self._demand_created(binding)
        if not binding.instance.parameters_readable:
            raise CFError("ServiceFetchBindingParametersNotSupported")
        return Response(200, binding.parameters or {})

    @staticmethod
    def _demand_created(binding: Binding) -> None:
        if not binding.usable:
            what = "key" if binding.type == "key" else "binding"
            doing = "Creation" if binding.operation.type == "create" else "Deletion"
            raise CFError("ResourceNotFound", f"{doing} of service {what} {binding.operation.state}")


def routes(core: Core) -> Routes:
    bindings = Bindings(core)
    base = "/v3/service_credential_bindings"
    return [
        ("GET", base, bindings.index),
        ("POST", base, bindings.create),
        ("GET", f"{base}/GUID", bindings.show),
        ("PATCH", f"{base}/GUID", bindings.update),
        ("DELETE", f"{base}/GUID", bindings.delete),
        ("GET", f"{base}/GUID/details", bindings.details),
        ("GET", f"{base}/GUID/parameters", bindings.parameters),
    ]
