# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ends of a live run: both servers, and a lane for each pair of databases, open for as long as the run lasts."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import secrets
import typing as t

from .._connection.connect import client
from .._connection.identity import Identity
from .._connection.patience import patiently
from .._errors import RedisMigrationError
from .._migrate.choose import Choice, choose, prepared, strategy_of
from .._migrate.names import check_names
from .._migrate.progress import Plan, Progress
from .._migrate.source_guard import SourceGuard
from .._pipeline.end import End
from .._pipeline.flow import Flow
from .._pipeline.job import Job, restarting
from .._pipeline.pace import Pace
from .._pipeline.temporary_keys import count_lasting
from .._pipeline.throttle import Throttle
from .._pipeline.waits import Watch
from .._server import loss
from .._server.activity import write_commands
from .._server.claim import Claim
from .._server.clocks import clocks_of
from .._server.continuity import Continuity
from .._server.databases import check_apart, check_databases, check_same_server, database_pairs
from .._server.eligibility import check_servers
from .._server.info import measure_ends
from .._server.loss import holding_of
from .._transfer.rebuild.strategy import RebuildStrategy
from .._transfer.strategy import Ends, Lane
from .carry import Carried, Carrier

# Between tries to reach an end that is away, in seconds.
AGAIN_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class PartOf:
    """What a run may be a part of. ``run``: tells it from other runs. ``ours``: whether all was brought by it before."""

    run: str = dataclasses.field(default_factory=lambda: secrets.token_hex(8))
    ours: bool = False


