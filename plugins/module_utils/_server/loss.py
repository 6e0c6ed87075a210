# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a source lost keys between two moments without a reason: they were deleted by the thousand, flushed, replaced.

Expiry is a reason; it only ever takes keys that have one, and the server counts it.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.replies import parse_info
from .info import Server
from .key_counts import Database, keyspace_section

# What expires in between is counted twice rather than not at all.
ASK = b"*2\r\n$4\r\nINFO\r\n$8\r\nkeyspace\r\n*2\r\n$4\r\nINFO\r\n$5\r\nstats\r\n"
REPLIES = 2

# So few keys come and go in the smallest database.
_ALWAYS = 10


class _Gone(t.NamedTuple):
    """Of the keys ``of`` a database, how many are gone, and how many of these at least had no expiry."""

    of: int
    keys: int
    lasting: int


@dataclasses.dataclass(frozen=True)
class Holding:
    """What logical databases hold, as (number, keys, keys with an expiry), and how many keys the server saw expire."""

    databases: tuple[tuple[int, int, int], ...]
    expired: int

    @property
    def keys(self) -> int:
        return sum(keys for _number, keys, _expires in self.databases)

    @property
    def volatile(self) -> int:
        """Those that expire."""
        return sum(expires for _number, _keys, expires in self.databases)

    @property
    def together(self) -> Holding:
        """The same as if all were one database."""
        return Holding(((0, self.keys, self.volatile),), self.expired)

    def unexplained(self, later: Holding, expired: int) -> int:
        """How many keys are gone ``later``, when ``expired`` have expired meanwhile. New keys elsewhere make up for none."""
        gone = self._gone(later)
        return max(0, sum(one.keys for one in gone) - expired, sum(one.lasting for one in gone))

    def lost_too_much(self, later: Holding, expired: int, share: float) -> bool:
        """Whether one of the databases, or all of them together, lost more than this share without a reason."""
        return self.unexplained(later, expired) > self.tolerated(share) or any(
            max(one.keys - expired, one.lasting) > tolerated(one.of, share) for one in self._gone(later)
        )

    def _gone(self, later: Holding) -> list[_Gone]:
        """What is gone of each database; none where all hold what they held."""
        if later.databases == self.databases:
            return []
        there = {number: (keys, keys - expires) for number, keys, expires in later.databases}
        found = []
        for number, keys, expires in self.databases:
            left, lasting_left = there.get(number, (0, 0))
            gone = max(0, keys - left)
            found.append(_Gone(keys, gone, min(gone, max(0, keys - expires - lasting_left))))
        return found

    def tolerated(self, share: float) -> int:
        """How many that may be."""
        return tolerated(self.keys, share)


def tolerated(keys: int, share: float) -> int:
    """How many of ``keys`` may be lost."""
    return max(_ALWAYS, int(keys * share))


def holding_of(server: Server, numbers: t.Iterable[int]) -> Holding:
    """What the databases ``numbers`` of ``server`` hold."""
    return _holding(server.databases, server.expired_keys, numbers)


def holding_in(replies: t.Sequence[t.Any], numbers: t.Iterable[int]) -> Holding | None:
    """What the replies to :data:`ASK` tell of the databases ``numbers``; None where they do not tell."""
    keyspace, stats = (reply if isinstance(reply, bytes) else b"" for reply in replies)
    databases = keyspace_section(keyspace)
    if databases is None:
        return None
    return _holding(databases, expired_in(stats), numbers)


def expired_in(stats: bytes) -> int:
    """How many keys the server saw expire, by the second reply to :data:`ASK`."""
    return int(parse_info(stats).get("expired_keys", 0))


def _holding(databases: t.Mapping[int, Database], expired: int, numbers: t.Iterable[int]) -> Holding:
    return Holding(
        tuple(
            (number, databases[number].keys, _volatile(databases[number])) for number in numbers if number in databases
        ),
        expired,
    )


def _volatile(database: Database) -> int:
    # Where the server does not tell, any key may have an expiry.
    return database.keys if database.expires is None else database.expires
