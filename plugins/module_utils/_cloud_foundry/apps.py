# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apps stopped, started, restarted, restaged, and waited for until their instances run."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from .._errors import printable
from .._waiting import Deadline, pauses
from .errors import CloudFoundryError
from .jobs import WaitedTooLong
from .resources import App
from .session import CloudFoundrySession, Json, doing

Wish = t.Literal["started", "stopped", "restarted", "restaged", "rolling"]

_ROLE = "Space Developer (or Space Supporter) in the space of the app"
_STAGER = "Space Developer in the space of the app"
# The platform restarts a crashed instance at once, so one look at crashed instances is not the end.
_CRASHED_LOOKS = 3
_FIRST_PAUSE = 0.3


class Apps:
    """C(wait) says whether to wait until all instances run."""

    def __init__(self, session: CloudFoundrySession, deadline: Deadline, *, wait: bool = True) -> None:
        self._session = session
        self._deadline = deadline
        self._wait = wait

    def needs_change(self, app: App, wish: Wish) -> bool:
        """What C(bring) would find to do. An app already started or stopped has nothing to be started or stopped."""
        if wish == "started":
            return app.state != "STARTED"
        return app.state != "STOPPED" if wish == "stopped" else True

    def foreseen(self, app: App, wish: Wish) -> Json:
        """What C(bring) would return, without doing anything."""
        changed = self.needs_change(app, wish)
        if wish == "stopped":
            return self._result(app, changed, "STOPPED", [])
        return self._result(app, changed, "STARTED", self.processes(app))

    def bring(self, app: App, wish: Wish) -> Json:
        """Make it so. Returns the app as it is then, with C(changed) and its C(processes)."""
        changed = self.needs_change(app, wish)
        if changed:
            self._act(app, wish)
        if wish == "stopped":
            return self._result(app, changed, "STOPPED", [])
        processes = self._running(app) if self._wait else self.processes(app)
        return self._result(app, changed, "STARTED", processes)

    def _act(self, app: App, wish: Wish) -> None:
        actions: dict[str, Callable[[App], None]] = {
            "started": lambda one: self._do(one, "start"),
            "stopped": lambda one: self._do(one, "stop"),
            "restarted": lambda one: self._do(one, "restart"),
            "restaged": self._restage,
            "rolling": self._roll,
        }
        actions[wish](app)

    @staticmethod
    def _result(app: App, changed: bool, state: str, processes: list[Json]) -> Json:
        return {
            "guid": app.guid,
            "name": app.name,
            "space_guid": app.space_guid,
            "state": state,
            "changed": changed,
            "processes": processes,
        }

    def _do(self, app: App, action: str) -> None:
        with doing(f"{action} {app}", role=_ROLE):
            try:
                self._session.post(f"/v3/apps/{app.guid}/actions/{action}", repeatable=True)
            except CloudFoundryError as exc:
                if exc.mentions("droplet"):
                    raise exc.while_doing(
                        f"{action} {app}", hint="It has never been staged: push it, or restage it."
                    ) from exc
                raise

    def _restage(self, app: App) -> None:
        with doing(f"restage {app}", role=_STAGER):
            packages = self._session.list_all(
                "/v3/packages", app_guids=app.guid, states="READY", order_by="-created_at"
            ).resources
            if not packages:
                raise CloudFoundryError("It has no package.", hint="Push it with 'cf push' first.")
            build = self._built(app, packages[0]["guid"])
            self._do(app, "stop")
            try:
                self._session.patch(
                    f"/v3/apps/{app.guid}/relationships/current_droplet",
                    {"data": {"guid": (build.get("droplet") or {}).get("guid")}},
                )
            finally:
                # With its old droplet, if need be: that is better than no app.
                self._do(app, "start")

    def _built(self, app: App, package_guid: str) -> Json:
        build = self._begun(
            "/v3/builds",
            {"package": {"guid": package_guid}},
            lambda: self._latest("/v3/builds", app_guids=app.guid, states="STAGING"),
            ("staging at a time",),
        )
        for pause in pauses(_FIRST_PAUSE):
            state = build.get("state")
            if state == "STAGED":
                return build
            if state == "FAILED":
                raise CloudFoundryError(
                    f"Staging failed: {build.get('error') or 'no reason is given'}.",
                    hint=f"'cf logs {app.name} --recent' shows the staging log. The app runs on as it was.",
                )
            if self._deadline.passed():
                raise WaitedTooLong(
                    f"It is still staging after {self._deadline.seconds:.0f} seconds.",
                    hint="Raise wait_timeout (in the playbooks redis_migration_cf_timeout), and run again.",
                )
            self._deadline.sleep(pause)
            build = self._session.get(f"/v3/builds/{build['guid']}")
        raise AssertionError("unreachable")

    def _roll(self, app: App) -> None:
        if app.state != "STARTED":
            # There is nothing running that could be replaced little by little.
            self._do(app, "start")
            return
        with doing(f"restart {app} instance by instance", role=_ROLE):
            deployment = self._begun(
                "/v3/deployments",
                {"strategy": "rolling", "relationships": {"app": {"data": {"guid": app.guid}}}},
                lambda: self._latest("/v3/deployments", app_guids=app.guid, status_values="ACTIVE"),
                (),
            )
            self._deployed(app, deployment)

    def _deployed(self, app: App, deployment: Json) -> None:
        for pause in pauses(_FIRST_PAUSE):
            status = deployment.get("status") or {}
            if status.get("value") == "FINALIZED":
                if status.get("reason") == "DEPLOYED":
                    return
                raise CloudFoundryError(
                    f"The deployment ended as {status.get('reason')}.",
                    hint=f"'cf logs {app.name} --recent' shows why; the old instances run on.",
                )
            if self._deadline.passed():
                raise WaitedTooLong(
                    f"It is still going on after {self._deadline.seconds:.0f} seconds "
                    f"(deployment {status.get('reason') or status.get('value')}). {self._instances(app)}",
                    hint=f"'cf logs {app.name} --recent' shows why instances do not come up; "
                    f"'cf cancel-deployment {app.name}' goes back; or raise wait_timeout (in the"
                    " playbooks redis_migration_cf_timeout).",
                )
            self._deadline.sleep(pause)
            deployment = self._session.get(f"/v3/deployments/{deployment['guid']}")

    def _begun(self, path: str, body: Json, look: Callable[[], Json | None], also: tuple[str, ...]) -> Json:
        """POST something that must not run twice: after an unclear answer look whether it runs already."""
        for attempt in (1, 2):
            try:
                return self._session.post(path, body).json()
            except CloudFoundryError as exc:
                if not exc.uncertain and not (also and exc.mentions(*also)):
                    raise
                running = look()
                if running is not None:
                    return running
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def _latest(self, path: str, **query: str) -> Json | None:
        return next(iter(self._session.list_all(path, order_by="-created_at", **query).resources), None)

    def processes(self, app: App) -> list[Json]:
        """Each process that has instances, with the state of each of these."""
        found = []
        for process in self._session.list_all(f"/v3/apps/{app.guid}/processes").resources:
            if not process.get("instances"):
                continue
            stats = self._session.find(f"/v3/processes/{process['guid']}/stats") or {}
            instances = [
                {"index": entry.get("index"), "state": entry.get("state"), "details": _shown(entry.get("details"))}
                for entry in stats.get("resources") or []
            ]
            found.append(
                {
                    "guid": process["guid"],
                    "type": process.get("type"),
                    "wanted": process["instances"],
                    "instances": sorted(instances, key=lambda entry: entry["index"] or 0),
                }
            )
        return found

    def _running(self, app: App) -> list[Json]:
        """Wait until as many instances run as are wanted, of every process."""
        crashed_looks = 0
        for pause in pauses(_FIRST_PAUSE):
            processes = self.processes(app)
            if all(_count(process, "RUNNING") >= process["wanted"] for process in processes):
                return processes
            crashed = any(_count(process, "CRASHED") >= process["wanted"] for process in processes)
            crashed_looks = crashed_looks + 1 if crashed else 0
            if crashed_looks >= _CRASHED_LOOKS:
                raise CloudFoundryError(
                    f'The app "{app.name}" does not come up: {described(processes)}.',
                    hint=f"'cf logs {app.name} --recent' shows why; when it is right, run again.",
                )
            if self._deadline.passed():
                raise WaitedTooLong(
                    f'The app "{app.name}" does not run after {self._deadline.seconds:.0f} seconds: '
                    f"{described(processes)}.",
                    hint=f"'cf logs {app.name} --recent' shows why; or raise wait_timeout (in the playbooks"
                    " redis_migration_cf_timeout).",
                )
            self._deadline.sleep(max(pause, 0.5) if crashed else pause)
        raise AssertionError("unreachable")

    def _instances(self, app: App) -> str:
        return f"Its instances: {described(self.processes(app))}."


def _shown(details: t.Any) -> str | None:
    return printable(str(details)) if details else None


def _count(process: Json, state: str) -> int:
    return sum(1 for instance in process["instances"] if instance["state"] == state)


def described(processes: list[Json]) -> str:
    """The recent state of every instance: C(web 0 CRASHED (out of memory), web 1 RUNNING)."""
    parts = []
    for process in processes:
        seen = process["instances"]
        for instance in seen:
            details = f" ({instance['details']})" if instance.get("details") else ""
            parts.append(f"{process['type']} {instance['index']} {instance['state']}{details}")
        if len(seen) < process["wanted"]:
            parts.append(f"{process['type']}: {process['wanted'] - len(seen)} of {process['wanted']} not there")
    return ", ".join(parts) or "no instance is there"
