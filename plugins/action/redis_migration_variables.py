# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses misspelt and malformed variables before anything runs."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.plugins.action import ActionBase

# Ansible loads this file in the playbook's own process, before it forks for the first task: what is loaded here, all have.
# pylint: disable-next=unused-import
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action import (  # noqa: F401
    beforehand,
    worker,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._variables import (
    conflicting_values,
    meant_for_us,
    missing_variables,
    unknown_variables,
    variable_specs,
    wrong_values,
)

# So that it is read once, and not for each migration.
variable_specs()


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        names = [name for name in variables if meant_for_us(name)]
        optional = self._task.args.get("optional") or []
        problems = missing_variables([*names, *optional]) + unknown_variables(names)
        values: dict[str, t.Any] = {}
        undefined = False
        for name in (name for name in variable_specs() if name in names):
            try:
                values[name] = self._templar.template(variables[name])
            except AnsibleError as exc:
                problems.append(f"{name} cannot be worked out: {str(exc).rstrip('.')}.")
                undefined = undefined or isinstance(exc, AnsibleUndefinedVariable)
        if undefined:
            problems.append("Define what is missing beside the inventory, such as in group_vars/redis_migrations.yml.")
        problems += wrong_values(values) or conflicting_values(values)
        result.update(changed=False, began=time.time())
        if problems:
            result.update(failed=True, msg=f"{variables['inventory_hostname']}: {' '.join(problems)}")
        return result
