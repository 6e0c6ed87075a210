# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of the inventory are migrations."""

from __future__ import annotations

import difflib
import re
import typing as t

from ansible import context
from ansible.errors import AnsibleFilterError
from ansible.inventory.manager import split_host_pattern

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import did_you_mean

_GROUP = "redis_migrations"
_WORKERS = "redis_migration_workers"


def migrations_pattern(groups: t.Mapping[str, t.Sequence[str]]) -> str:
    """The group of the migrations, which must have hosts. A syntax check needs no inventory."""
    if context.CLIARGS.get("syntax"):
        return _GROUP
    if not groups.get(_GROUP):
        raise AnsibleFilterError(_refusal(groups))
    problem = _misspelt_workers(groups) or _misspelt_limit(groups, context.CLIARGS.get("subset") or "")
    if problem:
        raise AnsibleFilterError(problem)
    return _GROUP


def _refusal(groups: t.Mapping[str, t.Sequence[str]]) -> str:
    said = f"The inventory has no hosts in the group {_GROUP}: each of them is one migration."
    nearest = difflib.get_close_matches(_GROUP, [name for name in groups if groups[name]], n=1, cutoff=0.6)
    if nearest:
        return f"{said} Is {nearest[0]!r} meant to be it?"
    return f"{said} Name the inventory with -i."


def _misspelt_workers(groups: t.Mapping[str, t.Sequence[str]]) -> str:
    """With another name the modules would run here, and nobody would notice."""
    others = [name for name in groups if groups[name] and name != _GROUP]
    nearest = difflib.get_close_matches(_WORKERS, others, n=1, cutoff=0.85)
    if not nearest or groups.get(_WORKERS):
        return ""
    return f"The inventory has no hosts in the group {_WORKERS}, but in {nearest[0]!r}. Rename it, if it is meant to be it."


def _misspelt_limit(groups: t.Mapping[str, t.Sequence[str]], limit: str) -> str:
    """Ansible goes on without a name of ``--limit`` that it does not know, so that migration would be left out."""
    known = {*groups, *(host for hosts in groups.values() for host in hosts), "localhost"}
    for name in split_host_pattern(limit):
        if name in known or not re.fullmatch(r"[\w.-]+", name):
            continue
        meant = did_you_mean(name, known)
        return f"The inventory has no host and no group {name!r}, which --limit names.{meant}"
    return ""
