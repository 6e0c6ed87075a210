# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of redis_migrate_keys: every chosen logical database, once through, in slices if wanted, whatever breaks.

The run holds no state outside :class:`Progress`, which is plain data: a slice returns it and the next one takes it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from .._connection.connect import CLIENT_NAME, client
from .._connection.patience import at_first, patiently
from .._errors import ConnectError, RedisMigrationError
from .._pipeline.elsewhere import others_for, watched
from .._pipeline.end import End
from .._pipeline.flow import Flow
from .._pipeline.job import Job, restarting
from .._pipeline.pace import Pace
from .._pipeline.pipe import Pipe
from .._pipeline.samples import Samples
from .._pipeline.scan import Scan
from .._pipeline.spares import Spares
from .._pipeline.throttle import Throttle
from .._pipeline.waits import Watch
from .._server import activity
from .._server.claim import Claim
from .._server.clocks import clocks_of
from .._server.continuity import Continuity, ServerChanged, nameless_ends
from .._server.databases import check_databases, check_same_server, database_pairs
from .._server.eligibility import check_servers
from .._server.info import Server, measure_ends
from .._server.loss import holding_of
from .._transfer.rebuild.strategy import RebuildStrategy
from .._transfer.strategies import STRATEGIES
from .._transfer.strategy import Ends, Lane
from .choose import choose, prepared, strategy_of
from .counters import Counters
from .mover import Mover
from .names import check_names
from .progress import Plan, Progress
from .pruner import Pruner
from .source_guard import SourceGuard
from .usage import carried

# How often an end may come back as another process (restart, failover) before the run gives up.
_RESTARTS = 8

_T = t.TypeVar("_T")


