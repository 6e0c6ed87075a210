# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs modules on workers. A worker that cannot be reached fails the task, so that the play can still clean up.

Ansible would drop the host whose task was delegated: no rescue, no report, nobody told how to put apps back.
"""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.in_place import (
    run_in_place,
    runs_in_place,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.playbook import (
    ended_with_playbook,
    require_playbook,
)

_COLLECTION = "dataservices.redis_migration"


class WorkerAction(ActionBase):
    """Base of the action plugins; a subclass may :meth:`conduct` its module in a way of its own."""

    _supports_async = True

    @property
    def module(self) -> str:
        """The module that the task is for; several may share one action plugin (meta/runtime.yml)."""
        return str(self._task.resolved_action or self._task.action).rpartition(".")[2]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        began = time.time()
        result = self.conduct(dict(self._task.args), variables)
        # By the clock of the control node, and around all slices of the module.
        result["times"] = [*self._times_before(variables), [began, time.time()]]
        return result

    def _times_before(self, variables: t.Mapping[str, t.Any]) -> list[t.Any]:
        """When a task ran whose result this one replaces under the same name: a report tells of both."""
        name = self._task.register
        before = variables.get(name) if isinstance(name, str) else None
        return list(before.get("times", [])) if isinstance(before, t.Mapping) and not self._task.loop else []

    def conduct(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """The task's result. ``arguments``: the module's, free to be changed."""
        return self.run_module(self.module, arguments, variables)

    def run_module(self, name: str, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        """The result of a module of this collection. It ends with the playbook, however that ends."""
        require_playbook()
        try:
            with ended_with_playbook():
                result = self._run(f"{_COLLECTION}.{name}", arguments, variables)
            require_playbook()
            return result
        except AnsibleConnectionFailure as lost:
            require_playbook()
            worker = self._task.delegate_to
            if not worker:
                raise
            reason = str(lost.message).strip().rstrip(".")
            return {
                "failed": True,
                "msg": f"The worker {worker} cannot be reached, or the connection to it broke: {reason}. "
                "See that it answers, or take it out of the group redis_migration_workers; then run again.",
            }

    def _run(self, name: str, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        if runs_in_place(self, variables):
            return run_in_place(self, name, arguments, variables)
        result: dict[str, t.Any] = self._execute_module(
            module_name=name, module_args=arguments, task_vars=variables, wrap_async=bool(self._task.async_val)
        )
        return result
