# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the module who uses the tunnel: which host of the inventory, in a play that which process runs."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.playbook import name_owner
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.worker import WorkerAction


class ActionModule(WorkerAction):
    def conduct(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        name_owner(arguments, variables)
        return super().conduct(arguments, variables)
