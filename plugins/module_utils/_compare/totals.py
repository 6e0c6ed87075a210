# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what a comparison saw agrees with what both servers count at its end.

Keys can go, or come, behind the walks. What was seen then says nothing of what is there.
"""

from __future__ import annotations

import typing as t

from .._errors import RedisMigrationError
from .._pipeline.end import End
from .._pipeline.job import Job
from .._pipeline.temporary_keys import count_lasting
from .._server.agreement import Side, apart
from .._server.info import ASK_CHANGES, ASK_FIELD_EXPIRY, writes_since
from .._server.key_counts import database_in
from .both_ends import Ask, together
from .diff_progress import DatabaseDiff


class Totals(t.NamedTuple):
    """One pair of databases, as both servers count it; None where one does not tell."""

    source: End
    target: End
    here: Side | None
    there: Side | None
    # How many changes they count since they were measured, as far as they tell.
    writes: int

    @classmethod
    def ask(cls, source: End, target: End) -> Job[Totals]:
        """Ask both servers."""
        ask = ASK_FIELD_EXPIRY + ASK_CHANGES
        replies = yield from together(Ask(source, ask, 2), Ask(target, ask, 2))
        sides: list[Side | None] = []
        writes = 0
        for end, (keyspace, changes) in zip((source, target), replies):
            end.check([keyspace, changes], "INFO")
            counts = database_in(keyspace, end.database)
            sides.append(None if counts is None else Side(end.server, counts))
            writes += writes_since(end.server.changes, changes) or 0
        here, there = sides
        if here and there and apart(here, there):
            here = here._replace(temporary=(yield from count_lasting(source)))
            there = there._replace(temporary=(yield from count_lasting(target)))
        return cls(source, target, here, there, writes)

    def explain(self, seen: DatabaseDiff, *, whole: bool) -> bool:
        """Whether nothing speaks against it that the databases are as equal as they were ``seen``.

        ``whole``: the comparison was of all keys.
        """
        return seen.source_keys == seen.target_keys and not (whole and self._lasting)

    def contradict(self, seen: DatabaseDiff, *, whole: bool, level: str) -> bool:
        """Whether ``seen``, by a second look, cannot be: neither by what expires nor because a walk showed a key twice."""
        if not whole:
            return False
        if seen.source_keys == seen.target_keys:
            # Each key that came or went behind the walks is one change at least.
            return (self._names_apart if level == "keys" else self._gap) > self.writes
        return self._lasting is not None or any(
            side is not None and side.lasting is not None and shown < side.lasting - side.unsure
            for side, shown in ((self.here, seen.source_keys), (self.there, seen.target_keys))
        )

    def contradiction(self, seen: DatabaseDiff) -> RedisMigrationError:
        """The exception for that."""
        here, there = (side.lasting if side else None for side in (self.here, self.there))
        return RedisMigrationError(
            f"The comparison of database {self.source.database} at the {self.source.endpoint} with database"
            f" {self.target.database} at the {self.target.endpoint} proves nothing: {seen.source_keys} and"
            f" {seen.target_keys} keys were seen, all of them at both ends, and INFO counts {here} and {there} keys without"
            " an expiry.",
            hint="They are written to: compare again when nobody writes. If nobody does, what answers there leaves out keys, or"
            " counts only when told to (DBSIZE SCAN of Kvrocks).",
        )

    @property
    def _lasting(self) -> tuple[int, int] | None:
        """The keys without an expiry of both, where they cannot be those of equal databases."""
        return apart(self.here, self.there) if self.here and self.there else None

    @property
    def _gap(self) -> int:
        """By how many keys that is."""
        mine, its = self._lasting or (0, 0)
        return abs(mine - its)

    @property
    def _names_apart(self) -> int:
        """The same for names alone, where one and the same key may expire at one end and not at the other."""
        if self.here is None or self.there is None:
            return 0
        unsure = max(self.here.unsure, self.there.unsure)
        return max(
            (one.lasting or 0) - other.counts.keys - unsure
            for one, other in ((self.here, self.there), (self.there, self.here))
        )
