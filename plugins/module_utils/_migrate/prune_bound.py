# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many keys prune may delete: behind it the target must hold as many as the source counts.

A source that says of keys that they are gone, while its own count has them still, is not believed. As everywhere, only
keys that never expire are compared.
"""

from __future__ import annotations

from .._compare.both_ends import Ask, together
from .._errors import RedisMigrationError
from .._pipeline.expiry import NEVER
from .._pipeline.job import Job
from .._pipeline.temporary_keys import count_lasting
from .._server.activity import Activity
from .._server.agreement import Side
from .._server.info import ASK_CHANGES, ASK_FIELD_EXPIRY, writes_since
from .._server.key_counts import database_in
from .._server.loss import tolerated
from .._transfer.strategy import Lane
from .progress import Plan, Progress


class PruneBound:
    """Counts what is deleted from one database, by one slice of a run."""

    def __init__(self, lane: Lane, plan: Plan, progress: Progress) -> None:
        self._plan = plan
        self._progress = progress
        self._lane = lane
        # A limit of 1 is none; and with a selection the counts say nothing.
        self._counts = plan.selection.whole and plan.prune_limit < 1
        # Keys without an expiry at the target before this slice deleted any, and of those how many it has deleted.
        self._held: int | None = None
        self._deleted = 0
        # Temporary keys without an expiry at the source: it counts them, and no run moves them. Asked where that matters.
        self._temporary: int | None = None

    def among(self, names: list[bytes]) -> Job[set[bytes]]:
        """Those of ``names``, keys of the target, that have no expiry there."""
        if not self._counts:
            return set()
        target = self._lane.target
        commands, count = target.expiries.commands(names)
        (keyspace, *replies) = yield target.call(ASK_FIELD_EXPIRY + commands, 1 + count)
        target.check([keyspace], "INFO")
        expiries = yield from target.expiries.read(names, replies)
        if self._held is None:
            # The first reply: nothing is deleted before it.
            counts = database_in(keyspace, target.database)
            self._held = None if counts is None else counts.lasting
        return {name for name, expiry in zip(names, expiries) if expiry == NEVER}

    def take(self, keys: int) -> Job[None]:
        """Raises :class:`RedisMigrationError` where ``keys`` more without an expiry must not be deleted."""
        if self._held is None or not keys:
            return
        source, target = self._lane.source, self._lane.target
        ((keyspace, changes),) = yield from together(Ask(source, ASK_FIELD_EXPIRY + ASK_CHANGES, 2))
        source.check([keyspace, changes], "INFO")
        counts = database_in(keyspace, source.database)
        if counts is None or counts.lasting is None:
            return
        needed = min(counts.lasting, self._lasting_at_start(counts.lasting))
        left = self._held - self._deleted - keys
        lacking = self._not_there(Side(source.server, counts), needed, changes)
        if left + lacking < needed and self._temporary is None:
            self._temporary = yield from count_lasting(source)
        needed -= self._temporary or 0
        if left + lacking < needed:
            raise RedisMigrationError(
                f"The {source.endpoint} says of keys that it does not have them, and counts them: database"
                f" {target.database} of the {target.endpoint} would be left with {left} keys without an expiry, and database"
                f" {source.database} of the source has {needed} of them by INFO. What was not yet pruned stays.",
                hint="Look at what answers there: a proxy in between, or a product that differs in EXISTS and TYPE. If the"
                " source is only written to, run again when nobody writes; prune_limit 1 prunes without this check.",
            )
        self._deleted += keys

    def _lasting_at_start(self, otherwise: int) -> int:
        """What was there when the run began: keys that have come since need not be at the target."""
        number = self._lane.source.database
        held = self._progress.held
        if held is None:
            return otherwise
        return next((keys - expires for at, keys, expires in held.databases if at == number), 0)

    def _not_there(self, here: Side, needed: int, changes: bytes) -> int:
        """How many keys that the source counts the target may lack."""
        done = self._progress.counters[self._lane.source.database]
        lacking = here.unsure + done.failed + done.skipped
        if self._plan.check_mode:
            lacking += done.copied + done.updated
        # Of those that came while others went, each is one change at least.
        most = tolerated(needed, self._plan.prune_limit)
        began = Activity(**self._progress.activity) if self._progress.activity else None
        counted = None if began is None or began.changes is None else (began.changes, str(began.last_save))
        writes = writes_since(counted, changes)
        return lacking + (most if writes is None else min(most, writes))
