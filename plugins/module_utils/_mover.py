# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves chunks of keys by a strategy, under the rule for keys that the target already holds, and counts."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.module_utils._compare import Comparer
from ansible_collections.dataservices.redis_migration.plugins.module_utils._counters import (
    LISTED,
    Change,
    Counters,
    Failure,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._difference import Gone, Verdict
from ansible_collections.dataservices.redis_migration.plugins.module_utils._existence import absent
from ansible_collections.dataservices.redis_migration.plugins.module_utils._flow import Job, Sleep
from ansible_collections.dataservices.redis_migration.plugins.module_utils._scan import Chunk
from ansible_collections.dataservices.redis_migration.plugins.module_utils._throttle import Throttle
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer import (
    Lane,
    Moved,
    Occupied,
    Refused,
    Strategy,
    Vanished,
)

# Keys that take more memory than this are compared in chunks.
LARGE_BYTES = 1024 * 1024


class Mover:
    """Takes chunks of one pair of databases.

    ``fresh``: the target database was empty when the run began, so nothing needs to be compared first.
    """

    def __init__(
        self,
        lane: Lane,
        strategy: Strategy,
        policy: str,
        *,
        fresh: bool,
        throttle: Throttle,
        ttl_tolerance_ms: int,
        counters: Counters,
        failures: list[Failure],
        changes: list[Change],
    ) -> None:
        self._lane = lane
        self._strategy = strategy
        self._policy = policy
        self._fresh = fresh
        self._throttle = throttle
        self._comparer = Comparer(lane.flow, lane.source, lane.target, ttl_tolerance_ms)
        self._counters = counters
        self._failures = failures
        self._changes = changes

    def chunk(self, keys: Chunk) -> t.Callable[[int], Job]:
        """The job that moves ``keys``, restartable after a lost connection."""
        return lambda attempt: self._move(keys, again=attempt > 0)

    def _move(self, keys: Chunk, *, again: bool) -> Job:
        # Counted only once the whole chunk is through, so that a restart counts nothing twice.
        tally = _Tally(Counters(scanned=len(keys)), [], [])
        occupied = keys
        if self._fresh and not again:
            moved = yield from self._transfer(keys, replace=False)
            occupied = self._count(keys, moved, "copied", tally)
        if occupied:
            yield from self._move_over(occupied, tally, again=again and self._fresh)
        self._counters.add(tally.counters)
        self._failures.extend(tally.failures[: max(0, LISTED - len(self._failures))])
        self._changes.extend(tally.changes[: max(0, LISTED - len(self._changes))])

    def _move_over(self, keys: Chunk, tally: _Tally, *, again: bool) -> Job:
        """Keys that the target may hold already. ``again``: what is equal was written by this run a moment ago."""
        overwrite = self._policy in ("update", "replace")
        if self._policy == "update":
            missing, differing = yield from self._split_by_content(keys, tally, again=again)
        elif self._policy == "replace":
            missing, differing = yield from self._split_by_existence(keys)
        else:
            missing, existing = yield from self._split_by_existence(keys)
            if again and existing:
                # After a lost connection some of these are ours: what is equal was moved.
                _missing, existing = yield from self._split_by_content(existing, tally, again=True)
            self._existing(existing, tally)
            differing = keys.pick([])
        for group, action, replace in ((missing, "copied", overwrite), (differing, "updated", True)):
            if group:
                moved = yield from self._transfer(group, replace=replace)
                # Occupied now: written by somebody else between our look and our write.
                self._existing(self._count(group, moved, action, tally), tally)

    def _split_by_content(self, keys: Chunk, tally: _Tally, *, again: bool) -> Job:
        """(missing at the target, different at the target); equal ones are counted."""
        small = [position for position, size in enumerate(keys.sizes) if size <= LARGE_BYTES]
        verdicts: dict[int, Verdict] = {}
        if small:
            verdicts.update(zip(small, (yield from self._comparer.values(keys.pick(small).names))))
        for position in range(len(keys)):
            if position not in verdicts:
                verdicts[position] = yield from self._comparer.large(keys.names[position])
        missing: list[int] = []
        differing: list[int] = []
        equal = 0
        for position, verdict in verdicts.items():
            if verdict is None:
                equal += 1
            elif isinstance(verdict, Gone):
                tally.counters.vanished += 1
            elif verdict.kind == "missing":
                missing.append(position)
            else:
                differing.append(position)
        if again:
            tally.counters.copied += equal
        else:
            tally.counters.unchanged += equal
        return keys.pick(missing), keys.pick(differing)

    def _split_by_existence(self, keys: Chunk) -> Job:
        """(missing at the target, existing there)."""
        gone = set((yield from absent(self._lane.target, keys.names)))
        missing = [position for position, name in enumerate(keys.names) if name in gone]
        existing = [position for position, name in enumerate(keys.names) if name not in gone]
        return keys.pick(missing), keys.pick(existing)

    def _existing(self, keys: Chunk, tally: _Tally) -> None:
        if self._policy != "fail":
            tally.counters.skipped += len(keys)
            return
        tally.counters.failed += len(keys)
        for name in keys.names:
            tally.failures.append(
                Failure(
                    self._lane.source.database,
                    name,
                    None,
                    "the target already holds a key of this name",
                    "Empty the target, or choose with existing_keys what happens to such keys (update, replace, skip).",
                )
            )

    def _transfer(self, keys: Chunk, *, replace: bool) -> Job:
        wait = self._throttle.delay(len(keys), keys.size)
        if wait > 0:
            yield Sleep(wait)
        return (yield from self._strategy.transfer(keys, replace=replace))

    def _count(self, keys: Chunk, moved: Moved, action: str, tally: _Tally) -> Chunk:
        """Count what a transfer did; returns the keys whose place at the target is taken."""
        database = self._lane.source.database
        counters = tally.counters
        setattr(counters, action, getattr(counters, action) + len(keys) - len(moved.others))
        counters.bytes += moved.size
        counters.rebuilt += moved.rebuilt
        occupied: list[int] = []
        for position, outcome in sorted(moved.others.items()):
            if isinstance(outcome, Vanished):
                counters.vanished += 1
            elif isinstance(outcome, Occupied):
                occupied.append(position)
            elif isinstance(outcome, Refused):
                counters.failed += 1
                tally.failures.append(
                    Failure(database, keys.names[position], outcome.type, outcome.reason, outcome.hint)
                )
        if len(self._changes) < LISTED:
            tally.changes.extend(
                Change(database, name, action)
                for position, name in enumerate(keys.names)
                if position not in moved.others
            )
        return keys.pick(occupied)


class _Tally(t.NamedTuple):
    """What one chunk adds to the run's results."""

    counters: Counters
    failures: list[Failure]
    changes: list[Change]
