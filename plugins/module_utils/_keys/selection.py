# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which logical databases and which keys a run concerns, where each database goes, and how keys are called there."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import RedisMigrationError
from .glob import matcher
from .name import as_name
from .rename import Renaming, rules_of
from .temporary import PREFIX

TYPES = ("string", "list", "set", "zset", "hash", "stream", "vectorset")


@dataclasses.dataclass(frozen=True)
class Selection:
    """Options ``databases``, ``database_map``, ``match``, ``exclude``, ``types``, ``database_prefix`` and ``rename``.

    ``match`` and ``exclude`` are about the names at the source.
    """

    databases: tuple[int, ...] | None = None
    database_map: t.Mapping[int, int] = dataclasses.field(default_factory=dict)
    match: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    database_prefix: t.Mapping[int, str] = dataclasses.field(default_factory=dict)
    rename: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether every key of a chosen database is meant."""
        return not (self.match or self.exclude or self.types)

    def chooser(self) -> t.Callable[[bytes], bool] | None:
        """Whether a key's name is wanted, or None when every name is."""
        return matcher(self.match, self.exclude)

    @property
    def renames(self) -> bool:
        """Whether keys may get other names."""
        return bool(self.database_prefix or self.rename)

    @property
    def countable(self) -> bool:
        """Whether servers count in a database the keys that the run is about, and no others."""
        return self.whole and not self.renames

    def renaming(self, here: int) -> Renaming | None:
        """How the keys of the source's database ``here`` are called at the target; None where all keep their names."""
        if not self.renames:
            return None
        there = self.database_map.get(here, here)
        numbers = {there, *self.database_map, *self.database_prefix, *(self.databases or ())} - {here}
        joined = [number for number in numbers if self.database_map.get(number, number) == there]
        foreign = [new for number in joined for new in self.rules(number).values()]
        renaming = Renaming(self.rules(here), foreign, self.chooser())
        return None if renaming.changes_nothing else renaming

    def rules(self, here: int) -> dict[bytes, bytes]:
        """Prefixes of keys of the source's database ``here``, and what replaces them at the target."""
        rename = {as_name(old): as_name(new) for old, new in self.rename.items()}
        return rules_of(as_name(self.database_prefix.get(here, "")), rename)


def _parse_prefixes(given: t.Mapping[t.Any, t.Any]) -> dict[int, str]:
    prefixes: dict[int, str] = {}
    for number, prefix in given.items():
        try:
            at = int(number)
        except (TypeError, ValueError):
            at = None
        if at is None or not isinstance(prefix, str):
            raise RedisMigrationError(
                f"database_prefix has an entry that is not a number and a text: {number!r}: {prefix!r}.",
                hint='Write it as {"1": "db1:"} to have all names of database 1 begin with db1: at the target.',
            )
        prefixes[at] = prefix
    return prefixes


def _parse_rename(given: t.Mapping[t.Any, t.Any]) -> dict[str, str]:
    for old, new in given.items():
        if not (isinstance(old, str) and isinstance(new, str)):
            raise RedisMigrationError(
                f"rename has an entry that is not a pair of texts: {old!r}: {new!r}.",
                hint='Write it as {"old:": "new:"} to have keys that begin with old: begin with new: at the target.',
            )
    if len({as_name(old) for old in given}) < len(given):
        raise RedisMigrationError("rename has one prefix twice, written in two ways.")
    return dict(given)


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
    prefixes = _parse_prefixes(options.get("database_prefix") or {})
    rename = _parse_rename(options.get("rename") or {})
    for new in (*prefixes.values(), *rename.values()):
        if as_name(new).startswith(PREFIX):
            raise RedisMigrationError(f"Names that begin with {PREFIX.decode()} are those of temporary keys: {new!r}.")
    for number in [*(databases or []), *mapping, *mapping.values(), *prefixes]:
        if int(number) < 0:
            raise RedisMigrationError(f"Logical databases are numbered from 0; {number} is none.")
    types = tuple(options.get("types") or ())
    return Selection(
        databases=tuple(sorted({int(number) for number in databases})) if databases else None,
        database_map=mapping,
        match=tuple(options.get("match") or ()),
        exclude=tuple(options.get("exclude") or ()),
        types=types,
        database_prefix=prefixes,
        rename=rename,
    )
