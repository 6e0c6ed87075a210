# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves chunks of keys by a strategy, under the rule for keys that the target already holds, and counts."""

from __future__ import annotations

import typing as t

from .._compare.comparer import Comparer
from .._compare.verdict import Gone, Verdict
from .._errors import ConnectError
from .._keys.listing import LISTED, Failure, listable
from .._keys.name import printable
from .._pipeline.absence import absent
from .._pipeline.chunk import Chunk
from .._pipeline.expiry import READING_ERROR_MS
from .._pipeline.halving import Work
from .._pipeline.job import Job
from .._pipeline.throttle import Throttle
from .._pipeline.usage import read_usage
from .._transfer.strategy import Lane, Moved, Occupied, Refused, Transfer, Vanished
from .counters import Change, Counters

# By name, what a key that was sent to the target counts as ("copied", "updated"). It outlives a lost connection, after
# which it tells what this run wrote from what was there before.
_Sent = dict[bytes, str]


class Mover:
    """Takes chunks of one pair of databases.

    ``fresh``: the target database was empty when the run began, so nothing needs to be compared first.
    ``ours``: it was, but an end was restarted since, so what is there by now was written by this run.
    ``noted()`` is called whenever a chunk was counted.
    """

    def __init__(
        self,
        lane: Lane,
        strategy: Transfer,
        policy: str,
        *,
        fresh: bool,
        ours: bool = False,
        throttle: Throttle,
        ttl_tolerance_ms: int,
        counters: Counters,
        failures: list[Failure],
        changes: list[Change],
        noted: t.Callable[[], None] = lambda: None,
    ) -> None:
        self._lane = lane
        self._strategy = strategy
        self._policy = policy
        self._fresh = fresh
        self._ours = ours
        self._throttle = throttle
        if ours:
            # What this run wrote and did not finish is not left so near the limit that the next run finds it beyond.
            ttl_tolerance_ms = max(0, ttl_tolerance_ms - 2 * READING_ERROR_MS)
        self._comparer = Comparer(lane.flow, lane.source, lane.target, ttl_tolerance_ms)
        self._counters = counters
        self._failures = failures
        self._changes = changes
        self._noted = noted
        # By chunk, how many keys have been sent to the target and are not counted yet.
        self._under_way: dict[int, int] = {}

    @property
    def in_doubt(self) -> int:
        """How many keys were sent whose answer did not come: after a failure they may be at the target or not."""
        return sum(self._under_way.values())

    def chunk(self, keys: Chunk) -> Work:
        """What makes the job that moves ``keys``, or a part of them; it can be made anew after a lost connection."""
        sent: _Sent = dict.fromkeys(keys.names, "copied") if self._ours else {}
        return lambda part: self._move(part, sent)

    def give_up(self, keys: Chunk, error: ConnectError) -> None:
        """Count the one key of ``keys`` as failed: no connection survives it."""
        self._counters.add(Counters(scanned=1, failed=1))
        failure = Failure(self._lane.source.database, keys.names[0], None, error.message, error.hint)
        self._failures.extend(listable(self._failures, [failure], LISTED))

    def _move(self, keys: Chunk, sent: _Sent) -> Job[None]:
        # Counted only once the whole chunk is through, so that a restart counts nothing twice.
        tally = _ChunkResult(Counters(scanned=len(keys)), [], [])
        occupied = keys
        if self._lane.usage and keys.usages is None:
            yield from read_usage(self._lane.source, self._lane.usage, keys)
        if self._fresh and not sent:
            moved = yield from self._transfer(keys, "copied", sent, replace=False)
            occupied = self._count(keys, moved, "copied", tally, sent)
        if occupied:
            yield from self._move_over(occupied, tally, sent)
        for name in keys.names if sent else ():
            sent.pop(name, None)
        self._under_way.pop(id(sent), None)
        self._counters.add(tally.counters)
        self._failures.extend(listable(self._failures, tally.failures, LISTED))
        self._changes.extend(tally.changes[: max(0, LISTED - len(self._changes))])
        self._noted()

    def _move_over(self, keys: Chunk, tally: _ChunkResult, sent: _Sent) -> Job[None]:
        """Keys that the target may hold already."""
        overwrite = self._policy in ("update", "replace")
        if self._policy == "update":
            verdicts = yield from self._comparer.verdicts(keys)
            missing, differing = self._sort(keys, verdicts, tally, sent)
        else:
            missing, differing = yield from self._split_by_existence(keys)
            if not overwrite:
                differing = yield from self._split_ours(differing, tally, sent)
        groups: dict[tuple[str, bool], list[int]] = {}
        places = {name: position for position, name in enumerate(keys.names)}
        for chunk, action, replace in ((missing, "copied", overwrite), (differing, "updated", True)):
            for name in chunk.names:
                # What was sent before its answer got lost is counted as what it was then.
                groups.setdefault((sent.get(name, action), replace), []).append(places[name])
        for (action, replace), positions in groups.items():
            group = keys.pick(positions)
            moved = yield from self._transfer(group, action, sent, replace=replace)
            # Occupied now: written by somebody else between our look and our write.
            self._existing(self._count(group, moved, action, tally, sent), tally)

    def _sort(self, keys: Chunk, verdicts: list[Verdict], tally: _ChunkResult, sent: _Sent) -> tuple[Chunk, Chunk]:
        """(missing at the target, different at the target); all others are counted."""
        counters = tally.counters
        if not sent and not any(verdicts):
            counters.unchanged += len(keys)
            return keys.pick([]), keys.pick([])
        missing: list[int] = []
        differing: list[int] = []
        for position, verdict in enumerate(verdicts):
            action = sent.get(keys.names[position])
            if verdict is None:
                if action is None:
                    counters.unchanged += 1
                    continue
                setattr(counters, action, getattr(counters, action) + 1)
                counters.bytes += keys.sizes[position]
                name = self._lane.target.name_of(keys.names[position])
                tally.changes.append(Change(self._lane.source.database, printable(name), action))
            elif isinstance(verdict, Gone):
                counters.vanished += 1
            elif verdict.kind == "missing":
                missing.append(position)
            else:
                differing.append(position)
        return keys.pick(missing), keys.pick(differing)

    def _split_ours(self, keys: Chunk, tally: _ChunkResult, sent: _Sent) -> Job[Chunk]:
        """Keys that the target holds and that are not to be overwritten: those of others are counted.

        Returns those that this run wrote before a connection was lost and that still lack their expiry.
        """
        ours = keys.pick([position for position, name in enumerate(keys.names) if name in sent])
        verdicts = yield from self._comparer.verdicts(ours)
        kept = [
            position
            for position, verdict in enumerate(verdicts)
            if not verdict or getattr(verdict, "kind", "ttl") == "ttl"
        ]
        mine = ours.pick(kept)
        names = set(mine.names)
        self._existing(keys.pick([position for position, name in enumerate(keys.names) if name not in names]), tally)
        _missing, differing = self._sort(mine, [verdicts[position] for position in kept], tally, sent)
        return differing

    def _split_by_existence(self, keys: Chunk) -> Job[tuple[Chunk, Chunk]]:
        """(missing at the target, existing there)."""
        names = self._lane.target.named(keys.names)
        gone = set((yield from absent(self._lane.target, names)))
        missing = [position for position, name in enumerate(names) if name in gone]
        existing = [position for position, name in enumerate(names) if name not in gone]
        return keys.pick(missing), keys.pick(existing)

    def _existing(self, keys: Chunk, tally: _ChunkResult) -> None:
        if self._policy != "fail":
            tally.counters.skipped += len(keys)
            return
        tally.counters.failed += len(keys)
        for name, its_name in zip(keys.names, self._lane.target.named(keys.names)):
            new = "" if its_name == name else f", '{printable(its_name)}' there"
            tally.failures.append(
                Failure(
                    self._lane.source.database,
                    name,
                    None,
                    f"the target already holds a key of this name{new}",
                    "Empty the target, or choose with existing_keys what happens to such keys (update, replace, skip).",
                )
            )

    def _transfer(self, keys: Chunk, action: str, sent: _Sent, *, replace: bool) -> Job[Moved]:
        if sent:
            for name in keys.names:
                sent.setdefault(name, action)
        else:
            sent.update(dict.fromkeys(keys.names, action))
        self._under_way[id(sent)] = len(sent)
        expected = yield from self._throttle.turn(len(keys), keys.size)
        moved = yield from self._strategy.transfer(keys, replace=replace)
        self._throttle.moved(keys.size, expected, moved.size)
        return moved

    def _count(self, keys: Chunk, moved: Moved, action: str, tally: _ChunkResult, sent: _Sent) -> Chunk:
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
                sent.pop(keys.names[position], None)
            elif isinstance(outcome, Refused):
                counters.failed += 1
                tally.failures.append(
                    Failure(database, keys.names[position], outcome.type, outcome.reason, outcome.hint)
                )
        if len(self._changes) < LISTED:
            tally.changes.extend(
                Change(database, printable(name), action)
                for position, name in enumerate(self._lane.target.named(keys.names))
                if position not in moved.others
            )
        return keys.pick(occupied)


class _ChunkResult(t.NamedTuple):
    """What one chunk adds to the run's results."""

    counters: Counters
    failures: list[Failure]
    changes: list[Change]
