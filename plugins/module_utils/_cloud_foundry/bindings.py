# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bindings between apps and a service instance: seen, made and taken away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from .._waiting import Deadline, pauses
from .errors import CloudFoundryError
from .isolation_record import RecordedBinding, fits
from .jobs import JobFailed, WaitedTooLong, once_free, wait_for_job
from .lookup import space_names
from .resources import App, ServiceInstance, app_of, operation_of, related
from .session import CloudFoundrySession, Json, doing

_BINDINGS = "/v3/service_credential_bindings"
# A broker's failure may pass; one that comes twice is told.
_ATTEMPTS = 2
_PARAMETERS_NOT_SUPPORTED = 90007


@dataclass(frozen=True)
class AppBinding:
    """C(state) is that of the last operation: C(succeeded), C(failed) or C(in progress)."""

    guid: str
    name: str
    app: App
    space_name: str
    operation: str
    state: str

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
            _BINDINGS, type="app", service_instance_guids=self._instance.guid, include="app"
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
            return self._session.get(f"{_BINDINGS}/{binding.guid}/parameters", attempts=2) or None, False
        except CloudFoundryError as exc:
            if exc.status is None or exc.status in (401, 429):
                raise
            self._gives_no_parameters = self._gives_no_parameters or exc.has_code(_PARAMETERS_NOT_SUPPORTED)
            return None, True

    def bind(self, wanted: WantedBinding) -> bool:
        """Whether the app had to be bound."""
        what = f"bind {wanted.app} to {self._instance}"
        failures = 0
        while True:
            binding = self._settled(wanted.app)
            if binding is not None and binding.state == "succeeded" and binding.operation != "delete":
                return False
            if binding is not None:
                # The ruin of an earlier attempt, of which CF makes no binding any more.
                self.unbind(binding)
            try:
                if self._create(wanted, what):
                    return True
            except JobFailed as failure:
                failures += 1
                if failures == _ATTEMPTS:
                    raise failure.while_doing(
                        what, hint="Run again when the service works, or ask its operator."
                    ) from failure

    def _create(self, wanted: WantedBinding, what: str) -> bool:
        """False when it is not clear that it happened, or it had happened before: look again."""
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
                response = once_free(lambda: self._session.post(_BINDINGS, body), self._deadline, _ing(what))
            except CloudFoundryError as exc:
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
                    lambda: self._session.delete(f"{_BINDINGS}/{binding.guid}"), self._deadline, _ing(what)
                )
            try:
                wait_for_job(self._session, response, self._deadline, _ing(what))
                return
            except JobFailed as failure:
                if attempt == _ATTEMPTS:
                    raise failure.while_doing(
                        what, hint="Run again when the service works, or ask its operator."
                    ) from failure

    def _settled(self, app: App) -> AppBinding | None:
        """The app's binding once nothing is going on with it."""
        for pause in pauses(0.3):
            found = self._session.list_all(
                _BINDINGS, type="app", service_instance_guids=self._instance.guid, app_guids=app.guid
            ).resources
            if not found:
                return None
            operation, state, _description = operation_of(found[0])
            if state not in ("in progress", "initial"):
                return AppBinding(found[0]["guid"], found[0].get("name") or "", app, "", operation, state)
            if self._deadline.passed():
                raise WaitedTooLong(
                    f"The binding of {app} to {self._instance} is still being {operation}d "
                    f"after {self._deadline.seconds:.0f} seconds.",
                    hint="Run again to go on waiting, or raise wait_timeout.",
                )
            self._deadline.sleep(pause)
        raise AssertionError("unreachable")


def _ing(what: str) -> str:
    """C(bind the app) as C(binding the app)."""
    verb, _space, rest = what.partition(" ")
    return f"{verb}ing {rest}"
