# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bindings between apps and a service instance: seen, made and taken away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from .._waiting import Deadline, pauses
from .errors import CloudFoundryError
from .isolation_record import RecordedBinding, fits
from .jobs import JobFailed, WaitedTooLong, once_free, wait_for_job
from .lookup import space_names
from .resources import CREDENTIAL_BINDINGS, App, ServiceInstance, app_of, operation_of, related
from .session import CloudFoundrySession, Json, doing

# A broker's failure may pass; one that comes twice is told.
_ATTEMPTS = 2
_PARAMETERS_NOT_SUPPORTED = 90007
_BUSY = ("in progress", "initial")


@dataclass(frozen=True)
class AppBinding:
    """C(state) is that of the last operation: C(succeeded), C(failed) or C(in progress)."""

    guid: str
    name: str
    app: App
    space_name: str
    operation: str
    state: str

    @property
    def usable(self) -> bool:
        return self.operation != "delete" and self.state == "succeeded"

    @property
    def busy(self) -> bool:
        """Something is going on with it, so that nothing else can be done about it."""
        return self.state in _BUSY

    @property
    def failed_creation(self) -> bool:
        """It never came to be: no app has seen its credentials."""
        return self.operation != "delete" and self.state == "failed"

    def as_result(self) -> Json:
        return {
            "guid": self.guid,
            "name": self.name,
            "app": {**asdict(self.app), "space_name": self.space_name},
            "operation": self.operation,
            "state": self.state,
        }


@dataclass(frozen=True)
class WantedBinding:
    """C(name) and C(parameters) are for the binding if it has to be made; an existing one keeps its own."""

    app: App
    name: str = ""
    parameters: Json | None = None


def missing(wanted: Sequence[WantedBinding], present: Iterable[AppBinding]) -> list[WantedBinding]:
    """Those of one app's wanted bindings that have to be made; one that has another name counts all the same."""
    names = [binding.name for binding in present if binding.usable]
    left = []
    for one in wanted:
        if one.name in names:
            names.remove(one.name)
        else:
            left.append(one)
    return left[len(names) :]


def bound_apps(session: CloudFoundrySession, instance_guid: str) -> set[str]:
    """The GUIDs of the apps that have a binding to it, sound or not; none where it is gone."""
    found = session.list_all(CREDENTIAL_BINDINGS, type="app", service_instance_guids=instance_guid).resources
    return {related(resource, "app") or "" for resource in found}


