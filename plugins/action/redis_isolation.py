# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the module which process runs the play, so that no pause of writes outlives it."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.playbook import playbook_process
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.worker import WorkerAction
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._truth import is_true


class ActionModule(WorkerAction):
    def conduct(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        if is_true(arguments.get("with_playbook")):
            process = playbook_process()
            if process:
                arguments.setdefault("owner", process)
        return super().conduct(arguments, variables)
