# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be run in parts: a migration and a comparison. How a part is made of the whole, and the sum of all parts."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import typing as t

from .._compare.diff_progress import DatabaseDiff, DiffPlan, DiffProgress
from .._compare.key_diff import KeyDiff
from .._connection.connect import client
from .._connection.endpoint import Endpoint
from .._errors import ConnectError, RedisMigrationError
from .._keys.listing import LISTED, listable
from .._keys.selection import Selection
from .._migrate.choose import Choice
from .._migrate.counters import Counters
from .._migrate.migration import Migration
from .._migrate.progress import Plan, Progress
from .._pipeline.waits import Waits
from .._server.claim import Claim
from .._server.loss import Holding, holding_of
from .combined import combined
from .names import check_all_names
from .parts import Part, Whole
from .topology import Topology

P = t.TypeVar("P", bound="Progress | DiffProgress")


class Runner(t.Protocol[P]):
    """A :class:`Migration` or a :class:`KeyDiff`."""

    progress: P

    def run(self, seconds: float | None = None) -> P: ...

    def stop(self) -> None: ...


class Ends(t.NamedTuple):
    """What a part is run with."""

    source: Endpoint
    target: Endpoint
    selection: Selection
    # Of a source that is a cluster, its other primaries.
    others: tuple[Endpoint, ...] = ()


class Kind(abc.ABC, t.Generic[P]):
    """What is run."""

    source: Endpoint
    target: Endpoint
    selection: Selection
    timeout: float
    # 0: by the cores of this machine.
    processes: int
    # Which slots of the source it is about.
    shard: bytes
    # Whether keys of the target are walked, too.
    both_sides: bool
    prunes: bool = False
    # Whether it is told that the source was written to meanwhile.
    tells_drift: bool = False
    # How many parts are run at the same time: each gets its share of the limits.
    at_once: int = 1
    # Whether keys that move into a slot of the target are told from those that the run brings there.
    watches_target: bool = True

    def check_names(self, source: Topology, numbers: t.Sequence[int]) -> None:
        """Raise :class:`RedisMigrationError` where two keys of databases ``numbers`` would get one name, if that is no finding."""

    def check_held(self, whole: Whole[P], source: Topology) -> None:
        """Raise :class:`RedisMigrationError` where the ``source`` holds so much less than it did that its keys may be lost."""

    def claimed(self, whole: Whole[P], target: Topology) -> t.ContextManager[None]:
        """Keep other runs from writing to the ``target`` meanwhile, if this one writes."""
        return contextlib.nullcontext()

    @abc.abstractmethod
    def runner(self, whole: Whole[P], part: Part[P], ends: Ends) -> Runner[P]:
        """What runs ``part``, or goes on with it."""

    @abc.abstractmethod
    def given_up(self, whole: Whole[P], part: Part[P]) -> None:
        """Note what a part did that does not count, as its keys are looked at again."""

    @abc.abstractmethod
    def total(self, whole: Whole[P]) -> P:
        """The progress of all parts together."""


