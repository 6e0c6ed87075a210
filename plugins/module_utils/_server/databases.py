# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which logical databases a run covers, and whether they can be reached at both ends."""

from __future__ import annotations

import typing as t

from .._connection.connect import client, connect
from .._connection.endpoint import Endpoint
from .._connection.patience import side_by_side
from .._errors import RedisMigrationError
from .._keys.name import printable
from .._keys.selection import Selection
from .info import Server
from .same_server import one_server


def database_pairs(
    selection: Selection, source: Server, target: Server | None = None, *, include_target: bool = False
) -> list[tuple[int, int]]:
    """The pairs (source database, target database) of a run, in order.

    Without ``databases`` these are all that hold keys at the source; ``include_target`` adds those that hold keys at
    the target only (where something may have to be pruned, or is extra).
    Raises :class:`RedisMigrationError` when two source databases would land in one.
    """
    if selection.databases is not None:
        numbers = set(selection.databases)
    else:
        numbers = set(source.databases)
        if include_target and target is not None:
            for number in target.databases:
                from_others = [here for here, there in selection.database_map.items() if there == number]
                numbers.update(from_others or {number}.difference(selection.database_map))
    pairs = [(number, selection.database_map.get(number, number)) for number in sorted(numbers)]
    check_apart(pairs, selection)
    return pairs


def check_apart(pairs: t.Iterable[tuple[int, int]], selection: Selection) -> None:
    """Raise :class:`RedisMigrationError` when two source databases would land in one, and no prefixes keep them apart."""
    landed: dict[int, dict[bytes, int]] = {}
    for here, there in pairs:
        taken = landed.setdefault(there, {})
        for prefix in selection.rules(here).values():
            other = taken.setdefault(prefix, here)
            if other != here:
                raise RedisMigrationError(
                    f"Databases {other} and {here} of the source would both go to database {there} of the target, where"
                    f" names of both may begin with '{printable(prefix)}'.",
                    hint="Give them prefixes that differ, such as 'database_prefix'"
                    f' {{"{other}": "db{other}:", "{here}": "db{here}:"}}; or change \'database_map\' (or \'databases\') so'
                    " that every source database has one of its own.",
                )


def check_same_server(
    pairs: t.Sequence[tuple[int, int]], source: Endpoint, target: Endpoint, ours: Server, theirs: Server
) -> bool:
    """Refuse to copy a database onto itself, or into another one that is copied as well. Returns whether it is one server.

    Raises :class:`RedisMigrationError`.
    """
    one = one_server(source, target, ours, theirs)
    if one is False:
        return False
    unproved = (
        ""
        if one
        else " They say the same of themselves, and where CLIENT SETNAME and CLIENT LIST are not permitted there is no other"
        " proof: permit these if they are two."
    )
    for here, there in pairs:
        if here == there:
            raise RedisMigrationError(
                f"Source and target are the same server, and database {here} would be copied onto itself.{unproved}",
                hint="Check the two endpoints (two names can lead to one server); within one server, map the "
                "database to another number with 'database_map'.",
            )
    both = sorted({here for here, _there in pairs} & {there for _here, there in pairs})
    if both:
        raise RedisMigrationError(
            f"Source and target are the same server, and database {both[0]} would be read and written in one"
            f" run.{unproved}",
            hint="A source is never written to: choose with 'databases' what to copy, and map it to unused numbers.",
        )
    return True


def check_databases(pairs: t.Sequence[tuple[int, int]], source: Endpoint, target: Endpoint | None) -> None:
    """SELECT every database of the run at both ends, so that a wrong number is known before anything is written."""
    here, there = (max((pair[side] for pair in pairs), default=0) for side in (0, 1))
    side_by_side(lambda: _check_database(source, here), lambda: _check_database(target, there))


def _check_database(endpoint: Endpoint | None, number: int) -> None:
    # Every server has the first one.
    if endpoint is None or not number:
        return
    try:
        connect(endpoint, number).disconnect()
    except RedisMigrationError as exc:
        if "out of range" not in exc.message:
            raise
        raise RedisMigrationError(
            f"The {endpoint} has no logical database {number}{_how_many(endpoint)}.",
            hint="Choose with 'databases', or send it to another number with 'database_map'.",
        ) from None


def _how_many(endpoint: Endpoint) -> str:
    try:
        with client(endpoint) as redis_client:
            count = int(redis_client.config_get("databases")["databases"])
    except (RedisMigrationError, KeyError, ValueError):
        return ""
    return f" (it has {count}: 0 to {count - 1})"
