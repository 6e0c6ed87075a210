# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How keys are called at the target: prefixes are replaced, and a database may put one of its own before all names.

A rule is prefix to prefix, and of those that fit a key the longest counts; one for the empty prefix there always is, so
every key has exactly one name. The other way round a name may have several keys, as where ``old:`` becomes ``new:`` and
keys are called ``new:`` already. Those are *rivals*: two of them that exist cannot both go to the target.

Where several databases are joined, each name at the target belongs to the database with the longest prefix that fits it.
A key of another database that would be called so is a *stray*.
"""

from __future__ import annotations

import functools
import typing as t

Rules = t.Mapping[bytes, bytes]


def rules_of(prefix: bytes, rename: Rules) -> dict[bytes, bytes]:
    """The rules of a database whose names all begin with ``prefix`` at the target, whatever ``rename`` makes of them."""
    return {b"": prefix, **{old: prefix + new for old, new in rename.items()}}


class Renaming:
    """The rules of one logical database of the source.

    ``foreign``: prefixes of names at the target that belong to other databases. ``chosen``: which keys are moved at all,
    if not every one; a rival that is not moved is none.
    """

    def __init__(
        self, rules: Rules, foreign: t.Iterable[bytes] = (), chosen: t.Callable[[bytes], bool] | None = None
    ) -> None:
        # The longest first: the first that fits counts.
        self._rules = sorted({b"": b"", **rules}.items(), key=lambda rule: -len(rule[0]))
        self._chosen = chosen
        # Most often a prefix for all names is the only rule.
        self._lone = self._rules[0][1] if len(self._rules) == 1 else None
        # Behind a prefix what would make it a longer one, to which another rule applies.
        self._ways_back = [
            (
                old,
                new,
                len(new),
                tuple(one[len(old) :] for one, _new in self._rules if one != old and one.startswith(old)),
            )
            for old, new in self._rules
        ]
        news = {new for _old, new in self._rules}
        self._foreign = [other for other in sorted(set(foreign) - news) if self._keys_of(other)]

    @property
    def changes_nothing(self) -> bool:
        """Whether each key keeps its name, and may have it."""
        return not self._foreign and all(old == new for old, new in self._rules)

    def there(self, key: bytes) -> bytes:
        """The name at the target of the source's ``key``."""
        for old, new in self._rules:
            if key.startswith(old):
                return new + key[len(old) :]
        return key

    def all_there(self, keys: t.Iterable[bytes]) -> list[bytes]:
        """:meth:`there` of many."""
        if self._lone is not None:
            lone = self._lone
            return [lone + key for key in keys]
        there = self.there
        return [there(key) for key in keys]

    def back(self, name: bytes) -> list[bytes]:
        """The keys that would be called ``name`` at the target; none where the name belongs to another database."""
        return [] if self.owner(name) is not None else self._keys_of(name)

    def concerns(self, name: bytes) -> bool:
        """Whether a key that is moved would be called ``name`` at the target."""
        keys = self.back(name)
        return bool(keys) if self._chosen is None else any(map(self._chosen, keys))

    def rivals(self, key: bytes, name: bytes) -> list[bytes]:
        """The other keys that would get the ``name`` which ``key`` gets."""
        return [
            other for other in self._keys_of(name) if other != key and (self._chosen is None or self._chosen(other))
        ]

    def owner(self, name: bytes) -> bytes | None:
        """The prefix of another database, where ``name`` belongs to that: it fits better than all of ours."""
        if not self._foreign:
            return None
        foreign = max((other for other in self._foreign if name.startswith(other)), key=len, default=None)
        if foreign is None or any(len(new) > len(foreign) and name.startswith(new) for _old, new in self._rules):
            return None
        return foreign

    @functools.cached_property
    def doubtful(self) -> tuple[bytes, ...]:
        """What names begin with that rivals share or strays get. Most often nothing: then there are none."""
        shared = {new for _old, new in self._rules if len(self._keys_of(new)) > 1}
        return tuple(sorted(shared.union(self._foreign)))

    @functools.cached_property
    def suspects(self) -> list[bytes]:
        """Prefixes at the source: of keys that have rivals one in each pair begins so, and every stray."""
        found = {key for old, new in self._rules for key in self._keys_of(new) if key != old}
        found.update(key for other in self._foreign for key in self._keys_of(other))
        # What begins with a shorter one is covered by it.
        return sorted(one for one in found if not any(one != other and one.startswith(other) for other in found))

    def _keys_of(self, name: bytes) -> list[bytes]:
        # No two rules give the same key, as only one of them has the longest prefix of it.
        return [
            old + name[cut:]
            for old, new, cut, longer in self._ways_back
            if name.startswith(new) and not name.startswith(longer, cut)
        ]
