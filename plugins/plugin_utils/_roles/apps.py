# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which apps are stopped, unbound and started, by what is bound now and what the record says."""

from __future__ import annotations

import typing as t

Result = t.Mapping[str, t.Any]


def apps_that_ran(bound: Result) -> list[str]:
    """GUIDs of the apps that ran when they were recorded, among those that exist in the result ``bound``."""
    existing = set(bound["app_guids"])
    ran = [entry["app_guid"] for entry in bound["record"] if entry["app_state"] == "STARTED"]
    return [guid for guid in dict.fromkeys(ran) if guid in existing]


def apps_not_bound(recorded: Result, bindings: t.Iterable[Result]) -> list[str]:
    """GUIDs of the apps in the result ``recorded`` that have none of ``bindings``."""
    there = {binding["app"]["guid"] for binding in bindings}
    return [guid for guid in dict.fromkeys(recorded["app_guids"]) if guid not in there]


def apps_moved_there(recorded: Result, bindings: t.Iterable[Result]) -> list[str]:
    """GUIDs of the apps in the result ``recorded`` that a cutover bound to the target.

    ``bindings``: of the target. Apps that were bound to it before the cutover are left out, since they stay.
    """
    there = {binding["app"]["guid"] for binding in bindings}
    before = {entry["app_guid"] for entry in recorded["record"] if entry["bound_to_target"]}
    return [guid for guid in dict.fromkeys(recorded["app_guids"]) if guid in there - before]
