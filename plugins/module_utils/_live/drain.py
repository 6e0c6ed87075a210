# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drain: the writers have stopped; the last changes are carried over, and both ends are proved equal.

Beside what the feed names (rules.py) it looks at what the servers count: commands that write, which may not go on; keys in
each database, which have to agree; and keys that the target evicts. Where these say that something was missed, everything
is compared once more, now that nobody writes.
"""

from __future__ import annotations

import time

from .._errors import ConnectError
from .._server.continuity import ServerChanged
from .counts import difference
from .feed import PING_SECONDS
from .names import Count
from .steps import Steps
from .unnamed import LOOK_SECONDS, evicts

# A key that differs after so many moves in the drain, without a change of it, is not going to be equal.
_MOVES = 4


class NotProved(Exception):
    """The reason, as a sentence."""


class Drain:
    """One drain over the ``steps`` of a run."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        # Whether a comparison of everything was begun since the writers stopped.
        self._compares_all = False
        self._evictions = steps.unnamed.evictions
        self._begin()

    def _begin(self) -> None:
        # Whether what the feed does not name was looked at, and moves since all was named: that found all equal, or not.
        self._looked = False
        self._equal_moves = self._differing_moves = 0
        # Commands that wrote at the source until the drain began; None before it was asked, or where it does not count.
        self._asked = False
        self._writes: int | None = None
        self._restarts = self._steps.restarts

    def run(self, seconds: float) -> str | None:
        """Why both ends were not proved equal within ``seconds``, as a sentence; None if they were.

        Raises :class:`RedisMigrationError`.
        """
        steps = self._steps
        deadline = time.monotonic() + seconds
        steps.rules.writers_stopped()
        steps.in_drain, steps.walked_in_drain = Count(steps.most_bytes), 0
        for carrier in steps.lanes.carriers.values():
            # Each is tried once more.
            steps.rules.report(list(carrier.failures))
        try:
            while not self._turn(deadline):
                pass
            return None
        except NotProved as reason:
            return str(reason)

    def _turn(self, deadline: float) -> bool:
        """Do what is next. True once both ends are proved equal. Raises :class:`NotProved`."""
        steps = self._steps
        if time.monotonic() > deadline:
            raise NotProved(self._why_not())
        if self._differing_moves > _MOVES:
            waiting = len(steps.rules.changed)
            raise NotProved(
                f"{waiting} keys still differ after they were moved {_MOVES} times: something writes to them."
            )
        try:
            return steps.learn() and self._next()
        except ServerChanged as changed:
            steps.replaced(changed)
        except ConnectError as exc:
            steps.feed_or_raise(exc)
        return False

    def _next(self) -> bool:
        steps, rules = self._steps, self._steps.rules
        if self._restarts != steps.restarts:
            self._begin()
        if not self._asked:
            # Before the first PING that counts: what was written before is named, what is written later is counted.
            self._ask()
        if not rules.all_changes_named and steps.feed.may_ping:
            rules.asked()
            steps.feed.ping()
        if rules.unwalked:
            self._looked = False
            self._equal_moves = self._differing_moves = 0
            steps.walk(LOOK_SECONDS)
        elif rules.changed:
            self._move()
        elif not rules.all_changes_named:
            steps.feed.wait(PING_SECONDS)
        elif not self._looked:
            self._looked = True
            steps.overflows += not steps.unnamed.report(steps.feed)
        else:
            return self._end()
        return False

    def _ask(self) -> None:
        unnamed = self._steps.unnamed
        unnamed.look(self._steps.feed)
        self._asked = True
        self._writes = unnamed.writes
        if unnamed.must_compare:
            self._compare_all()

    def _compare_all(self) -> bool:
        """Begin it; False if that was done before."""
        if self._compares_all:
            return False
        self._compares_all = True
        self._steps.rules.forget()
        return True

    def _move(self) -> None:
        steps, rules = self._steps, self._steps.rules
        if self._equal_moves >= _MOVES:
            rules.expect_only_expiries()
        named, before = rules.all_changes_named, steps.lanes.tally.moved
        equal = steps.move()
        if named:
            # What expires has never to be written to the target; what is written there was written to at the source.
            self._equal_moves = self._equal_moves + 1 if equal and steps.lanes.tally.moved == before else 0
            self._differing_moves = 0 if equal else self._differing_moves + 1

    def _end(self) -> bool:
        """The last questions, the one who the ends are behind all others."""
        steps, unnamed = self._steps, self._steps.unnamed
        unnamed.look(steps.feed)
        self._check_writes()
        if unnamed.behind:
            raise NotProved(unnamed.behind)
        steps.lanes.check_targets()
        if not steps.rules.ends_are_the_same():
            return False
        found = difference(steps.plan.selection, steps.lanes, unnamed)
        if found is None:
            return True
        if self._compare_all():
            return False
        raise NotProved(found)

    def _check_writes(self) -> None:
        now, before = self._steps.unnamed.writes, self._writes
        if now is None or before is None:
            return
        if now > before:
            count = now - before
            raise NotProved(
                f"{count} write command{'s' * (count > 1)} ran at the source during the drain: something still writes to it."
            )
        # Smaller where somebody reset the statistics.
        self._writes = now

    def _why_not(self) -> str:
        steps = self._steps
        evictions = steps.unnamed.evictions
        if evictions > self._evictions:
            return evicts(evictions)
        if steps.rules.unwalked:
            return f"Not every key has been compared in time: {self._because}. Give it more time."
        if steps.rules.changed or steps.rules.all_changes_named:
            return "The source goes on reporting changes: something still writes to it."
        return "The feed of changes has not answered in time."

    @property
    def _because(self) -> str:
        """Why there was anything to walk."""
        if not self._compares_all:
            return "the feed of changes was opened anew, there were too many changes, or an end was replaced"
        return self._steps.unnamed.must_compare or "both ends counted different numbers of keys"
