# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a live migration, without a socket: what must have happened before both ends are said to be equal.

A *move* carries a set of keys: each is read at the source, written to the target, then read at both ends and compared.
A *walk* moves every key of one logical database, in parts. The *feed* names each key that changes at the source, late
and without its database. The rules that make it a proof:

1. The feed is open before a walk begins, and a walk counts only if the feed was never lost until its end.
2. A changed name is cleared before it is read, so a change after the reading is named again.
3. Moves do not overlap, and each compares after its own write: no value that was read earlier stays over a later one.
4. What differs after it was moved is moved again, like a name that the feed reports.
5. Once the writers have stopped, enough PINGs answered one after the other on the feed prove that it has named all of
   their changes. One does not: the answer can overtake the names of its own turn of the server's loop.
6. Names that come after that can only be of keys that expire, which they do at the target as well: a server on which
   keys expire all the time never falls silent. The run carries them over all the same for a few moves.
7. A lost feed, names that no longer fit, or an end that was replaced make every walk worth nothing.
8. Last of all, both ends say that they are still who they were. Only then is it proved.

tests/unit/plugins/module_utils/_live/test_rules.py explores every order in which all this can happen, and what happens
where a rule is left out.
"""

from __future__ import annotations

import typing as t

# Pushes of a turn of the server's loop are written after its replies, by a server with I/O threads up to one turn later;
# seen were three. PINGs go out one after the other, so each is answered in a turn of its own.
PONGS = 5

# What a name takes in memory beside its bytes.
NAME_OVERHEAD = 120


class Misuse(Exception):
    """A step that the rules do not allow: a fault of the program."""


class Rules:
    """What is known of the keys of both ends. ``most_bytes``: of the changed names that are held."""

    pongs_needed = PONGS

    def __init__(self, databases: t.Iterable[int] = (), most_bytes: int = 32 * 1024 * 1024) -> None:
        self.databases = set(databases)
        # Databases that are being walked, and those whose walk ended: every key of theirs was compared, or is in `changed`.
        self.walking: set[int] = set()
        self.walked: set[int] = set()
        self.changed: set[bytes] = set()
        self.feed_open = False
        self.moving = False
        self.stopped = False
        # Names that the feed reports from now on are of keys that expire.
        self.only_expiries = False
        # PINGs answered, of those sent since the writers stopped.
        self.pongs = 0
        self._counts = False
        self._most = most_bytes
        self._held = 0

    # -- the feed -----------------------------------------------------------------------------------------------

    def feed_opened(self) -> None:
        self.feed_open = True
        self.forget()

    def feed_lost(self) -> None:
        self.feed_open = False
        self.forget()

    def report(self, names: t.Collection[bytes]) -> bool:
        """These keys have changed. False if they do not fit any more: then everything is unknown."""
        return self.only_expiries or self._add(names)

    def _add(self, names: t.Collection[bytes]) -> bool:
        new = [name for name in names if name not in self.changed]
        self.changed.update(new)
        self._held += sum(map(len, new)) + NAME_OVERHEAD * len(new)
        if self._held > self._most:
            self.changed = set()
            self._held = 0
            self.forget()
            return False
        return True

    def forget(self) -> None:
        """Nothing is known of any key any more: the feed was lost, an end replaced, a database flushed or swapped."""
        self.walking = set()
        self.walked = set()
        self.pongs = 0
        self._counts = False
        self.only_expiries = False

    @property
    def share_held(self) -> float:
        """How much of the memory for changed names is in use, from 0 to 1."""
        return self._held / self._most

    # -- walks and moves ----------------------------------------------------------------------------------------

    def discovered(self, database: int) -> None:
        """A database that has to be walked."""
        self.databases.add(database)

    @property
    def unwalked(self) -> list[int]:
        return sorted(self.databases - self.walked)

    def walk_begins(self, database: int) -> None:
        if not self.feed_open or self.moving:
            raise Misuse
        self.walking.add(database)

    def walk_ended(self, database: int) -> bool:
        """Every key of the database was moved since its walk began. False if that has become worth nothing meanwhile."""
        if self.moving:
            raise Misuse
        counts = database in self.walking
        self.walking.discard(database)
        if counts:
            self.walked.add(database)
        return counts

    def walk_part(self) -> None:
        """A move of a part of the keys begins, whatever their names."""
        self._begin()

    def take(self, most: int | None = None) -> set[bytes]:
        """A move of the changed names begins, of ``most`` of them if that is given."""
        self._begin()
        if most is None or most >= len(self.changed):
            names, self.changed = self.changed, set()
            self._held = 0
            return names
        names = {self.changed.pop() for _name in range(most)}
        self._held -= sum(map(len, names)) + NAME_OVERHEAD * len(names)
        return names

    def _begin(self) -> None:
        if self.moving:
            raise Misuse
        self.moving = True

    def moved(self, different: t.Collection[bytes] = ()) -> bool:
        """The move has ended; all keys of it are equal but for these. False as for :meth:`report`."""
        self.moving = False
        return self._add(different)

    # -- the end ------------------------------------------------------------------------------------------------

    def writers_stopped(self) -> None:
        self.stopped = True
        self.pongs = 0
        self._counts = False

    def writers_resumed(self) -> None:
        self.stopped = False
        if self.only_expiries:
            # Names were left out that count again.
            self.forget()

    def expect_only_expiries(self) -> None:
        """All changes were named, and what was named since was found equal."""
        if not self.all_changes_named:
            raise Misuse
        self.only_expiries = True

    def asked(self) -> None:
        """A PING goes out on the feed, the one before it having been answered."""
        self._counts = self.stopped

    def answered(self) -> None:
        if self._counts:
            self.pongs = min(self.pongs_needed, self.pongs + 1)
            self._counts = False

    @property
    def all_changes_named(self) -> bool:
        """Whether the feed has named every change that writers made."""
        return self.stopped and self.feed_open and self.pongs >= self.pongs_needed

    @property
    def nothing_left(self) -> bool:
        """Whether only the identity of both ends is left to ask for."""
        return self.all_changes_named and not (self.changed or self.moving or self.unwalked)

    def end_replaced(self) -> None:
        self.forget()

    def ends_are_the_same(self) -> bool:
        """Both ends have just said that they are who they were. Returns whether it is proved that they are equal."""
        return self.nothing_left
