# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the module which process runs the play, so that following ends with it, and tells how far it is meanwhile."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.playbook import name_owner
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.progress import LagLines, Lines
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.slices import SlicedAction


class ActionModule(SlicedAction):
    def conduct(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        name_owner(arguments, variables)
        return super().conduct(arguments, variables)

    def _lines(self, host: str) -> Lines:
        return LagLines(host)

    def _planned(self, arguments: t.Mapping[str, t.Any], variables: dict[str, t.Any]) -> dict[str, int]:
        """The module itself knows how many keys there are."""
        return {}