class Lanes:
    """Opened anew after an end was replaced. ``guard`` and ``continuity`` remember who was there before."""

    def __init__(
        self, plan: Plan, most_bytes: int, still_wanted: t.Callable[[], bool], of: PartOf | None = None
    ) -> None:
        self._plan = plan
        self._of = of or PartOf()
        self._most = most_bytes
        self._wanted = still_wanted
        self.continuity = Continuity()
        self.progress = Progress()
        self.guard = SourceGuard(plan, self.progress, self.continuity)
        self.carriers: dict[int, Carrier] = {}
        # What the carriers before a restart have done.
        self.before = Carried()
        self.throttle = Throttle(plan.max_keys_per_second, plan.max_bytes_per_second)
        self.round_trip_us = 0.0
        # The source's commands that write; None where it does not say.
        self.writing: frozenset[str] | None = None
        # Databases whose target was empty when they were first opened: all that is there was brought by this run.
        self._ours: set[int] = set()
        self._known: set[int] = set()
        self._stack = contextlib.ExitStack()
        self._flow: Flow | None = None

    @property
    def flow(self) -> Flow:
        if self._flow is None:
            raise AssertionError("open() comes first")
        return self._flow

    @property
    def choice(self) -> Choice:
        return self.progress.chosen

    def open(self) -> None:
        """Measure both ends and open a lane for each pair of databases. Raises :class:`RedisMigrationError`."""
        self.close()
        plan, progress = self._plan, self.progress
        if plan.check_mode or plan.existing_keys not in ("update", "replace"):
            raise RedisMigrationError(
                "A source cannot be followed without writing to the target, over keys that are there.",
                hint="Choose 'update' for 'existing_keys', and leave check mode.",
            )
        (self.source, source_ms), (self.target, target_ms) = measure_ends(plan.source, plan.target)
        self.round_trip_us = source_ms * 1000
        with client(plan.source) as at_source:
            self.writing = write_commands(at_source)
        check_servers(plan.source, plan.target, self.source, self.target, prune=plan.prune)
        pairs = dict(database_pairs(plan.selection, self.source, self.target, include_target=True))
        # A database that had keys before is still one of those that are covered.
        pairs.update(progress.pairs)
        progress.pairs = sorted(pairs.items())
        self._check(progress.pairs)
        check_databases(progress.pairs, plan.source, plan.target)
        if progress.choice is None:
            ends = Ends(
                plan.source, plan.target, self.source, self.target, tuple(pairs.values()), plan.selection.renames
            )
            choice = choose(plan.strategy, ends, source_ms + target_ms)
            progress.choice = prepared(choice, plan.strategy, ends)
        self.clocks = clocks_of(self.source, self.target)
        if not self._known:
            check_names(plan.source, self.source, plan.selection, progress.pairs, timeout=plan.timeout)
        self.continuity.accept(plan.source, self.source.identity)
        self.continuity.accept(plan.target, self.target.identity)
        self._flow = Flow(plan.timeout, on_open=self.guard.connected, still_wanted=self._wanted)
        self._open(progress.pairs)
        watched = End(plan.source, self.source, next(iter(pairs), 0))
        watch = Watch(watched, progress.waits, self._felt)
        self._flow.add_pipes(spare=[watch.pipe])
        watch.start(self._flow)
        if progress.held is None:
            # Later the guard compares with what was held before.
            progress.held = holding_of(self.source, pairs)

    def _felt(self, microseconds: float) -> None:
        for carrier in self.carriers.values():
            carrier.lane.pace.felt(microseconds)

    def discover(self, databases: t.Iterable[int]) -> None:
        """Open lanes for those of the source's ``databases`` that are covered and new. Raises :class:`RedisMigrationError`."""
        known = dict(self.progress.pairs)
        if self._plan.selection.databases is not None:
            return
        new = [here for here in databases if here not in known]
        if new:
            pairs = [(here, self._plan.selection.database_map.get(here, here)) for here in new]
            self._check(sorted([*known.items(), *pairs]))
            patiently(functools.partial(self._open_new, pairs), self._plan.timeout, AGAIN_SECONDS)
            self.progress.pairs = sorted([*self.progress.pairs, *pairs])

    def _check(self, pairs: t.Sequence[tuple[int, int]]) -> None:
        """Also of databases that appear later: none may land in another's, or be one of the source's own."""
        check_same_server(pairs, self._plan.source, self._plan.target, self.source, self.target)
        check_apart(pairs, self._plan.selection)

    def _open_new(self, pairs: t.Sequence[tuple[int, int]]) -> None:
        check_databases(pairs, self._plan.source, self._plan.target)
        self._open([pair for pair in pairs if pair[0] not in self.carriers])

    def _open(self, pairs: t.Sequence[tuple[int, int]]) -> None:
        plan = self._plan
        claim = Claim(plan.target, [there for _here, there in pairs], self._of.run)
        redis_client = self._stack.enter_context(client(plan.target, name=claim.name))
        claim.check(redis_client)
        for here, there in pairs:
            holds = self.target.databases.get(there)
            empty = here not in self._known and (holds is None or holds.keys == 0)
            if empty:
                self._ours.add(here)
            self._known.add(here)
            self.carriers[here] = self._carrier(here, there, claim.name, empty)

    def _carrier(self, here: int, there: int, name: str, empty: bool) -> Carrier:
        plan, clocks = self._plan, self.clocks
        source = End(plan.source, self.source, here)
        source.use_clock_of_other_end(clocks.shift_ms, clocks.slack_ms)
        target = End(plan.target, self.target, there, name, plan.selection.renaming(here))
        self.flow.add_pipes(*source.pipes(compares=True), *target.pipes(compares=True))
        lane = Lane(
            self.flow,
            source,
            target,
            Pace(self.round_trip_us, plan.max_source_latency_ms),
            False,
            bytes_per_second=plan.max_bytes_per_second,
        )
        rebuild = RebuildStrategy(lane)
        transfer = strategy_of(self.choice, lane, rebuild, plan.large_key_bytes)
        if not empty:
            region = plan.selection.region
            slots = None if region is None else region.target
            self.flow.spawn(restarting(lambda _attempt: rebuild.remove_leftovers(slots)))
            self.flow.run()
        ours = here in self._ours or self._of.ours or plan.prune
        tolerance = plan.ttl_tolerance_ms + clocks.slack_ms
        return Carrier(
            lane,
            transfer,
            plan.selection,
            self.throttle,
            tolerance,
            fresh=empty,
            ours=ours,
            most_bytes=self._most,
        )

    def ask_target(self) -> list[object]:
        """The replies of the target to :data:`loss.ASK`, whatever they are."""
        replies: list[object] = [None] * loss.REPLIES
        for carrier in list(self.carriers.values())[:1]:
            self.flow.spawn(restarting(functools.partial(_ask, carrier.lane.target, replies)))
            self.flow.run()
        return replies

    def count_temporary(self, here: int) -> tuple[int, int]:
        """How many temporary keys without an expiry a database of the source holds, and that of the target."""
        lane, found = self.carriers[here].lane, [0, 0]
        for at, end in enumerate((lane.source, lane.target)):
            self.flow.spawn(restarting(functools.partial(_count, end, found, at)))
        self.flow.run()
        return found[0], found[1]

    def check_targets(self) -> None:
        """Ask on each connection that writes, and Sentinels once more. Raises :class:`ServerChanged`."""
        for carrier in self.carriers.values():
            self.flow.spawn(restarting(functools.partial(self._unchanged, carrier.lane.target)))
        self.flow.run()
        for endpoint in (self._plan.source, self._plan.target):
            still_there = functools.partial(self.continuity.check_still_there, endpoint)
            patiently(still_there, self._plan.timeout, AGAIN_SECONDS)

    def _unchanged(self, end: End, _attempt: int) -> Job[None]:
        self.continuity.check(end.endpoint, (yield from end.identity()))

    def check_source(self, before: Identity) -> None:
        """Behind a restart: the source must not have lost what it held as ``before``. Raises :class:`RedisMigrationError`."""
        now = self.source.identity
        # What FLUSHDB and SWAPDB did is the will of applications, as any other command of theirs.
        by_commands = dataclasses.replace(now, replacements=before.replacements)
        known = before.replication_id is not None and now.replication_id is not None
        if not (known and before.same_process(now) and before.same_data(by_commands)):
            self.guard.changed(before, self.source)
        self.progress.held = holding_of(self.source, [here for here, _there in self.progress.pairs])

    @property
    def brought_all(self) -> bool:
        """Whether the target held nothing that this run has not brought."""
        return self._of.ours or self._ours.issuperset(self.carriers)

    @property
    def tally(self) -> Carried:
        return Carried.total([self.before, *(carrier.tally for carrier in self.carriers.values())])

    def close(self) -> None:
        self.before = self.tally
        self.carriers = {}
        if self._flow is not None:
            self._flow.close()
            self._flow = None
        self._stack.close()


def _count(end: End, found: list[int], at: int, _attempt: int) -> Job[None]:
    found[at] = yield from count_lasting(end)


def _ask(end: End, replies: list[object], _attempt: int) -> Job[None]:
    replies[:] = yield end.call(loss.ASK, loss.REPLIES)
