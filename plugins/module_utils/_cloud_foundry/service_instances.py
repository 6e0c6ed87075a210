# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service instances: everything worth knowing about one, and the creation of one."""

from __future__ import annotations

from .._errors import printable
from .._waiting import Deadline, pauses
from .bindings import Bindings
from .errors import CloudFoundryError
from .jobs import WaitedTooLong, once_free, wait_for_job
from .lookup import find_service_instance, get_service_instance, nearest, search_service_instance
from .resources import CREDENTIAL_BINDINGS, Place, ServiceInstance, operation_of, related
from .session import CloudFoundrySession, Json, doing, joined


def _name(resource: Json | None) -> str | None:
    name = (resource or {}).get("name")
    return None if name is None else printable(str(name))


def describe_instance(session: CloudFoundrySession, instance: ServiceInstance, deadline: Deadline) -> Json:
    """The result C(service_instance) of the modules."""
    resource = instance.resource
    operation, state, description = instance.operation
    plan = session.find(f"/v3/service_plans/{instance.plan_guid}") if instance.plan_guid else None
    offering_guid = related(plan, "service_offering") if plan else None
    offering = session.find(f"/v3/service_offerings/{offering_guid}") if offering_guid else None
    space = session.find(f"/v3/spaces/{instance.space_guid}") or {}
    organization_guid = related(space, "organization")
    organization = session.find(f"/v3/organizations/{organization_guid}") if organization_guid else None
    keys = session.list_all(CREDENTIAL_BINDINGS, type="key", service_instance_guids=instance.guid).resources
    apps = Bindings(session, instance, deadline).all()
    return {
        "guid": instance.guid,
        "name": instance.name,
        "type": "managed" if instance.managed else "user-provided",
        "organization": _name(organization),
        "space": _name(space),
        "space_guid": instance.space_guid,
        "offering": _name(offering),
        "plan": _name(plan),
        "plan_guid": instance.plan_guid,
        "version": (resource.get("maintenance_info") or {}).get("version"),
        "upgrade_available": bool(resource.get("upgrade_available")),
        "broker_provided_metadata": resource.get("broker_provided_metadata"),
        "dashboard_url": resource.get("dashboard_url"),
        "tags": resource.get("tags") or [],
        "last_operation": {"type": operation, "state": state, "description": description},
        "apps": [binding.as_result() for binding in apps],
        "keys": [{"guid": key["guid"], "name": key.get("name"), "state": operation_of(key)[1]} for key in keys],
    }


class Provisioning:
    """Creation of a managed service instance in a space."""

    def __init__(self, session: CloudFoundrySession, place: Place, deadline: Deadline) -> None:
        self._session = session
        self._place = place
        self._deadline = deadline

    def existing(self, name: str) -> ServiceInstance | None:
        return search_service_instance(self._session, self._place, name)

    def find_plan(self, offering: str, plan: str, broker: str | None = None) -> str:
        """The GUID of the plan; the error has the nearest names of what there is."""
        filters = {"service_offering_names": joined([offering])}
        if broker:
            filters["service_broker_names"] = joined([broker])
        if self._place.space:
            filters["space_guids"] = self._place.space.guid
        plans = self._session.list_all("/v3/service_plans", include="service_offering", **filters).resources
        if not plans:
            names = [entry["name"] for entry in self._session.list_all("/v3/service_offerings").resources]
            raise CloudFoundryError(
                f'There is no service offering "{offering}" for {self._place}; {nearest(offering, names)}.',
                hint="'cf marketplace' lists the offerings.",
                status=404,
            )
        matching = [entry for entry in plans if entry["name"].lower() == plan.lower()]
        usable = [entry for entry in matching if entry.get("available", True)]
        if not usable:
            raise CloudFoundryError(
                f'There is no {"available " if matching else ""}plan "{plan}" of the service offering "{offering}" '
                f"for {self._place}; {nearest(plan, [entry['name'] for entry in plans if entry not in matching])}.",
                hint=f"'cf marketplace -e {offering}' lists its plans.",
                status=404,
            )
        if len(usable) > 1:
            raise CloudFoundryError(
                f'{len(usable)} service brokers have a plan "{plan}" of an offering "{offering}".',
                hint="Say which with broker.",
            )
        return str(usable[0]["guid"])

    def create(self, name: str, plan_guid: str, parameters: Json | None, tags: list[str] | None) -> ServiceInstance:
        """Begin the creation and wait until the instance is ready."""
        if self._place.space is None:
            raise CloudFoundryError(
                f'The service instance "{name}" needs a space to be created in.', hint="Set organization and space."
            )
        body: Json = {
            "type": "managed",
            "name": name,
            "relationships": {
                "space": {"data": {"guid": self._place.space.guid}},
                "service_plan": {"data": {"guid": plan_guid}},
            },
        }
        if parameters:
            body["parameters"] = parameters
        if tags:
            body["tags"] = tags
        what = f'creating the service instance "{name}"'
        response = None
        with doing(f'create the service instance "{name}" in {self._place}', role=self._place.developer):
            try:
                response = once_free(lambda: self._session.post("/v3/service_instances", body), self._deadline, what)
            except CloudFoundryError as exc:
                if not exc.uncertain or self.existing(name) is None:
                    raise
            wait_for_job(self._session, response, self._deadline, what)
        return self.ready(find_service_instance(self._session, self._place, name))

    def ready(self, instance: ServiceInstance) -> ServiceInstance:
        """Wait until nothing is going on with the instance; raises when its creation failed."""
        for pause in pauses(0.5, longest=10.0):
            operation, state, description = instance.operation
            if state == "failed" and operation == "create":
                raise CloudFoundryError(
                    f'The creation of the service instance "{instance.name}" failed at the broker: '
                    f"{description or 'it gives no reason'}.",
                    hint=f"Delete it ('cf delete-service {instance.name}') and run again, or ask its operator.",
                )
            if state not in ("in progress", "initial"):
                return instance
            if self._deadline.passed():
                raise WaitedTooLong(
                    f'The service instance "{instance.name}" is not ready after {self._deadline.seconds:.0f} seconds '
                    f"({operation} {state}).",
                    hint="Run again to go on waiting, or raise wait_timeout (in the playbooks redis_migration_cf_timeout).",
                )
            self._deadline.sleep(pause)
            fresh = get_service_instance(self._session, instance.guid)
            if fresh is None:
                raise CloudFoundryError(
                    f'The service instance "{instance.name}" went away while it was waited for.',
                    hint="Its creation failed, or somebody deleted it; 'cf services' shows what is there.",
                )
            instance = fresh
        raise AssertionError("unreachable")
