# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which logical databases a run with a cluster covers: a cluster has number 0 only."""

from __future__ import annotations

from .._errors import RedisMigrationError
from .._keys.selection import Selection
from .._server.databases import check_apart
from .topology import Topology


def numbers_of(selection: Selection, source: Topology, target: Topology, *, include_target: bool) -> list[int]:
    """The databases of the source that are meant; ``include_target``: also those that hold keys at the target only.

    Raises :class:`RedisMigrationError` where one of them cannot be in a cluster, or two would mix.
    """
    here, there = _holding(source), _holding(target)
    if selection.databases is not None:
        numbers = set(selection.databases)
    else:
        numbers = here or {0}
        if include_target:
            for number in there:
                from_others = {mine for mine, its in selection.database_map.items() if its == number}
                numbers |= from_others or {number}.difference(selection.database_map)
    for number in sorted(numbers):
        at = selection.database_map.get(number, number)
        if source.is_cluster and number:
            raise _not_there(source, number, number in here)
        if target.is_cluster and at:
            raise RedisMigrationError(
                f"Database {number} of the {source.endpoint} would go to database {at} of the {target.endpoint.role} cluster, and"
                " a cluster has database 0 only.",
                hint=f'Send it there, database_map: {{"{number}": 0}}: alone, with databases: [{number}], or beside others with'
                f' database_prefix: {{"{number}": "db{number}:"}}.'
                if number in here or not number
                else "Choose with 'databases' what is meant.",
            )
    check_apart([(number, selection.database_map.get(number, number)) for number in sorted(numbers)], selection)
    return sorted(numbers)


def _holding(topology: Topology) -> set[int]:
    """The databases that hold keys."""
    return {number for primary in topology.primaries for number in primary.server.databases}


def _not_there(source: Topology, number: int, holds: bool) -> RedisMigrationError:
    if holds:
        return RedisMigrationError(
            f"The {source.endpoint.role} cluster holds keys in database {number}, and only database 0 of a cluster can be moved"
            " or compared.",
            hint="Choose databases: [0] to leave the others out.",
        )
    return RedisMigrationError(
        f"Database {number} is meant, and the {source.endpoint.role} is a cluster, which has database 0 only.",
        hint="Choose databases: [0]; with database_map its keys can go to another number of a single server.",
    )


def check_prune(source: Topology, target: Topology) -> None:
    """Raise :class:`RedisMigrationError` where pruning would do harm."""
    here, there = (sum(one.server.keys for one in end.primaries) for end in (source, target))
    if not here and there:
        raise RedisMigrationError(
            f"The {source.endpoint} holds no keys, and prune would delete all {there} keys of the {target.endpoint}.",
            hint="Are the two ends swapped? To empty a target, do so explicitly.",
        )
