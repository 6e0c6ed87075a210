# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which logical databases and which keys a run concerns, and where each database goes."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import RedisMigrationError
from .glob import matcher

TYPES = ("string", "list", "set", "zset", "hash", "stream", "vectorset")


@dataclasses.dataclass(frozen=True)
class Selection:
    """Options ``databases``, ``database_map``, ``match``, ``exclude`` and ``types`` of a module.

    ``slots``: of a part of a cluster, the slots that both ends of it serve (see :mod:`_keys.slots`); None for all.
    """

    databases: tuple[int, ...] | None = None
    database_map: t.Mapping[int, int] = dataclasses.field(default_factory=dict)
    match: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    slots: bytes | None = dataclasses.field(default=None, repr=False)

    @property
    def whole(self) -> bool:
        """Whether every key of a chosen database is meant."""
        return not (self.match or self.exclude or self.types or self.slots)

    def chooser(self) -> t.Callable[[bytes], bool] | None:
        """Whether a key's name is wanted, or None when every name is."""
        return matcher(self.match, self.exclude)


def parse_selection(options: t.Mapping[str, t.Any]) -> Selection:
    """The selection in a module's options. Raises :class:`RedisMigrationError` naming the option."""
    databases = options.get("databases")
    mapping: dict[int, int] = {}
    for source, target in (options.get("database_map") or {}).items():
        try:
            mapping[int(source)] = int(target)
        except (TypeError, ValueError):
            raise RedisMigrationError(
                f"database_map has an entry that is not a pair of numbers: {source!r}: {target!r}.",
                hint='Write it as {"0": 3} to move database 0 to database 3.',
            ) from None
    for number in [*(databases or []), *mapping, *mapping.values()]:
        if int(number) < 0:
            raise RedisMigrationError(f"Logical databases are numbered from 0; {number} is none.")
    types = tuple(options.get("types") or ())
    return Selection(
        databases=tuple(sorted({int(number) for number in databases})) if databases else None,
        database_map=mapping,
        match=tuple(options.get("match") or ()),
        exclude=tuple(options.get("exclude") or ()),
        types=types,
    )
