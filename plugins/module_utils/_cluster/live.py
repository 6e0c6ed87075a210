# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live run of which an end, or both, is a cluster: a run for each pair of primaries that serve the same slots.

What each of them knows is worth something only as long as its primaries serve its slots. So the run looks again and again at
who serves what. Where that is another one, or slots are open, or moved away and back in between, it lets go of all, waits until
nothing changes, and compares everything anew. Both ends are proved equal only if that was so from the beginning of the last
comparison until all parts were drained.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import functools
import math
import time
import typing as t

from .._errors import ClusterChanged, RedisMigrationError
from .._keys.listing import Failure
from .._keys.region import Region
from .._keys.slots import NO_SLOTS, both, either, without
from .._live.carry import Carried
from .._live.follow import MOST_NAME_BYTES, Follower
from .._live.lanes import PartOf
from .._live.result import Lag, LiveResult, Status, done_as_dict
from .._migrate.progress import Plan
from .live_loss import Losses
from .live_result import Part, difference, status_of, together
from .numbers import check_prune, numbers_of
from .rest import PAUSE, Rest
from .settling import Settling
from .topology import Primary, Topology

# Between looks at who serves what, in seconds.
_LOOK_SECONDS = 1.0

# Where a look takes long, so much of the time goes by before the next one.
_LOOK_SHARE = 10

# So often the clusters may change before everything was compared once.
_RESTARTS = 30

# A point of the lag is kept each second, and so many of them.
_MOST_POINTS = 2000


