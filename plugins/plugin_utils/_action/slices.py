# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a long module in slices of time and tells its progress between them.

A module's output arrives only when it has ended, so a long one runs as several short ones: each returns how far it
came, and the next one goes on from there. Nothing is left behind on the way, and an interrupt costs one slice.
"""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.pause_renewal import PauseRenewal
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.progress import (
    Lines,
    ProgressLines,
    progress_interval,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.worker import WorkerAction

# Most runs end within it, and then nothing was spent on progress.
_FIRST_SLICE_SECONDS = 10.0


class SlicedAction(WorkerAction):
    """Base of the action plugins; a subclass names the counters that tell how far its module is, one for each look at a key."""

    looked_at: t.ClassVar[tuple[str, ...]]

    def conduct(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        seconds = progress_interval(arguments)
        if self._task.async_val or not seconds or arguments.get("resume") or arguments.get("slice_seconds"):
            return super().conduct(arguments, variables)
        return self._run_slices(arguments, seconds, variables)

    def _run_slices(self, arguments: dict[str, t.Any], seconds: float, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        display = Display()
        progress = self._lines(str(variables.get("inventory_hostname", "localhost")))
        expected = self._planned(arguments, variables)
        warnings: list[t.Any] = []
        pause = PauseRenewal(
            lambda name, options: self.run_module(name, options, variables), arguments.get("source"), variables
        )
        seconds = min(seconds, pause.seconds / 3 or seconds)
        arguments["slice_seconds"] = min(_FIRST_SLICE_SECONDS, seconds)
        while True:
            problem = pause.renew()
            warnings += [problem] if problem else []
            result = self.run_module(self.module, arguments, variables)
            warnings += [warning for warning in result.pop("warnings", []) if warning not in warnings]
            token = result.pop("resume", None)
            if not token or result.get("failed") or result.get("unreachable"):
                break
            # On the error stream, where it arrives at once and a machine's output stays readable to machines.
            display.display(progress.line(result, expected), stderr=True)
            if "resume" in arguments and expected is None:
                expected = self._counted(arguments, variables)
            arguments.update(slice_seconds=seconds, resume=token)
        if warnings:
            result["warnings"] = warnings
        for option in ("resume", "slice_seconds"):
            result.get("invocation", {}).get("module_args", {}).pop(option, None)
        return result

    def _lines(self, host: str) -> Lines:
        return ProgressLines(host, self.looked_at)

    def _planned(self, arguments: t.Mapping[str, t.Any], variables: dict[str, t.Any]) -> dict[str, int] | None:
        """Keys per database of the source as preflight counted them, if it ran; empty where only some keys are meant."""
        if any(arguments.get(option) for option in ("match", "exclude", "types")):
            return {}
        databases = variables.get("__redis_migration_preflight", {}).get("plan", {}).get("databases")
        return {str(database["source"]): int(database["keys"]) for database in databases} if databases else None

    def _counted(self, arguments: t.Mapping[str, t.Any], variables: dict[str, t.Any]) -> dict[str, int]:
        """The same, asked for. A run that takes this long does not feel it."""
        endpoint = {name: value for name, value in arguments["source"].items() if name != "backend"}
        info = self.run_module("redis_keyspace_info", {"endpoint": endpoint}, variables)
        return {number: int(database["keys"]) for number, database in info.get("databases", {}).items()}
