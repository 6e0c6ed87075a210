# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the module who uses the tunnel: which host of the inventory, in a play that which process runs."""

from __future__ import annotations

import os
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cf_process import process_identity


class ActionModule(ActionBase):
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        # This plugin runs in a worker, whose parent runs the play.
        pid = os.getppid()
        identity = process_identity(pid)
        if identity:
            # With delegate_to this is still the host that the task is for.
            name = str((task_vars or {}).get("inventory_hostname", ""))
            arguments.setdefault("owner", {"pid": pid, "identity": identity, "name": name})
        return self._execute_module(
            module_name="dataservices.redis_migration.cf_ssh_tunnel",
            module_args=arguments,
            task_vars=task_vars,
            wrap_async=bool(self._task.async_val),
        )
