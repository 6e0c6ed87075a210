# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service keys: made, repaired, waited for, read and deleted."""

from __future__ import annotations

import typing as t

from .._waiting import Deadline, pauses
from .errors import CloudFoundryError
from .jobs import JobFailed, WaitedTooLong, once_free, wait_for_job
from .resources import CREDENTIAL_BINDINGS, ServiceInstance, operation_of
from .session import CloudFoundrySession, Json, doing, joined

# A broker's failure may pass; one that comes twice is told.
_CREATIONS = 2
_DELETIONS = 2
_BUSY = ("in progress", "initial")

Plan = t.Literal["keep", "wait", "create", "repair"]


class ServiceKeys:
    """The keys of one managed service instance. C(role) is the role that may change them, for messages."""

    def __init__(self, session: CloudFoundrySession, instance: ServiceInstance, role: str, deadline: Deadline) -> None:
        self._session = session
        self._instance = instance
        self._role = role
        self._deadline = deadline

    def find(self, name: str) -> Json | None:
        """The key of this name in whatever state it is."""
        found = self._session.list_all(
            CREDENTIAL_BINDINGS, type="key", names=joined([name]), service_instance_guids=self._instance.guid
        ).resources
        return next((key for key in found if key.get("name") == name), None)

    def plan(self, key: Json | None) -> Plan:
        """What C(ensure) would do about a key that was found in this state."""
        if key is None:
            return "create"
        operation, state, _description = operation_of(key)
        if state in _BUSY:
            return "wait" if operation == "create" else "create"
        return "repair" if state == "failed" or operation == "delete" else "keep"

    def ensure(self, name: str, parameters: Json | None = None) -> tuple[Json, bool]:
        """The usable key of this name and whether anything had to be done for it."""
        changed = False
        creations = 0
        while True:
            key = self._settled(name)
            if key is not None and self._usable(key):
                return key, changed
            if key is not None:
                self._delete(key)
                changed = True
            if creations == _CREATIONS:
                raise self._no_key(name, key)
            creations += 1
            changed = True
            try:
                self._create(name, parameters)
            except JobFailed as failure:
                if creations == _CREATIONS:
                    self._clear_away(name)
                    raise failure.while_doing(
                        f'create the service key "{name}" of {self._instance}',
                        hint="The broker's message is above. Nothing is left behind; run again when the service works, "
                        "or ask its operator.",
                    ) from failure

    def remove(self, name: str) -> bool:
        """Whether there was a key to delete."""
        key = self._settled(name)
        if key is None:
            return False
        self._delete(key)
        return True

    def credentials(self, key: Json) -> Json:
        """The credentials of a usable key."""
        what = f'read the service key "{key["name"]}" of {self._instance}'
        for pause in pauses(0.3):
            with doing(what, role=self._role):
                try:
                    details = self._session.get(f"{CREDENTIAL_BINDINGS}/{key['guid']}/details")
                    return details.get("credentials") or {}
                except CloudFoundryError as exc:
                    if not exc.not_found:
                        raise
                    if exc.mentions("in progress") and not self._deadline.passed():
                        self._deadline.sleep(pause)
                        continue
                    # CF hides secrets from other roles by saying that there is nothing.
                    raise exc.while_doing(what, hint=f"Reading credentials needs the role {self._role}.") from exc
        raise AssertionError("unreachable")

    def _usable(self, key: Json) -> bool:
        operation, state, _description = operation_of(key)
        return operation != "delete" and state == "succeeded"

    def _settled(self, name: str) -> Json | None:
        """The key once nothing is going on with it; None when there is none (any more)."""
        for pause in pauses(0.3):
            key = self.find(name)
            if key is None:
                return None
            operation, state, _description = operation_of(key)
            if state not in _BUSY:
                return key
            if self._deadline.passed():
                raise WaitedTooLong(
                    f'The service key "{name}" of {self._instance} is still being {operation}d '
                    f"after {self._deadline.seconds:.0f} seconds.",
                    hint="Run again to go on waiting, or raise wait_timeout (in the playbooks redis_migration_cf_timeout).",
                )
            self._deadline.sleep(pause)
        raise AssertionError("unreachable")

    def _create(self, name: str, parameters: Json | None) -> None:
        body: Json = {
            "type": "key",
            "name": name,
            "relationships": {"service_instance": {"data": {"guid": self._instance.guid}}},
        }
        if parameters:
            body["parameters"] = parameters
        with doing(f'create the service key "{name}" of {self._instance}', role=self._role):
            try:
                response = once_free(
                    lambda: self._session.post(CREDENTIAL_BINDINGS, body),
                    self._deadline,
                    f'creating the service key "{name}"',
                )
            except CloudFoundryError as exc:
                # It may have arrived, or another run was quicker: what is there now decides.
                if exc.uncertain or exc.mentions("already has a key binding with"):
                    return
                if exc.mentions("plan does not allow bindings", "not bindable", "bindings not allowed"):
                    raise exc.while_doing(
                        f'create the service key "{name}" of {self._instance}',
                        hint="This plan gives no credentials; give the endpoint with url or host instead.",
                    ) from exc
                raise
        wait_for_job(self._session, response, self._deadline, f'creating the service key "{name}"')

    def _delete(self, key: Json) -> None:
        what = f'deleting the service key "{key["name"]}"'
        for attempt in range(1, _DELETIONS + 1):
            with doing(f'delete the service key "{key["name"]}" of {self._instance}', role=self._role):
                response = once_free(
                    lambda: self._session.delete(f"{CREDENTIAL_BINDINGS}/{key['guid']}"), self._deadline, what
                )
            try:
                wait_for_job(self._session, response, self._deadline, what)
                return
            except JobFailed as failure:
                if attempt == _DELETIONS:
                    raise failure.while_doing(
                        f'delete the service key "{key["name"]}" of {self._instance}',
                        hint="Run again when the service works, or ask its operator.",
                    ) from failure

    def _clear_away(self, name: str) -> None:
        """A key whose creation failed stays behind as a leftover that blocks its name."""
        try:
            leftover = self.find(name)
            if leftover is not None:
                self._delete(leftover)
        except CloudFoundryError as exc:
            self._session.warn(f'The failed service key "{name}" could not be cleared away: {exc.message}')

    def _no_key(self, name: str, leftover: Json | None) -> CloudFoundryError:
        said = operation_of(leftover)[2] if leftover else ""
        return CloudFoundryError(
            f'Could not create the service key "{name}" of {self._instance}: '
            + (f"the broker says: {said}." if said else "it was accepted and then was not there."),
            hint="Run again when the service works, or ask its operator.",
        )


def user_provided_credentials(session: CloudFoundrySession, instance: ServiceInstance, role: str) -> Json:
    """A user-provided service instance has no keys; its credentials are its own."""
    with doing(f"read the credentials of {instance}", role=role):
        return session.get(f"/v3/service_instances/{instance.guid}/credentials")
