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
from .region import Region
from .rename import Renaming, rules_of
from .slots import ALL_SLOTS, NO_SLOTS
from .temporary import PREFIX

TYPES = ("string", "list", "set", "zset", "hash", "stream", "vectorset")


@dataclasses.dataclass(frozen=True)
class Selection:
    """Options ``databases``, ``database_map``, ``match``, ``exclude``, ``types``, ``database_prefix`` and ``rename``.

    ``match`` and ``exclude`` are about the names at the source.
    ``region``: which keys by their slots, of a part of a run over clusters; None for all.
    """

    databases: tuple[int, ...] | None = None
    database_map: t.Mapping[int, int] = dataclasses.field(default_factory=dict)
    match: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    database_prefix: t.Mapping[int, str] = dataclasses.field(default_factory=dict)
    rename: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    region: Region | None = dataclasses.field(default=None, repr=False)

    @property
    def whole(self) -> bool:
        """Whether every key of a chosen database is meant."""
        return not (self.match or self.exclude or self.types or self.region)

    @property
    def own_slots(self) -> bytes | None:
        """The slots of the target that no other part of the run writes to, nor another shard's run; None for all."""
        if self.region is None:
            return None
        return NO_SLOTS if self.renames and self.region.source != ALL_SLOTS else self.region.target

    def part(self, databases: t.Sequence[int], region: Region) -> Selection:
        """The same of these ``databases`` and of the keys in ``region``."""
        return dataclasses.replace(self, databases=tuple(databases), region=None if region.is_everything else region)

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


def parse_names(options: t.Mapping[str, t.Any]) -> tuple[dict[int, str], dict[str, str]]:
    """Options ``database_prefix`` and ``rename``. Raises :class:`RedisMigrationError`, whose first word is the option."""
    prefixes: dict[int, str] = {}
    for number, prefix in (options.get("database_prefix") or {}).items():
        if not (str(number).isdecimal() and isinstance(prefix, str)):
            raise RedisMigrationError(
                f"database_prefix has an entry that is not a number, from 0 on, and a text: {number!r}: {prefix!r}.",
                hint='Write it as {"1": "db1:"} to have all names of database 1 begin with db1: at the target.',
            )
        prefixes[int(number)] = str(prefix)
    rename: dict[bytes, str] = {}
    for old, new in (options.get("rename") or {}).items():
        if not (isinstance(old, str) and isinstance(new, str)):
            raise RedisMigrationError(
                f"rename has an entry that is not a pair of texts: {old!r}: {new!r}.",
                hint='Write it as {"old:": "new:"} to have keys that begin with old: begin with new: at the target.',
            )
        if as_name(old) in rename:
            raise RedisMigrationError(f"rename has the prefix {old!r} twice, written in two ways.")
        rename[as_name(old)] = str(new)
    for option, texts in (("database_prefix", prefixes.values()), ("rename", rename.values())):
        for text in texts:
            if as_name(text).startswith(PREFIX):
                raise RedisMigrationError(f"{option} leads to {text!r}, which temporary keys of a run begin with.")
    return prefixes, {str(old): str(new) for old, new in (options.get("rename") or {}).items()}


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
    prefixes, rename = parse_names(options)
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
        database_prefix=prefixes,
        rename=rename,
    )
