# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the options of redis_isolation and its result."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cluster.isolation import Nodes
from .._connection.address import joined
from .._connection.endpoint import parse_endpoint, refuse_replica
from .._errors import RedisMigrationError
from .._isolation.guard import Process, start_guard, stop_guard
from .._isolation.isolation import Isolation, Observation
from .._isolation.pause import all_paused, any_paused, pause_all
from .._server.clients import Client, Rule
from .common import check_not_negative, warn_unverified
from .run import Failed

# Seconds. Who forgets a pause should not find the applications blocked for weeks.
_LONGEST_PAUSE = 86_400


def work(module: AnsibleModule) -> dict[str, t.Any]:
    endpoint = parse_endpoint(module.params["endpoint"], "endpoint")
    refuse_replica(endpoint, "writes are watched and paused at the primary")
    _check_times(module.params)
    warn_unverified(module, endpoint)
    with contextlib.ExitStack() as opened:
        run = _Run(module, Nodes(endpoint, opened))
        {"isolated": run.isolate, "paused": run.pause, "released": run.release}[module.params["state"]]()
    return run.result


def _check_times(params: t.Mapping[str, t.Any]) -> None:
    check_not_negative(params, "timeout", "quiet_seconds")
    if not 1 <= params["pause_seconds"] <= _LONGEST_PAUSE:
        raise RedisMigrationError(
            f"pause_seconds is {params['pause_seconds']:.15g}; it must be from 1 to {_LONGEST_PAUSE} (a day).",
            hint="A pause that is needed for longer is renewed: call again, or use 'with_playbook'.",
        )


def _rules(params: t.Mapping[str, t.Any], option: str) -> list[Rule]:
    rules = [Rule(entry["address"], entry["name"], entry["user"]) for entry in params[option]]
    if any(rule == Rule() for rule in rules):
        raise RedisMigrationError(
            f"An entry of '{option}' is empty.",
            hint="Give each an 'address', a 'name' or a 'user'; '*' matches everything.",
        )
    return rules


class _Run:
    """One call of the module."""

    def __init__(self, module: AnsibleModule, nodes: Nodes) -> None:
        self._module = module
        self._params = module.params
        self._nodes = nodes
        self._endpoint = nodes.endpoint
        # What failed at one primary of a cluster where others are let go.
        self._away: RedisMigrationError | None = None
        self._open()
        self.result: dict[str, t.Any] = {
            "changed": False,
            "isolated": False,
            "clients": None,
            "disconnected": [],
            "writes": None,
            "waited_seconds": 0.0,
            "paused": None,
            "guard": None,
            "nodes": [joined(*place) for place in nodes.places],
            "waiting": [],
            "pause_seconds": module.params["pause_seconds"],
        }

    def _open(self) -> None:
        """Connect to who is there now."""
        if self._params["state"] == "released":
            self._away = self._nodes.open_some()
        else:
            self._nodes.open()
        self._isolation = Isolation(
            self._nodes.primaries, self._endpoint, _rules(self._params, "ignore"), _rules(self._params, "disconnect")
        )

    def _observed(self) -> Observation:
        """What was seen until nobody was there. Where primaries are others at the end, these have not been watched yet."""
        began = time.monotonic()
        timeout = self._params["timeout"]
        while True:
            left = max(0.0, timeout - (time.monotonic() - began))
            observed = self._isolation.wait(self._params["quiet_seconds"], left)
            if not observed.isolated or self._nodes.unchanged():
                return observed
            if left <= 0:
                raise RedisMigrationError(
                    f"The {self._endpoint.role} cluster changed while it was watched (slots moved, or a primary failed over).",
                    hint="Run again in a while.",
                )
            self._open()

    def isolate(self) -> None:
        """Wait until nobody is there."""
        if self._module.check_mode:
            clients = self._isolation.look()
            self._told(clients, self._isolation.unwanted(clients))
            self.result["isolated"] = clients == []
            return
        observed = self._observed()
        self._told(observed.clients, observed.disconnected)
        self.result.update(isolated=observed.isolated, writes=observed.writes, waited_seconds=round(observed.waited, 3))
        if observed.clients is None:
            self._module.warn(
                f"User '{self._endpoint.user}' may not use CLIENT LIST, so only writes were waited for;"
                f" {observed.connections} connections other than this one exist."
            )
        if observed.writes is None:
            self._module.warn(
                "Write commands cannot be counted here (COMMAND is not permitted, or the statistics were reset"
                " meanwhile);"
                " the server's count of changes was used instead."
            )
        if not observed.isolated:
            raise Failed(str(self._isolation.obstacle(observed)), self.result)

    def pause(self) -> None:
        """Hold back writes, from now for the time given."""
        before = all_paused(self._nodes.primaries)
        if not self._module.check_mode:
            pause_all(self._nodes.primaries, self._params["pause_seconds"])
            if self._params["with_playbook"]:
                self._guard()
        self.result.update(paused=before if self._module.check_mode else True, changed=before is not True)
        self._disconnect()

    def _guard(self) -> None:
        owner = self._params["owner"]
        seconds = self._params["pause_seconds"]
        guard = start_guard(self._nodes.find, seconds, Process(**owner)) if owner else None
        if guard:
            self.result["guard"] = guard._asdict()
            return
        self._module.warn(
            "The playbook runs on another machine, so nobody here notices its end: the pause of writes ends after"
            f" {seconds:g} s or with state 'released', whichever comes first."
        )

    def release(self) -> None:
        """Let writes through again. Who is to be disconnected goes first: what waits in such a connection never runs."""
        if self._params["guard"] and not self._module.check_mode:
            stop_guard(Process(**self._params["guard"]))
        before = any_paused(self._nodes.primaries)
        self._disconnect()
        self.result["changed"] = self.result["changed"] or before is not False
        waiting = [] if before is False else self._waiting()
        if not self._module.check_mode and before is not False:
            self._nodes.release()
        self.result["paused"] = before if self._module.check_mode else False
        if waiting:
            self.result["waiting"] = [one.as_dict() for one in waiting]
            names = ", ".join(str(one) for one in waiting[:5])
            self._module.warn(
                "Clients were waiting with a command that may have been held back and now runs at this server:"
                f" {names}."
                " If it has been migrated, these writes are missing at the target: migrate again, or use 'disconnect'"
                " together with state 'released' to have them dropped."
            )
        if self._away:
            raise Failed(f"{self._away} The pause was ended at the other primaries.", self.result)

    def _waiting(self) -> list[Client]:
        clients = self._isolation.look() or []
        cut = self._isolation.unwanted(clients)
        return [one for one in clients if "b" in one.flags and one not in cut]

    def _disconnect(self) -> None:
        clients = self._isolation.look()
        if self._module.check_mode:
            gone = self._isolation.unwanted(clients)
        else:
            gone = self._isolation.disconnect(clients)
            clients = self._isolation.look() if gone else clients
        self._told(clients, gone)

    def _told(self, clients: list[Client] | None, disconnected: t.Sequence[Client]) -> None:
        self.result["clients"] = None if clients is None else [one.as_dict() for one in clients]
        self.result["disconnected"] = [one.as_dict() for one in disconnected]
        self.result["changed"] = self.result["changed"] or bool(disconnected)