class Bindings:
    """The app bindings of one service instance, in every space the login can see."""

    def __init__(self, session: CloudFoundrySession, instance: ServiceInstance, deadline: Deadline) -> None:
        self._session = session
        self._instance = instance
        self._deadline = deadline
        self._gives_no_parameters = False

    def all(self) -> list[AppBinding]:
        """Ordered by the names of the apps."""
        listing = self._session.list_all(
            CREDENTIAL_BINDINGS, type="app", service_instance_guids=self._instance.guid, include="app"
        )
        apps = {app.guid: app for app in map(app_of, listing.included.get("apps", []))}
        spaces = space_names(self._session, [app.space_guid for app in apps.values()])
        bindings = []
        for resource in listing.resources:
            guid = related(resource, "app") or ""
            app = apps.get(guid) or App(guid=guid, name=guid, state="", space_guid="")
            operation, state, _description = operation_of(resource)
            bindings.append(
                AppBinding(
                    guid=resource["guid"],
                    name=resource.get("name") or "",
                    app=app,
                    space_name=spaces.get(app.space_guid, ""),
                    operation=operation,
                    state=state,
                )
            )
        return sorted(bindings, key=lambda binding: (binding.app.name, binding.app.guid, binding.name))

    def settled(self, guids: Iterable[str]) -> list[AppBinding]:
        """All, once nothing is going on with these bindings, or C(wait_timeout) is over."""
        waited_for = set(guids)
        for pause in pauses(0.3):
            bindings = self.all()
            busy = any(binding.busy for binding in bindings if binding.guid in waited_for)
            if not busy or self._deadline.passed():
                return bindings
            self._deadline.sleep(pause)
        raise AssertionError("unreachable")

    def still_busy(self, binding: AppBinding) -> WaitedTooLong:
        return WaitedTooLong(
            f"The binding of {binding.app} to {self._instance} is still being {binding.operation}d "
            f"after {self._deadline.seconds:.0f} seconds.",
            hint="Run again to go on waiting, or raise wait_timeout (in the playbooks redis_migration_cf_timeout);"
            " if it never ends, ask the operator of the service.",
        )

    def require_all_visible(self, visible: Iterable[AppBinding]) -> None:
        """Raise when the instance is shared into a space where apps are bound that the login cannot see."""
        counts: dict[str, int] = {}
        for binding in visible:
            counts[binding.app.space_guid] = counts.get(binding.app.space_guid, 0) + 1
        usage = self._session.find(
            f"/v3/service_instances/{self._instance.guid}/relationships/shared_spaces/usage_summary"
        )
        for entry in (usage or {}).get("usage_summary") or []:
            guid = (entry.get("space") or {}).get("guid") or ""
            hidden = int(entry.get("bound_app_count") or 0) - counts.get(guid, 0)
            if hidden > 0:
                raise CloudFoundryError(
                    f'The service instance "{self._instance.name}" is shared into the space {guid}, where {hidden} '
                    f"{'app is' if hidden == 1 else 'apps are'} bound that {self._session.identity} cannot see.",
                    hint=f"The login needs the role Space Developer in the space {guid} to unbind them.",
                )

    def recorded(self, binding: AppBinding) -> RecordedBinding:
        """What is needed to make this binding again."""
        parameters, unreadable = self._parameters(binding)
        entry = RecordedBinding(
            app_guid=binding.app.guid,
            app_name=binding.app.name,
            space_guid=binding.app.space_guid,
            space_name=binding.space_name,
            binding_name=binding.name,
            app_state=binding.app.state,
            parameters=parameters,
            parameters_unreadable=unreadable,
            binding_guid=binding.guid,
        )
        if fits(entry):
            return entry
        return RecordedBinding(**{**asdict(entry), "parameters": None, "parameters_unreadable": True})

    def _parameters(self, binding: AppBinding) -> tuple[Json | None, bool]:
        """The parameters, and whether they are kept secret by the broker. An empty object means there were none."""
        if not self._instance.managed:
            return None, False
        if self._gives_no_parameters:
            return None, True
        try:
            # The broker itself answers this; one that fails is no reason to wait long, as it is for every app.
            return self._session.get(f"{CREDENTIAL_BINDINGS}/{binding.guid}/parameters", attempts=2) or None, False
        except CloudFoundryError as exc:
            if exc.status is None or exc.status in (401, 429):
                raise
            self._gives_no_parameters = self._gives_no_parameters or exc.has_code(_PARAMETERS_NOT_SUPPORTED)
            return None, True

    def bind(self, app: App, wanted: Sequence[WantedBinding]) -> bool:
        """Make the bindings of one app that are missing; whether there was any."""
        what = f"bind {app} to {self._instance}"
        failures = 0
        made = False
        while True:
            present = self._settled(app)
            left = missing(wanted, present)
            if not left:
                return made
            for binding in present:
                if not binding.usable:
                    # What a failed attempt left, of which CF makes no binding any more.
                    self.unbind(binding)
            try:
                made = self._create(left[0], what, alone=not any(binding.usable for binding in present)) or made
            except JobFailed as failure:
                failures += 1
                if failures == _ATTEMPTS:
                    raise failure.while_doing(
                        what, hint="Run again when the service works, or ask its operator."
                    ) from failure

    def _create(self, wanted: WantedBinding, what: str, *, alone: bool) -> bool:
        """False when it is not clear that it happened, or it had happened before: look again.

        C(alone) says that the app has no other binding to this service instance.
        """
        body: Json = {
            "type": "app",
            "relationships": {
                "service_instance": {"data": {"guid": self._instance.guid}},
                "app": {"data": {"guid": wanted.app.guid}},
            },
        }
        if wanted.name:
            body["name"] = wanted.name
        if wanted.parameters:
            body["parameters"] = wanted.parameters
        with doing(what, role="Space Developer (or Space Supporter) in the space of the app"):
            try:
                response = once_free(lambda: self._session.post(CREDENTIAL_BINDINGS, body), self._deadline, _ing(what))
            except CloudFoundryError as exc:
                if exc.mentions("already bound") and not alone:
                    raise exc.while_doing(
                        f"{what} once more",
                        hint="It was bound twice. This Cloud Foundry does not bind an app twice to one service "
                        "instance any more; the binding that it has is sound.",
                    ) from exc
                if (exc.uncertain or exc.mentions("already bound")) and not self._deadline.passed():
                    return False
                if exc.mentions("different spaces"):
                    raise exc.while_doing(
                        what, hint="Share the service instance into the space of the app first: 'cf share-service'."
                    ) from exc
                raise
        wait_for_job(self._session, response, self._deadline, _ing(what))
        return True

    def unbind(self, binding: AppBinding) -> None:
        """Returns when the binding is gone."""
        what = f"unbind {binding.app} from {self._instance}"
        for attempt in range(1, _ATTEMPTS + 1):
            with doing(what, role=f'Space Developer (or Space Supporter) in the space "{binding.space_name}"'):
                response = once_free(
                    lambda: self._session.delete(f"{CREDENTIAL_BINDINGS}/{binding.guid}"), self._deadline, _ing(what)
                )
            try:
                wait_for_job(self._session, response, self._deadline, _ing(what))
                return
            except JobFailed as failure:
                if attempt == _ATTEMPTS:
                    raise failure.while_doing(
                        what, hint="Run again when the service works, or ask its operator."
                    ) from failure

    def _settled(self, app: App) -> list[AppBinding]:
        """The app's bindings once nothing is going on with any of them."""
        for pause in pauses(0.3):
            found = self._session.list_all(
                CREDENTIAL_BINDINGS, type="app", service_instance_guids=self._instance.guid, app_guids=app.guid
            ).resources
            bindings = [
                AppBinding(one["guid"], one.get("name") or "", app, "", *operation_of(one)[:2]) for one in found
            ]
            busy = next((binding for binding in bindings if binding.busy), None)
            if busy is None:
                return bindings
            if self._deadline.passed():
                raise self.still_busy(busy)
            self._deadline.sleep(pause)
        raise AssertionError("unreachable")


def _ing(what: str) -> str:
    """C(bind the app) as C(binding the app)."""
    verb, _space, rest = what.partition(" ")
    return f"{verb}ing {rest}"
