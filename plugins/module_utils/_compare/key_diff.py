# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of redis_key_diff: every key of every chosen database, looked at from both sides.

The source is walked and each key compared with the target; then the target is walked for keys that the source does not
have. What looks different is looked at once more before it is reported, so that a key that expires in between is none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
import typing as t

from .._connection.patience import at_first, patiently
from .._errors import RedisMigrationError
from .._pipeline.chunk import Chunk
from .._pipeline.elsewhere import others_for, watched
from .._pipeline.end import End
from .._pipeline.flow import Flow
from .._pipeline.halving import GiveUp, Work
from .._pipeline.job import Job, restarting
from .._pipeline.pace import Pace
from .._pipeline.samples import Samples
from .._pipeline.scan import NAMES_AT_ONCE, Scan
from .._pipeline.spares import Spares
from .._pipeline.waits import Watch
from .._server.clocks import clocks_of
from .._server.continuity import Continuity, ServerChanged, nameless_ends
from .._server.databases import check_databases, check_same_server, database_pairs
from .._server.eligibility import mode_problem, refuse
from .._server.info import Server, measure_ends
from .diff_progress import DatabaseDiff, DiffPlan, DiffProgress
from .no_extra import Count, no_extra
from .no_extra import counts as counts_of
from .pair import PairComparison
from .totals import Totals

_CHUNK_KEYS = 500
_CHUNK_BYTES = 512 * 1024

# Fewer keys are walked sooner than both servers are asked for their counts.
_WORTH_COUNTING = 2000

# How often a comparison is begun anew because an end became another server.
_RESTARTS = 3

_T = t.TypeVar("_T")