class MigrationInParts(Kind[Progress]):
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.source, self.target, self.selection = plan.source, plan.target, plan.selection
        self.timeout = plan.timeout
        self.processes, self.shard = plan.processes, plan.shard
        self.both_sides = self.prunes = plan.prune
        self.watches_target = False
        self.tells_drift = True

    def check_names(self, source: Topology, numbers: t.Sequence[int]) -> None:
        places = self.selection.database_map
        pairs = [(number, places.get(number, number)) for number in numbers]
        check_all_names(source, self.selection, pairs, timeout=self.timeout)

    def check_held(self, whole: Whole[Progress], source: Topology) -> None:
        if not self.prunes:
            return
        server = combined([primary.server for primary in source.primaries])
        now = holding_of(server, whole.databases or ())
        if whole.held is None:
            whole.held = dataclasses.asdict(now)
            return
        held = Holding(
            tuple((number, keys, expires) for number, keys, expires in whole.held["databases"]), whole.held["expired"]
        )
        expired = max(0, now.expired - held.expired)
        if held.lost_too_much(now, expired, self.plan.prune_limit):
            raise RedisMigrationError(
                f"The {self.source} held {held.keys} keys when the run began, and holds {now.keys} now: a primary of it may have"
                " lost its data. Nothing was pruned for that: prune would delete from the target what it lost.",
                hint="Check what happened there. If it is meant, run again: the next run begins with what the source holds then;"
                f" or raise 'prune_limit' (now {self.plan.prune_limit:g}; 1 is no limit).",
            )

    @contextlib.contextmanager
    def claimed(self, whole: Whole[Progress], target: Topology) -> t.Iterator[None]:
        """A part claims its own primary. Between parts, and at all others, no other run may begin either."""
        places = self.selection.database_map
        numbers = {places.get(number, number) for number in whole.databases or ()}
        with contextlib.ExitStack() as stack:
            for primary in () if self.plan.check_mode else target.primaries:
                node = target.node(primary)
                claim = Claim(node, numbers, whole.run, self.shard)
                # The part that needs one that is away waits for it, and claims it then.
                with contextlib.suppress(ConnectError):
                    claim.check(stack.enter_context(client(node, name=claim.name)))
            yield

    def runner(self, whole: Whole[Progress], part: Part[Progress], ends: Ends) -> Migration:
        taken = frozenset(whole.taken.get(part.target, [])) if part.first and part.target in whole.taken else None
        plan = dataclasses.replace(
            self.plan,
            **ends._asdict(),
            taken=taken,
            max_keys_per_second=self.plan.max_keys_per_second / self.at_once,
            max_bytes_per_second=self.plan.max_bytes_per_second / self.at_once,
        )
        return Migration(plan, part.progress or Progress(run=whole.run))

    def given_up(self, whole: Whole[Progress], part: Part[Progress]) -> None:
        if part.progress is None or self.plan.check_mode:
            return
        for tallies in (part.progress.counters, part.progress.moved_before):
            for here, counters in tallies.items():
                known = Counters(**whole.given_up.get(here, {}))
                known.add(counters)
                whole.given_up[here] = known.as_dict()

    def total(self, whole: Whole[Progress]) -> Progress:
        parts = [part.progress for part in whole.begun if part.progress is not None]
        last = parts[-1] if parts else Progress()
        total = Progress(
            run=whole.run,
            choice=_choice([part.choice for part in parts if part.choice]),
            pairs=sorted({pair for part in parts for pair in part.pairs}),
            pruning=last.pruning,
            clocks=_clocks([part.clocks for part in parts]),
            met=last.met,
            blind=next((part.blind for part in parts if part.blind), None),
            eviction_data=last.eviction_data,
            eviction_obstacle=next((part.eviction_obstacle for part in parts if part.eviction_obstacle), None),
            restarts=sum(part.restarts for part in parts),
            reconnects=sum(part.reconnects for part in parts),
            held=_held([part.held for part in parts if part.held]),
            lost=sum(part.lost for part in parts),
            source_writes=whole.source_writes,
            drift=whole.drift,
            in_doubt=sum(part.in_doubt for part in parts),
            elapsed=whole.elapsed,
            samples=_samples(whole.begun),
            waits=Waits.of_all(part.waits for part in parts),
            parts=[
                part.told(part.progress.elapsed, part.progress.finished, part.progress.totals.as_dict())
                for part in whole.begun
                if part.progress is not None
            ],
            finished=whole.finished,
        )
        for part in parts:
            for here, counters in part.counters.items():
                total.counters.setdefault(here, Counters()).add(counters)
            total.failures.extend(listable(total.failures, part.failures, LISTED))
            total.changes.extend(part.changes[: max(0, LISTED - len(total.changes))])
        for here, moved in whole.given_up.items():
            if whole.finished and here in total.counters:
                total.counters[here].keep_moved(Counters(**moved))
        return total


