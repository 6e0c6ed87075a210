# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells how far a backup is while it is written; meta/runtime.yml sends a restore here, too."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.told import ToldAction


class ActionModule(ToldAction):
    """The base does it all."""
