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


def apps_left_on_target(
    at_target: t.Sequence[Result],
    at_source: t.Sequence[Result],
    *,
    source: str,
    target: str,
    waiting: t.Collection[str],
    both: t.Collection[str],
    again: t.Collection[str],
) -> list[str]:
    """A sentence for each reason why apps of a rollback are (still) bound to the service instance ``target``.

    ``at_target``, ``at_source``: bindings. GUIDs of apps: ``waiting`` for a binding to ``source`` that is still being
    created; back at ``source`` but bound to ``both``; bound to ``target`` ``again``.
    """
    sentences = []
    for bindings, guids, sentence in (
        (
            at_source,
            waiting,
            f"The binding of {{apps}} to {source} is still being created, so what runs on {target} was left there.",
        ),
        (at_target, both, f"Bound to {source} again, but to {target} too, and may see both: {{apps}}."),
        (at_target, again, f"On {target} as before: {{apps}}."),
    ):
        names = dict.fromkeys(bound["app"]["name"] for bound in bindings if bound["app"]["guid"] in guids)
        if names:
            sentences.append(sentence.replace("{apps}", ", ".join(names)))
    return sentences