class ComparisonInParts(Kind[DiffProgress]):
    def __init__(self, plan: DiffPlan) -> None:
        self.plan = plan
        self.source, self.target, self.selection = plan.source, plan.target, plan.selection
        self.timeout = plan.timeout
        self.processes, self.shard = plan.processes, plan.shard
        self.both_sides = True

    def runner(self, whole: Whole[DiffProgress], part: Part[DiffProgress], ends: Ends) -> KeyDiff:
        return KeyDiff(dataclasses.replace(self.plan, **ends._asdict()), part.progress or DiffProgress())

    def given_up(self, whole: Whole[DiffProgress], part: Part[DiffProgress]) -> None:
        # Its differences may be none of the keys that are compared again.
        part.progress = None

    def total(self, whole: Whole[DiffProgress]) -> DiffProgress:
        parts = [part.progress for part in whole.begun if part.progress is not None]
        last = parts[-1] if parts else DiffProgress()
        total = DiffProgress(
            pairs=sorted({pair for part in parts for pair in part.pairs or []}),
            reverse=last.reverse,
            again=last.again,
            clocks=_clocks([part.clocks for part in parts]),
            met=last.met,
            restarts=sum(part.restarts for part in parts),
            elapsed=whole.elapsed,
            samples=_samples(whole.begun),
            waits=Waits.of_all(part.waits for part in parts),
            parts=[
                part.told(part.progress.elapsed, part.progress.finished, dataclasses.asdict(part.progress.totals))
                for part in whole.begun
                if part.progress is not None
            ],
            finished=whole.finished,
        )
        for part in parts:
            for here, counts in part.databases.items():
                total.databases.setdefault(here, DatabaseDiff()).add(counts)
            most = self.plan.max_differences
            total.differences.extend(listable(total.differences, part.differences, most))
        return total


def _choice(choices: t.Sequence[Choice]) -> Choice | None:
    """One for all: of several strategies the first, with every reason."""
    if not choices:
        return None
    if len({choice.strategy for choice in choices}) == 1:
        return choices[0]
    reasons = dict.fromkeys(f"{choice.strategy}: {choice.reason}" for choice in choices)
    return Choice(choices[0].strategy, f"for some nodes {'; for others '.join(reasons)}")


def _clocks(all_clocks: t.Sequence[dict[str, float] | None]) -> dict[str, float] | None:
    """Those that are furthest apart."""
    known = [clocks for clocks in all_clocks if clocks]
    return max(known, key=lambda clocks: abs(clocks.get("apart_ms", 0.0)), default=None)


def _held(holdings: t.Sequence[Holding]) -> Holding | None:
    if not holdings:
        return None
    together: dict[int, tuple[int, int]] = {}
    for holding in holdings:
        for number, keys, expires in holding.databases:
            known = together.get(number, (0, 0))
            together[number] = (known[0] + keys, known[1] + expires)
    expired = sum(holding.expired for holding in holdings)
    return Holding(tuple((number, *counts) for number, counts in sorted(together.items())), expired)


def _samples(parts: t.Sequence[Part[P]]) -> list[list[float]]:
    """Those of all parts together: at each moment what all have done by then."""
    moments: list[tuple[float, int, int, int, float]] = []
    for index, part in enumerate(parts):
        if part.progress is None:
            continue
        moments += [
            (part.began + seconds, index, int(keys), int(size), busy_ms)
            for seconds, keys, size, busy_ms in part.progress.samples
        ]
        moments.append((part.began + part.progress.elapsed, index, *part.progress.counted(), 0.0))
    by_part: dict[int, tuple[int, int]] = {}
    keys = size = 0
    points = []
    for at, index, its_keys, its_size, busy_ms in sorted(moments):
        before = by_part.get(index, (0, 0))
        by_part[index] = (its_keys, its_size)
        keys, size = keys + its_keys - before[0], size + its_size - before[1]
        points.append([round(at, 2), keys, size, busy_ms])
    return points
