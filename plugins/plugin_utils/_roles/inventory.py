# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts of the inventory are migrations."""

from __future__ import annotations

import difflib
import typing as t

from ansible import context
from ansible.errors import AnsibleFilterError

_GROUP = "redis_migrations"


def migrations_pattern(groups: t.Mapping[str, t.Sequence[str]]) -> str:
    """The group of the migrations, which must have hosts. A syntax check needs no inventory."""
    if not groups.get(_GROUP) and not context.CLIARGS.get("syntax"):
        raise AnsibleFilterError(_refusal(groups))
    return _GROUP


def _refusal(groups: t.Mapping[str, t.Sequence[str]]) -> str:
    said = f"The inventory has no hosts in the group {_GROUP}: each of them is one migration."
    nearest = difflib.get_close_matches(_GROUP, [name for name in groups if groups[name]], n=1, cutoff=0.6)
    if nearest:
        return f"{said} Is {nearest[0]!r} meant to be it?"
    return f"{said} Name the inventory with -i."
