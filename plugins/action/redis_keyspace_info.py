# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module where it is delegated to. meta/runtime.yml sends every module here that needs no more than that."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.worker import WorkerAction


class ActionModule(WorkerAction):
    """The base does it all."""