class KeyDiff:
    """Runs a :class:`DiffPlan`."""

    def __init__(self, plan: DiffPlan, progress: DiffProgress | None = None) -> None:
        self._plan = plan
        self.progress = progress or DiffProgress()
        # Set by _prepare, before all else.
        self._source: Server
        self._target: Server
        self._round_trip_us = 0.0
        self._deadline: float | None = None
        self._continuity = Continuity(self.progress.met)
        self._samples = Samples(self.progress.samples, self.progress.counted)

    def run(self, seconds: float | None = None) -> DiffProgress:
        """Go on for about ``seconds`` (to the end, if None). Raises :class:`RedisMigrationError`."""
        start = time.monotonic()
        self._deadline = start + seconds if seconds else None
        before = self.progress.elapsed
        self._samples.start(before)
        try:
            self._prepare()
            while not self.progress.finished:
                try:
                    self._run_pairs()
                except ServerChanged as changed:
                    self._start_over(changed)
                if self._out_of_time():
                    break
        finally:
            self.progress.met = self._continuity.as_plain()
            self.progress.elapsed = before + time.monotonic() - start
        return self.progress

    def stop(self) -> None:
        """Come to an end soon, as at the end of a slice. May be called by a signal."""
        self._deadline = time.monotonic()

    def _out_of_time(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _run_pairs(self) -> None:
        pairs = self.progress.pairs or []
        with contextlib.closing(Spares()) as spares:
            while self.progress.position < len(pairs):
                self._run_pair(*pairs[self.progress.position], spares)
                if self._out_of_time() and self.progress.position < len(pairs):
                    return
        self._patiently(lambda: self._continuity.check_still_there(self._plan.source, self._plan.target))
        self.progress.finished = True

    def _patiently(self, ask: t.Callable[[], _T]) -> _T:
        return patiently(ask, self._plan.timeout)

    def _prepare(self) -> None:
        plan, progress = self._plan, self.progress
        # Before anything is known of an end, only breaks of the connection are waited out.
        reach = at_first if progress.pairs is None else self._patiently
        (source, source_ms), (target, _target_ms) = measure_ends(plan.source, plan.target, reach)
        self._source, self._target = source, target
        self._round_trip_us = source_ms * 1000
        if progress.pairs is None:
            refuse(mode_problem(plan.source, source), mode_problem(plan.target, target))
            pairs = database_pairs(plan.selection, source, target, include_target=True)
            self._patiently(lambda: check_same_server(pairs, plan.source, plan.target, source, target))
            self._patiently(lambda: check_databases(pairs, plan.source, plan.target))
            progress.pairs = pairs
            progress.databases = {here: DatabaseDiff() for here, _there in pairs}
            progress.clocks = dataclasses.asdict(clocks_of(source, target))
        try:
            for endpoint, server in ((plan.source, self._source), (plan.target, self._target)):
                self._continuity.check(endpoint, server.identity)
        except ServerChanged as changed:
            self._start_over(changed)

    def _start_over(self, changed: ServerChanged) -> None:
        """What was seen of the one says nothing of the other: compare everything again, in the databases of now."""
        plan, progress = self._plan, self.progress
        self._continuity.accept(changed.endpoint, changed.identity)
        progress.restarts += 1
        if progress.restarts > _RESTARTS:
            raise RedisMigrationError(
                f"The {changed.endpoint} was restarted, got other data, or had its statistics reset during the comparison,"
                f" {progress.restarts} times, so it proves nothing.{nameless_ends(plan.source, plan.target, self._continuity)}",
                hint="Compare again when both are steady and nothing resets statistics (CONFIG RESETSTAT).",
            )
        found = measure_ends(plan.source, plan.target, self._patiently)
        (self._source, _source_ms), (self._target, _target_ms) = found
        for endpoint, server in ((plan.source, self._source), (plan.target, self._target)):
            self._continuity.accept(endpoint, server.identity)
        progress.clocks = dataclasses.asdict(clocks_of(self._source, self._target))
        progress.pairs = database_pairs(plan.selection, self._source, self._target, include_target=True)
        # A database that had keys before is still one of those that were to be compared.
        progress.pairs = sorted(
            {*progress.pairs, *((here, plan.selection.database_map.get(here, here)) for here in progress.databases)}
        )
        progress.databases = {here: DatabaseDiff() for here, _there in progress.pairs}
        progress.differences.clear()
        progress.position, progress.reverse, progress.cursor = 0, False, b"0"
        progress.walked = (0, 0)
        progress.again = None

    def _run_pair(self, here: int, there: int, spares: Spares) -> None:
        plan, progress = self._plan, self.progress
        renaming = plan.selection.renaming(here)
        source = End(plan.source, self._source, here, others=others_for(renaming, plan.others), spares=spares)
        target = End(plan.target, self._target, there, renaming=renaming, spares=spares)
        flow = Flow(plan.timeout, on_open=watched(source, self._continuity.connected))
        try:
            source.use_clock_of_other_end(progress.clock_difference.shift_ms, progress.clock_difference.slack_ms)
            pace = Pace(self._round_trip_us, plan.max_source_latency_ms)
            watch = Watch(source, progress.waits, pace.felt)
            compares = plan.level == "values"
            flow.add_pipes(*source.pipes(compares=compares), *target.pipes(compares=compares), spare=[watch.pipe])
            watch.start(flow)
            tolerance_ms = plan.ttl_tolerance_ms + progress.clock_difference.slack_ms
            level, counts = plan.level, progress.databases[here]
            if progress.again is not None:
                level, counts = "keys", progress.again
            comparison = PairComparison(
                flow,
                source,
                target,
                level,
                counts,
                progress.differences,
                plan.max_differences,
                tolerance_ms,
                self._samples.note,
            )
            measured = level == "values"
            through = False
            if not progress.reverse:
                if progress.cursor == b"0":
                    progress.counted_before = self._counted(flow, source, target)
                if self._walk(flow, source, pace, comparison.forward, measured, comparison.give_up):
                    progress.reverse, progress.cursor = True, b"0"
                    through = no_extra(counts, progress.counted_before, self._counted(flow, source, target))
                    if through:
                        counts.target_keys = counts.source_keys
            if progress.reverse and not through:
                through = self._walk(flow, target, Pace(self._round_trip_us), comparison.backward, False)
            if through:
                progress.reverse, progress.cursor = False, b"0"
                flow.spawn(restarting(lambda _attempt: self._count(here, source, target)))
                flow.run()
            for end in (source, target):
                flow.spawn(restarting(functools.partial(self._unchanged, end)))
            flow.run()
            flow.leave()
        finally:
            flow.close()

    def _counted(self, flow: Flow, source: End, target: End) -> list[Count]:
        """What both ends count now, where that may spare a walk over the target's keys."""
        held = source.server.databases.get(source.database)
        few = held is None or held.keys < _WORTH_COUNTING
        if few or not self._plan.selection.countable or self.progress.again is not None:
            return []
        found: list[Count] = []

        def ask() -> Job[None]:
            found[:] = yield from counts_of(source, target)

        flow.spawn(restarting(lambda _attempt: ask()))
        flow.run()
        return found

    def _walk(
        self,
        flow: Flow,
        end: End,
        pace: Pace,
        take: t.Callable[[Chunk], Work],
        measured: bool,
        give_up: GiveUp | None = None,
    ) -> bool:
        progress = self.progress
        names_only = not measured and (self._plan.level == "keys" or progress.reverse or progress.again is not None)
        scan = Scan(
            flow,
            end,
            pace,
            self._plan.selection,
            take,
            give_up=give_up,
            chunk_keys=NAMES_AT_ONCE if names_only else _CHUNK_KEYS,
            chunk_bytes=_CHUNK_BYTES,
            measured=measured,
            round_trip_us=self._round_trip_us,
            cursor=self.progress.cursor,
            walked=self.progress.walked,
            should_stop=self._continuity.stopping(end.endpoint, self._out_of_time),
        )
        flow.spawn(scan.job())
        flow.run()
        self.progress.cursor, self.progress.walked = scan.cursor, scan.walked
        return scan.finished

    def _count(self, here: int, source: End, target: End) -> Job[None]:
        """Both walks are through. Go on to the next pair, or to a second look where the ends count other than was seen.

        Raises :class:`RedisMigrationError` where that has been taken, and they still do: then nothing is proved.
        """
        progress, counts = self.progress, self.progress.databases[here]
        totals = yield from Totals.ask(source, target)
        if progress.again is None:
            if counts.identical and not totals.explain(counts, whole=self._plan.selection.countable):
                progress.again = DatabaseDiff()
                return
        else:
            counts.missing += progress.again.missing
            counts.extra += progress.again.extra
            if counts.identical and totals.contradict(
                progress.again, whole=self._plan.selection.countable, level=self._plan.level
            ):
                raise totals.contradiction(progress.again)
            progress.again = None
        progress.position += 1

    def _unchanged(self, end: End, _attempt: int) -> Job[None]:
        """Asked without a break of the connection that compared."""
        self._continuity.check(end.endpoint, (yield from end.identity()))
