# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys a part of a run over clusters is about: by the slot of the name at the source, and by that of the name at the target.

Think of a rectangle: on one side the slots of one end, on the other those of the other end. Each key is one point in it,
so parts that cover the rectangle without meeting cover all keys once. Where keys keep their names only the diagonal counts.
"""

from __future__ import annotations

import typing as t

from .rename import Renaming
from .slots import ALL_SLOTS, NO_SLOTS, both, either, hash_slot, in_slots, parsed, shown, text_of

_Filter = t.Callable[[list[bytes]], list[bytes]]


class Region(t.NamedTuple):
    """Keys whose names lie in slots of ``source`` there, and get names in slots of ``target`` (see :mod:`.slots`)."""

    source: bytes
    target: bytes

    @property
    def is_empty(self) -> bool:
        return 1 not in self.source or 1 not in self.target

    @property
    def is_everything(self) -> bool:
        return self.source == ALL_SLOTS and self.target == ALL_SLOTS

    def between(self, source: bytes, target: bytes, *, renamed: bool) -> Region:
        """What of it a primary serves with ``source`` at the one end, and one with ``target`` at the other."""
        source, target = both(self.source, source), both(self.target, target)
        if renamed:
            return Region(source, target)
        slots = both(source, target)
        return Region(slots, slots)

    def keys(self, renaming: Renaming | None) -> _Filter:
        """Of keys of the source those that are in it."""
        if renaming is None:
            slots = both(self.source, self.target)
            return lambda keys: in_slots(keys, slots)
        source, target, named = self.source, self.target, renaming.all_there

        def chosen(keys: list[bytes]) -> list[bytes]:
            if source != ALL_SLOTS:
                keys = in_slots(keys, source)
            if target == ALL_SLOTS:
                return keys
            return [key for key, name in zip(keys, named(keys)) if target[hash_slot(name)]]

        return chosen

    def names(self, renaming: Renaming | None) -> _Filter:
        """Of names at the target those of keys that are in it.

        A name that several keys of the source would get belongs to the first of these: to one region in any case.
        """
        if renaming is None:
            return self.keys(None)
        source, target, back = self.source, self.target, renaming.back

        def chosen(names: list[bytes]) -> list[bytes]:
            if target != ALL_SLOTS:
                names = in_slots(names, target)
            if source == ALL_SLOTS:
                return names
            return [name for name in names if any(source[hash_slot(key)] for key in back(name)[:1])]

        return chosen

    def as_text(self) -> tuple[str, str]:
        """For :func:`region_of`."""
        return text_of(self.source), text_of(self.target)

    def __str__(self) -> str:
        """For a sentence."""
        if self.target in (self.source, ALL_SLOTS):
            return shown(self.source)
        if self.source == ALL_SLOTS:
            return f"{shown(self.target)} of the target"
        return f"{shown(self.source)} of the source with {shown(self.target)} of the target"


EVERYTHING = Region(ALL_SLOTS, ALL_SLOTS)


def region_of(text: t.Sequence[str]) -> Region:
    """What :meth:`Region.as_text` made."""
    source, target = text
    return Region(parsed(source), parsed(target))


def joined(regions: t.Iterable[Region], *, renamed: bool) -> list[Region]:
    """The same keys in as few regions as come of joining those that are alike at one end."""
    if not renamed:
        # Of each only the diagonal counts, and so of all together.
        some = list(regions)
        sides = [[region.source for region in some], [region.target for region in some]]
        return [Region(either(*sides[0]), either(*sides[1]))] if some else []
    targets: dict[bytes, bytes] = {}
    for region in regions:
        targets[region.source] = either(targets.get(region.source, NO_SLOTS), region.target)
    sources: dict[bytes, bytes] = {}
    for source, target in targets.items():
        sources[target] = either(sources.get(target, NO_SLOTS), source)
    return [Region(source, target) for target, source in sources.items()]