class ClusterFollower:
    """Runs ``plan``, as a :class:`Follower` does between servers."""

    def __init__(self, plan: Plan, still_wanted: t.Callable[[], bool]) -> None:
        self._plan = plan
        self._wanted = still_wanted
        self._of = PartOf()
        self._source, self._target = Settling(plan.source, plan.timeout), Settling(plan.target, plan.timeout)
        # As they were when the parts were opened; None while they change.
        self._ends: tuple[Topology, Topology] | None = None
        self._parts: list[Part] = []
        # Slots of which the target held nothing that this run has not brought.
        self._ours: bytes | None = None
        # What the parts before the last change did.
        self._before = Carried()
        self._counted = dict.fromkeys(("feeds", "restarts", "overflows", "evictions"), 0)
        self._losses = Losses(plan)
        self._in_a_row = 0
        self._looked = 0.0
        self._look_seconds = _LOOK_SECONDS
        self._rest = Rest(plan.timeout, trusting=False)
        self._began = time.monotonic()
        self._last: Status | None = None
        self._lag: list[Lag] = []

    @property
    def feeds(self) -> int:
        return self._counted["feeds"] + sum(part.follower.feeds for part in self._parts)

    @property
    def restarts(self) -> int:
        return self._counted["restarts"] + sum(part.follower.restarts for part in self._parts)

    @property
    def overflows(self) -> int:
        return self._counted["overflows"] + sum(part.follower.overflows for part in self._parts)

    @property
    def evictions(self) -> int:
        return self._counted["evictions"] + sum(part.follower.evictions for part in self._parts)

    # -- the run ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Connect to all primaries and open the feeds. Raises :class:`RedisMigrationError`."""
        if self._plan.selection.renames:
            raise RedisMigrationError(
                "Keys cannot get other names (rename, database_prefix) in a live run where an end is a Redis Cluster.",
                hint="Move them with the names that they have, or while applications stand still.",
            )
        source, target = self._source.settled(), self._target.settled()
        if self._plan.prune:
            check_prune(source, target)
        self._open(source, target)

    def step(self, seconds: float = 1.0) -> Status:
        """Do what is next, for about ``seconds``. Raises :class:`RedisMigrationError`."""
        if self._ends is None:
            self._begin_anew()
        elif time.monotonic() - self._looked > self._look_seconds and not self._as_before():
            self._let_go()
        else:
            try:
                for part in self._parts:
                    part.follower.step(seconds / len(self._parts))
            except RedisMigrationError as exc:
                self._let_go_or_raise(exc)
        status = self.status
        if status.walked:
            self._in_a_row = 0
        self._note_lag(status)
        return status

    def drain(self, seconds: float = 60.0) -> LiveResult:
        """As :meth:`Follower.drain`, of all parts side by side. Raises :class:`RedisMigrationError`."""
        begin = time.monotonic()
        deadline = begin + seconds
        compared_all = False
        reason = "The clusters did not come to rest in time: slots were moved, or a primary failed over."
        results: list[LiveResult] = []
        while time.monotonic() < deadline:
            if self._ends is None:
                self._begin_anew()
                continue
            results = []
            try:
                results = self._drained(deadline - time.monotonic())
                unproved = next((one.reason for one in results if one.reason), None)
                wrote = unproved is None and any(part.follower.wrote() for part in self._parts)
            except RedisMigrationError as exc:
                self._let_go_or_raise(exc)
                continue
            # Behind all other questions.
            if not self._as_before():
                self._let_go()
                continue
            if unproved or wrote:
                reason = (
                    unproved or "Commands that write ran at the source during the drain: something still writes to it."
                )
                break
            found = difference(self._plan.selection, self._parts)
            if found is None:
                reason = ""
                break
            reason = found
            if compared_all:
                break
            compared_all = True
            for part in self._parts:
                part.follower.compare_all()
        result = together(self._parts, results, self._before, reason or None)
        return dataclasses.replace(
            result,
            lag=list(self._lag),
            drain_seconds=time.monotonic() - begin,
            feeds=self.feeds,
            restarts=self.restarts,
        )

    def _drained(self, seconds: float) -> list[LiveResult]:
        """Side by side, as applications stand still meanwhile."""
        with concurrent.futures.ThreadPoolExecutor(len(self._parts)) as threads:
            running = [threads.submit(part.follower.drain, seconds) for part in self._parts]
        # All have ended; the first error, if there is one.
        return [one.result() for one in running]

    def close(self) -> None:
        self._before = self._tally
        for part in self._parts:
            part.follower.close()
        self._parts = []

    # -- what is said -------------------------------------------------------------------------------------------

    @property
    def status(self) -> Status:
        status = status_of(self._parts) if self._parts else self._last
        self._last = status or Status(False, 0, 0, 0, 0.0, 0.0, 0.0)
        if self._ends is None:
            self._last = dataclasses.replace(self._last, walked=False, keys_done=0)
        return self._last

    @property
    def done(self) -> dict[str, t.Any]:
        """What was done so far, as a module returns it of a run that failed."""
        failures: list[Failure] = [
            failure
            for part in self._parts
            for carrier in part.follower.lanes.carriers.values()
            for failure in carrier.failures.values()
        ]
        return done_as_dict(self._tally, failures)

    @property
    def _tally(self) -> Carried:
        return Carried.total([self._before, *(part.follower.lanes.tally for part in self._parts)])

    def _note_lag(self, status: Status) -> None:
        at = time.monotonic() - self._began
        if not self._lag or at - self._lag[-1].at >= 1:
            self._lag.append(Lag(at, status.lag_keys, status.lag_seconds))
            if len(self._lag) > _MOST_POINTS:
                self._lag = self._lag[::2]

    # -- clusters that change -----------------------------------------------------------------------------------

    def _as_before(self) -> bool:
        """Whether the primaries serve what they did when the parts were opened, and no slot has moved in between."""
        if self._ends is None:
            return False
        begin = time.monotonic()
        now = (self._source.look(), self._target.look())
        self._looked = time.monotonic()
        self._look_seconds = max(_LOOK_SECONDS, _LOOK_SHARE * (self._looked - begin))
        return _mark(*now) == _mark(*self._ends) and not (now[0].trouble or now[1].trouble)

    def _let_go_or_raise(self, error: RedisMigrationError) -> None:
        """Behind an error: if the clusters changed, it says nothing of them."""
        if not isinstance(error, ClusterChanged) and self._as_before():
            raise error
        self._let_go()

    def _let_go(self) -> None:
        """Of all parts, until the clusters have come to rest."""
        if self._ends:
            self._losses.remember(self._ends[0], self._parts)
        self._counted = {
            "feeds": self.feeds,
            "restarts": self.restarts + 1,
            "overflows": self.overflows,
            "evictions": self.evictions,
        }
        self.close()
        self._ends = None
        self._rest.begin()
        self._in_a_row += 1
        if self._in_a_row > _RESTARTS:
            raise RedisMigrationError(
                f"The clusters changed {self._in_a_row} times before everything was compared once (slots moved, or a primary"
                " failed over).",
                hint="Run again when no slots are moved there and no primary fails over.",
            )

    def _begin_anew(self) -> None:
        """Open the parts again once nothing changes; else wait a moment, and look again when it is asked for."""
        source, target = self._source.look(), self._target.look()
        mark = _mark(source, target)
        if not self._rest.reached(mark, source.trouble or target.trouble):
            time.sleep(PAUSE)
            return
        self._losses.check(source)
        try:
            self._open(source, target)
        except RedisMigrationError as exc:
            if not isinstance(exc, ClusterChanged) and _mark(self._source.look(), self._target.look()) == mark:
                raise
            self._let_go()

    def _open(self, source: Topology, target: Topology) -> None:
        """A run for each pair of primaries. Raises :class:`RedisMigrationError`."""
        plan = self._plan
        numbers = tuple(numbers_of(plan.selection, source, target, include_target=True))
        pairs = [
            (here, there, slots)
            for here in source.primaries
            for there in target.primaries
            if 1 in (slots := both(here.slots, there.slots))
        ]
        share = functools.partial(_share, parts=len(pairs))
        try:
            for here, there, slots in pairs:
                part = dataclasses.replace(
                    plan,
                    source=source.part(slots),
                    target=target.part(slots),
                    selection=plan.selection.part(numbers, Region(slots, slots)),
                    max_keys_per_second=share(plan.max_keys_per_second),
                    max_bytes_per_second=share(plan.max_bytes_per_second),
                )
                ours = self._ours is not None and 1 not in without(slots, self._ours)
                follower = Follower(
                    part,
                    most_bytes=MOST_NAME_BYTES // len(pairs),
                    still_wanted=self._wanted,
                    of=dataclasses.replace(self._of, ours=ours),
                )
                self._parts.append(Part(here, there, slots, follower))
                follower.open()
        except BaseException:
            self.close()
            raise
        if self._ours is None:
            self._ours = either(NO_SLOTS, *(part.slots for part in self._parts if part.follower.lanes.brought_all))
        self._ends = (source, target)
        self._looked = time.monotonic()


def _share(limit: float, parts: int) -> int:
    """Of a limit for all parts; 0 is none."""
    return math.ceil(limit / parts)


def _mark(source: Topology, target: Topology) -> tuple[t.Any, ...]:
    """What is another one where slots, or keys of one, have moved. To the target, keys of this run come the same way."""
    return (
        tuple((one.id, one.slots, one.opened, one.mark) for one in source.primaries),
        tuple((one.id, one.slots, one.opened, _epoch(one)) for one in target.primaries),
    )


def _epoch(primary: Primary) -> str:
    return primary.mark.partition(" ")[0]