class Migration:
    """Runs a :class:`Plan`."""

    def __init__(self, plan: Plan, progress: Progress | None = None) -> None:
        self._plan = plan
        self.progress = progress or Progress()
        # Set by _prepare, before all else.
        self._source: Server
        self._target: Server
        self._round_trip_us = 0.0
        self._claim: Claim | None = None
        # Before, an end that does not answer is rather a wrong address than a passing trouble.
        self._begun = self.progress.choice is not None
        self._throttle = Throttle(plan.max_keys_per_second, plan.max_bytes_per_second)
        self._deadline: float | None = None
        self._continuity = Continuity(self.progress.met)
        self._guard = SourceGuard(plan, self.progress, self._continuity)
        self._samples = Samples(self.progress.samples, self.progress.counted)

    def run(self, seconds: float | None = None) -> Progress:
        """Go on for about ``seconds`` (to the end, if None). Raises :class:`RedisMigrationError`.

        Whatever it raises, ``progress`` holds what was done until then.
        """
        start = time.monotonic()
        self._deadline = start + seconds if seconds else None
        before = self.progress.elapsed
        self._samples.start(before)
        try:
            self._prepare()
            while not self.progress.finished:
                try:
                    with self._claimed(), contextlib.closing(Spares()) as spares:
                        self._run_pairs(spares)
                except ServerChanged as changed:
                    self._start_over(changed)
                if self._out_of_time():
                    break
        finally:
            self.progress.met = self._continuity.as_plain()
            self.progress.elapsed = before + time.monotonic() - start
        return self.progress

    @contextlib.contextmanager
    def _claimed(self) -> t.Iterator[None]:
        """Sees to it that no other run writes to the same databases meanwhile."""
        plan, progress = self._plan, self.progress
        if plan.check_mode or not progress.pairs:
            yield
            return
        claim = self._claim = Claim(plan.target, progress.targets, progress.run, plan.shard)
        with contextlib.ExitStack() as stack:

            def connected_alone() -> None:
                with contextlib.ExitStack() as opened:
                    claim.check(opened.enter_context(client(plan.target, name=claim.name)))
                    stack.enter_context(opened.pop_all())

            self._patiently(connected_alone)
            progress.blind = claim.blind
            yield

    def _patiently(self, ask: t.Callable[[], _T]) -> _T:
        """What ``ask`` returns; an end that is away is waited for, as everywhere."""
        return patiently(ask, self._plan.timeout)

    def _measure(self) -> float:
        """Ask both servers who they are; returns both round trips together, in milliseconds.

        Before the run has begun, only breaks of the connection are waited out.
        """
        reach = self._patiently if self._begun else at_first
        found = measure_ends(self._plan.source, self._plan.target, reach)
        (self._source, source_ms), (self._target, target_ms) = found
        self._round_trip_us = source_ms * 1000
        return source_ms + target_ms

    def stop(self) -> None:
        """Come to an end soon, as at the end of a slice. May be called by a signal."""
        self._deadline = time.monotonic()

    def _out_of_time(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _prepare(self) -> None:
        plan, progress = self._plan, self.progress
        round_trip_ms = self._measure()
        if progress.choice is None:
            self._begin(self._source, self._target, round_trip_ms)
            self._begun = True
        try:
            self._guard.opened(self._source.identity)
            self._continuity.check(plan.target, self._target.identity)
        except ServerChanged as changed:
            self._start_over(changed)

    def _begin(self, source: Server, target: Server, round_trip_ms: float) -> None:
        """What is done once, after both ends have answered: so from here on they are waited for."""
        plan, progress = self._plan, self.progress
        check_servers(plan.source, plan.target, source, target, prune=plan.prune and plan.selection.region is None)
        progress.pairs = database_pairs(plan.selection, source, target, include_target=plan.prune)
        self._patiently(lambda: check_same_server(progress.pairs, plan.source, plan.target, source, target))
        self._patiently(lambda: check_databases(progress.pairs, plan.source, plan.target))
        ends = Ends(plan.source, plan.target, source, target, progress.targets, plan.selection.renames)
        choice = self._patiently(lambda: choose(plan.strategy, ends, round_trip_ms, eviction_data=plan.eviction_data))
        progress.choice = prepared(choice, plan.strategy, ends, plan.timeout)
        if plan.selection.region is None:  # Else that was done before the first part.
            check_names(plan.source, source, plan.selection, progress.pairs, timeout=plan.timeout)
        progress.held = holding_of(source, [here for here, _there in progress.pairs])
        progress.clocks = dataclasses.asdict(clocks_of(source, target))
        progress.counters = {here: Counters() for here, _there in progress.pairs}
        self._begin_watch()

    def _begin_watch(self) -> None:
        began, _identity = activity.read_activity(self._plan.source)
        self.progress.activity = dataclasses.asdict(began) if began else None

    def _end_watch(self) -> None:
        progress = self.progress
        before = activity.Activity(**progress.activity) if progress.activity else None
        now, identity = activity.read_activity(self._plan.source)
        if identity is not None:
            # The last that is asked: until now it may have become another.
            self._guard.opened(identity)
        progress.source_writes, progress.drift = activity.between(before, now)

    def _start_over(self, changed: ServerChanged) -> None:
        plan, progress = self._plan, self.progress
        progress.restarts += 1
        before = self._continuity.latest(plan.source)
        self._continuity.accept(changed.endpoint, changed.identity)
        self._measure()
        progress.clocks = dataclasses.asdict(clocks_of(self._source, self._target))
        for endpoint, server in ((plan.source, self._source), (plan.target, self._target)):
            self._continuity.accept(endpoint, server.identity)
        now = self._source.identity
        if changed.endpoint is plan.source or not (before.same_process(now) and before.same_data(now)):
            self._guard.changed(before, self._source)
        progress.begin_anew()
        self._begin_watch()
        if progress.restarts > _RESTARTS:
            raise ConnectError(
                f"The {plan.source} or the {plan.target} was restarted too often during the run, got other data, or had its"
                f" statistics reset ({progress.restarts} times).{nameless_ends(plan.source, plan.target, self._continuity)}",
                hint="Look into their logs, and run again when they are steady and nothing resets statistics (CONFIG"
                " RESETSTAT).",
            )

    def _run_pairs(self, spares: Spares) -> None:
        plan, progress = self._plan, self.progress
        while progress.position < len(progress.pairs):
            self._run_pair(*progress.pairs[progress.position], spares)
            if self._out_of_time() and progress.position < len(progress.pairs):
                return
        self._end_watch()
        self._patiently(lambda: self._continuity.check_still_there(plan.source, plan.target))
        for here, done in progress.moved_before.items():
            if here in progress.begun_fresh:
                # Of these every key was counted anew as what it is, also what was under way at the restart.
                progress.counters[here].pruned += done.pruned
            else:
                progress.counters[here].keep_moved(done)
        progress.moved_before.clear()
        progress.finished = True

    def _run_pair(self, here: int, there: int, spares: Spares) -> None:
        plan, progress = self._plan, self.progress
        if progress.fresh is None:
            taken = self._target.databases if plan.taken is None else plan.taken
            progress.fresh = not progress.distrust and (there not in taken or progress.brought(there))
            if progress.fresh:
                progress.begun_fresh.append(here)
        renaming = plan.selection.renaming(here)
        source = End(plan.source, self._source, here, others=others_for(renaming, plan.others), spares=spares)
        source.use_clock_of_other_end(progress.clock_difference.shift_ms, progress.clock_difference.slack_ms)
        name = self._claim.name if self._claim else CLIENT_NAME
        target = End(plan.target, self._target, there, name, renaming, spares=spares)
        flow = Flow(plan.timeout, on_open=watched(source, self._check_identity))
        try:
            pace = Pace(self._round_trip_us, plan.max_source_latency_ms, STRATEGIES[progress.chosen.strategy].queued)
            watch = Watch(source, progress.waits, pace.felt)
            compares = plan.existing_keys == "update" and not progress.fresh
            flow.add_pipes(*source.pipes(compares=compares), *target.pipes(compares=compares), spare=[watch.pipe])
            watch.start(flow)
            lane = Lane(
                flow,
                source,
                target,
                pace,
                plan.check_mode,
                bytes_per_second=plan.max_bytes_per_second,
                usage=carried(plan, progress, self._source, self._target),
                begun=progress.wrote,
            )
            if not progress.pruning:
                self._move(lane, here)
                self._check_ends(lane)
            if progress.pruning:
                self._prune(lane)
                self._check_ends(lane)
            flow.leave()
        finally:
            progress.reconnects += flow.reconnects
            flow.close()

    def _move(self, lane: Lane, here: int) -> None:
        plan, progress = self._plan, self.progress
        rebuild = RebuildStrategy(lane)
        strategy = strategy_of(progress.chosen, lane, rebuild, plan.large_key_bytes)
        mover = Mover(
            lane,
            strategy,
            plan.existing_keys,
            fresh=bool(progress.fresh),
            ours=progress.distrust and here in progress.begun_fresh,
            throttle=self._throttle,
            ttl_tolerance_ms=plan.ttl_tolerance_ms + progress.clock_difference.slack_ms,
            counters=progress.counters[here],
            failures=progress.failures,
            changes=progress.changes,
            noted=lambda: self._samples.note(lane.pace),
        )
        scan = Scan(
            lane.flow,
            lane.source,
            lane.pace,
            plan.selection,
            mover.chunk,
            give_up=mover.give_up,
            chunk_keys=min(strategy.chunk_keys, self._throttle.chunk_keys or strategy.chunk_keys),
            chunk_bytes=min(strategy.chunk_bytes, self._throttle.chunk_bytes or strategy.chunk_bytes),
            # What is slow on purpose must not have read names for minutes ahead when its slice ends.
            keys_ahead=int(plan.max_keys_per_second / 2),
            usage_kept=lane.usage is not None,
            round_trip_us=self._round_trip_us,
            cursor=progress.cursor,
            walked=progress.walked,
            should_stop=self._continuity.stopping(plan.source, self._out_of_time),
        )
        if progress.cursor == b"0" and not progress.fresh and not plan.check_mode:
            lane.flow.spawn(restarting(lambda _attempt: rebuild.remove_leftovers(plan.selection.own_slots)))
        lane.flow.spawn(scan.job())
        try:
            lane.flow.run()
        except RedisMigrationError:
            progress.in_doubt = 0 if plan.check_mode else mover.in_doubt
            raise
        # The next slice has a process of its own, which knows nothing of this one's rate.
        time.sleep(self._throttle.owed())
        progress.cursor, progress.walked = scan.cursor, scan.walked
        if scan.finished:
            if plan.prune:
                progress.pruning, progress.cursor = True, b"0"
            else:
                progress.next_pair()

    def _prune(self, lane: Lane) -> None:
        plan, progress = self._plan, self.progress
        pruner = Pruner(lane, self._guard, plan, progress)
        scan = Scan(
            lane.flow,
            lane.target,
            Pace(self._round_trip_us),
            plan.selection,
            pruner.chunk,
            chunk_keys=1000,
            chunk_bytes=1,
            measured=False,
            round_trip_us=self._round_trip_us,
            cursor=progress.cursor,
            walked=progress.walked,
            should_stop=self._continuity.stopping(plan.target, self._out_of_time),
        )
        lane.flow.spawn(scan.job())
        lane.flow.run()
        progress.cursor, progress.walked = scan.cursor, scan.walked
        if scan.finished:
            progress.next_pair()

    def _check_identity(self, pipe: Pipe) -> None:
        self._guard.connected(pipe)
        if pipe.openings > 1 and pipe.endpoint.role == "target" and self._claim:
            # Another run may have begun while this one was cut off.
            with client(pipe.endpoint) as redis_client:
                self._claim.check(redis_client)

    def _check_ends(self, lane: Lane) -> None:
        """Behind what was done, without a break of the connections that did it: nothing of it may be gone by now."""
        lane.flow.spawn(restarting(lambda _attempt: self._guard.look(lane.source)))
        lane.flow.spawn(restarting(lambda _attempt: self._target_unchanged(lane)))
        lane.flow.run()

    def _target_unchanged(self, lane: Lane) -> Job[None]:
        self._continuity.check(lane.target.endpoint, (yield from lane.target.identity()))
