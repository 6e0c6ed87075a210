# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which phases a migration goes through. In templates, Ansible would compile dozens of them for each migration."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._truth import is_true

# What a run without --tags has, and one with a tag that every task bears.
_ALL = frozenset({"all", "tagged"})


def migration_phases(
    source: t.Mapping[str, t.Any],
    *,
    moved: bool,
    ends_known: bool,
    tunnels: t.Sequence[t.Any],
    service_keys: t.Sequence[t.Any],
    live: t.Any,
    backup_dir: t.Any,
    isolate: str,
    cutover: t.Any,
    cutover_tasks: t.Any,
    cutover_when: t.Any,
    cutover_gate: t.Any,
    delete_service_keys: t.Any,
    check_mode: bool,
    run_tags: t.Iterable[str],
    skip_tags: t.Iterable[str],
) -> list[str]:
    """Files of ``playbooks/tasks/``, in this order, each only if there is something to do: a run lists what it does.

    ``source``: as the inventory has it. ``moved``, ``ends_known``, ``tunnels``, ``service_keys``: what was found out by then.
    The others are variables under their own names.
    """
    run, skipped = set(run_tags), set(skip_tags)

    def tagged(*tags: str) -> bool:
        return bool(run & {*_ALL, *tags})

    moves = ends_known and not moved
    is_live = str(live).lower() != "false"
    backup = bool(backup_dir)
    # Whether a live run follows the source, by the tags with which it was called.
    follows = is_live and moves and tagged("follow", "migrate") and not skipped & {"follow", "migrate"}
    has_apps = source.get("service_instance") is not None
    # Nothing that a phase finds out changes what comes after it.
    plain = not is_live and not check_mode
    phases = {
        "moved": moved,
        "preflight": moves,
        "follow": follows,
        "backup_early": follows and backup,
        "wait": moves
        and tagged("wait", "isolate", "migrate", "cutover")
        and bool(str(cutover_when or "") or cutover_gate or (follows and backup)),
        "isolate": not moved and isolate != "none" and (has_apps or isolate != "auto"),
        "backup": moves and backup and not follows,
        "migrate": moves and not is_live,
        "migrate_or_drain": moves and is_live,
        "compare": moves and plain,
        "verify": moves and not plain,
        "cutover": is_true(cutover) or bool(cutover_tasks),
        "delete_keys": is_true(delete_service_keys) and bool(service_keys),
        "end_pause": moves and isolate == "pause",
        # One that has proved both ends equal has ended.
        "end_following": follows and not tagged("migrate"),
        "close_tunnels": bool(tunnels),
    }
    return [phase for phase, wanted in phases.items() if wanted]
