# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits on the control node until applications may be stopped, and tells meanwhile how far the target is behind."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.playbook import (
    name_owner,
    require_playbook,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.progress import (
    LagLines,
    progress_interval,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.worker import WorkerAction
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._gate import Gate

_LOOK_SECONDS = 0.5

# How often the process that follows is asked, so that it knows that it is wanted, where no lines are to be printed.
_ASK_SECONDS = 60.0


class ActionModule(WorkerAction):
    def conduct(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        try:
            gate = Gate(arguments.get("until"), arguments.get("path"))
        except ValueError as exc:
            raise AnsibleActionFail(f"It cannot be waited: {exc}.") from None
        host = str(variables.get("inventory_hostname", "localhost"))
        following = arguments.get("following")
        seconds = progress_interval(arguments)
        began, closed_by = time.monotonic(), gate.closed_by
        if self._task.check_mode:
            return {"changed": False, "waited_seconds": 0.0, "waits": closed_by}
        if closed_by:
            self._say(f"{host}: waiting {closed_by}; Ctrl-C leaves the applications where they are")
        told = time.monotonic()
        while gate.closed_by:
            time.sleep(_LOOK_SECONDS)
            require_playbook()
            if time.monotonic() - told >= (seconds or _ASK_SECONDS):
                told = time.monotonic()
                result = self._look(following, variables) if following else {}
                if result.get("failed"):
                    return result
                if seconds:
                    self._say(f"{LagLines(host).line(result, None)}; waiting" if result else f"{host}: waiting")
        return {"changed": False, "waited_seconds": round(time.monotonic() - began, 1), "waits": ""}

    def _look(self, following: t.Mapping[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        # A slice that is over at once: where the target is, whatever its lag.
        options = {**following, "state": "caught_up", "slice_seconds": 0.01, "resume": "-"}
        name_owner(options, variables)
        return self.run_module("redis_live_sync", options, variables)

    @staticmethod
    def _say(line: str) -> None:
        Display().display(line, stderr=True)
