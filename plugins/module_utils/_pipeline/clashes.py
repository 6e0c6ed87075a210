# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys whose name at the target is another key's as well. No list of names is needed: the source says which others it has."""

from __future__ import annotations

import typing as t

from .._keys.name import printable
from .._keys.rename import Renaming
from .absence import absent
from .elsewhere import everywhere
from .end import End
from .job import Job

HINT = (
    "Choose other prefixes with 'rename' or 'database_prefix', or leave keys out with 'exclude'; these name prefixes and"
    " keys as they are at the source."
)


def clashes(source: End, renaming: Renaming | None, keys: t.Sequence[bytes]) -> Job[dict[int, str]]:
    """By position, those of ``keys`` that cannot have the name which ``renaming`` gives them, and why."""
    if renaming is None or not renaming.doubtful:
        return {}
    found: dict[int, str] = {}
    asked: list[tuple[int, bytes]] = []
    for at, name in enumerate(renaming.all_there(keys)):
        if not name.startswith(renaming.doubtful):
            continue
        owner = renaming.owner(name)
        if owner is not None:
            found[at] = (
                f"at the target it would be called '{printable(name)}', and names that begin with '{printable(owner)}' are"
                " those of another database there"
            )
        else:
            asked += [(at, rival) for rival in renaming.rivals(keys[at], name)]
    if asked:
        gone = set((yield from everywhere(source, [rival for _at, rival in asked], absent)))
        for at, rival in asked:
            if rival not in gone:
                found[at] = (
                    f"'{printable(rival)}' of the same database would have the same name at the target,"
                    f" '{printable(renaming.there(rival))}'"
                )
    return found
