# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares keys in slices of time, with a line of progress after each."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.slices import SlicedAction


class ActionModule(SlicedAction):
    looked_at = ("source_keys", "target_keys")
