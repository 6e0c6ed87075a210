# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over clusters, round by round: keys are handed out in parts, by their slots; those whose slots moved meanwhile come
again in the next one.

A part counts only if the same primaries served all of its slots from its beginning to its end, none of which was being
moved. Until the run ends, no primary that a part met may have been replaced or restarted since: what was seen there would
say nothing of what is there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from .._connection.address import joined
from .._connection.identity import Identity
from .._errors import ClusterChanged, RedisMigrationError
from .._keys.region import Region
from .._keys.selection import Selection
from .._keys.slots import ALL_SLOTS, both, either, without
from .._server import activity
from .both_ends import BothEnds
from .crew import Crew, Outcome, by_cores
from .kinds import Ends, Kind, P, Runner
from .numbers import check_prune, numbers_of
from .parts import Part, Whole
from .topology import ALONE, Primary, Topology, between

# After so many rounds a cluster changes too much to be followed.
_ROUNDS = 30


class Rounds(t.Generic[P]):
    """Runs ``kind`` in parts. ``whole`` is what an earlier slice has done."""

    def __init__(self, kind: Kind[P], whole: Whole[P] | None = None) -> None:
        self._kind = kind
        self.whole: Whole[P] = whole or Whole(pending=[Region(kind.shard, ALL_SLOTS).as_text()])
        self._deadline: float | None = None
        # When this slice began, and how long the run had taken by then.
        self._started, self._before = time.monotonic(), 0.0
        self._ends = BothEnds(kind.source, kind.target, kind.timeout, self.whole.nodes)

    @property
    def progress(self) -> P:
        """Of all parts together."""
        return self._kind.total(self.whole)

    def run(self, seconds: float | None = None) -> P:
        """Go on for about ``seconds`` (to the end, if None). Raises :class:`RedisMigrationError`."""
        whole = self.whole
        self._started, self._before = time.monotonic(), whole.elapsed
        self._deadline = self._started + seconds if seconds else None
        try:
            self._ends.look()
            while not whole.finished:
                if not whole.at_hand and not whole.queue and not self._next_round():
                    break
                if whole.at_hand or whole.queue:
                    with self._kind.claimed(whole, self._ends.target):
                        self._go_on()
                if self._out_of_time():
                    break
        finally:
            whole.elapsed = self._elapsed
        return self.progress

    @property
    def _elapsed(self) -> float:
        """Seconds of the whole run until now."""
        return self._before + time.monotonic() - self._started

    @property
    def _renamed(self) -> bool:
        return self._kind.selection.renames

    def _out_of_time(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _so_far(self) -> str:
        whole = self.whole
        left = [*whole.left(renamed=self._renamed), *(part.region for part in [*whole.queue, *whole.at_hand])]
        sides = [[region.source for region in left], [region.target for region in left]]
        source, target = [without(ALL_SLOTS, either(*side)) for side in sides]
        # Of one end all slots may be left, as where that is a single server.
        done = Region(source, ALL_SLOTS) if 1 in source else Region(ALL_SLOTS, target)
        return "" if done.is_empty else f" Done until then: {done}."

    # -- rounds -------------------------------------------------------------------------------------------------

    def _next_round(self) -> bool:
        """Hand out the keys that are pending, or end the run. False where the slice is over before."""
        whole = self.whole
        if not self._ends.settled(self._out_of_time, self._so_far):
            return False
        self._take_back()
        pending = whole.left(renamed=self._renamed)
        if not pending:
            self._end()
            whole.finished = True
            return True
        whole.rounds += 1
        if whole.rounds > _ROUNDS:
            raise RedisMigrationError(
                f"The cluster changed too often during the run ({_ROUNDS} times): {'; '.join(map(str, pending))} of it are"
                " left.",
                hint="Run again when no slots are moved there and no primary fails over.",
            )
        first = whole.databases is None
        if first and not self._begin():
            return True
        for region in pending:
            for here, there, some in between(region, self._ends.source, self._ends.target, renamed=self._renamed):
                marks, places = (here.mark, there.mark), (joined(*here.place), joined(*there.place))
                whole.queue.append(Part(some.as_text(), here.id, there.id, marks, places, first))
        whole.pending = []
        return True

    def _begin(self) -> bool:
        """What is checked once, of both ends as a whole. False where they changed meanwhile."""
        kind, whole = self._kind, self.whole
        numbers = numbers_of(kind.selection, self._ends.source, self._ends.target, include_target=kind.both_sides)
        if kind.prunes:
            check_prune(self._ends.source, self._ends.target)
        if self._renamed and not self._names_checked(numbers):
            return False
        whole.databases = numbers
        kind.check_held(whole, self._ends.source)
        if kind.tells_drift:
            for primary in self._ends.source.primaries:
                began, _identity = activity.read_activity(self._ends.source.node(primary))
                if began:
                    whole.activity[primary.id] = dataclasses.asdict(began)
        whole.taken = {primary.id: sorted(primary.server.databases) for primary in self._ends.target.primaries}
        return True

    def _names_checked(self, numbers: t.Sequence[int]) -> bool:
        """Look at the names of all keys before anything is written. False where a key moved meanwhile: it may have been missed."""
        marks = [primary.mark for primary in self._ends.source.primaries]
        try:
            self._kind.check_names(self._ends.source, numbers)
        except ClusterChanged:
            return False
        self._ends.look()
        return [primary.mark for primary in self._ends.source.primaries] == marks

    def _end(self) -> None:
        """Compare what the source's primaries have counted with what they had when the run began."""
        whole = self.whole
        drifts = []
        for primary in self._ends.source.primaries if self._kind.tells_drift else ():
            before = whole.activity.get(primary.id)
            now, _identity = activity.read_activity(self._ends.source.node(primary))
            drifts.append(activity.between(activity.Activity(**before) if before else None, now))
        writes = [drift.writes for drift in drifts if drift.writes is not None]
        whole.source_writes = sum(writes) if writes and len(writes) == len(drifts) else None
        whole.drift = any(drift.changed for drift in drifts)

    def _take_back(self) -> None:
        """Parts whose primaries are not there any more as they were: their keys are looked at again."""
        whole = self.whole
        for part in list(whole.done):
            if not (self._same(part, "source") and self._same(part, "target")):
                whole.done.remove(part)
                self._give_up(part)

    def _same(self, part: Part[P], role: str) -> bool:
        """Whether the primary that a part met last is there, with the data that it had."""
        topology, met = (self._ends.source if role == "source" else self._ends.target), self._met(part, role)
        if met is None:
            return True
        return any(
            met.same_process(primary.server.identity) and met.same_data(primary.server.identity)
            for primary in topology.primaries
        )

    @staticmethod
    def _met(part: Part[P], role: str) -> Identity | None:
        found = (part.progress.met if part.progress else {}).get(role)
        return Identity(**found[-1]) if found else None

    # -- parts --------------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Run parts, as many at once as there are processes, until all that were handed out, or the slice, is over."""
        whole = self.whole
        at_once = min(self._processes, len(whole.at_hand) + len(whole.queue))
        self._kind.at_once = at_once
        crew: Crew[P] = Crew(at_once)
        begun = list(whole.at_hand)
        running: dict[int, Part[P]] = {}
        # However short a slice is, it comes further.
        any_started = False
        try:
            while True:
                while crew.has_room:
                    if any_started and not begun and self._out_of_time():
                        break
                    part = begun.pop(0) if begun else self._take(list(running.values()))
                    if part is None:
                        break
                    any_started = True
                    running[id(part)] = part
                    crew.start(id(part), self._runner(part), self._time_left)
                if crew.is_idle:
                    return
                name, outcome = crew.wait()
                self._settle(running.pop(name), outcome)
        except RedisMigrationError:
            for name, outcome in crew.stop():
                running[name].progress = outcome.progress
            raise
        finally:
            crew.kill()

    @property
    def _processes(self) -> int:
        """How many there may be: more than an end has primaries would only wait for each other."""
        widest = max(len(self._ends.source.primaries), len(self._ends.target.primaries))
        return min(self._kind.processes or by_cores(), widest)

    @property
    def _time_left(self) -> float | None:
        return None if self._deadline is None else max(0.01, self._deadline - time.monotonic())

    def _take(self, running: t.Sequence[Part[P]]) -> Part[P] | None:
        """The next part of the queue, rather one at whose primaries none of those ``running`` works."""
        whole = self.whole
        while whole.queue:
            busy = [(one.source, one.target) for one in running]
            part = min(
                whole.queue,
                key=lambda one: sum((one.source == source) + (one.target == target) for source, target in busy),
            )
            whole.queue.remove(part)
            part.began = self._elapsed
            # Another part may have taken long.
            if self._as_planned(part):
                whole.at_hand.append(part)
                return part
            self._give_up(part)
        return None

    def _runner(self, part: Part[P]) -> Runner[P]:
        self._kind.check_held(self.whole, self._ends.source)
        region = part.region
        ends = Ends(
            self._ends.source.part(region.source),
            self._ends.target.part(region.target),
            self._selection(region),
            self._ends.source.others(region.source),
        )
        runner = self._kind.runner(self.whole, part, ends)
        part.progress = runner.progress
        return runner

    def _settle(self, part: Part[P], outcome: Outcome[P]) -> None:
        """What comes of a part that ran until it, or the slice, was over. Raises the error that ended it, if it says something."""
        whole = self.whole
        part.progress = outcome.progress
        if outcome.error is None and not outcome.progress.finished:
            return
        if outcome.error is not None:
            if not isinstance(outcome.error, ClusterChanged) and not self._changed(part):
                raise outcome.error
        else:
            self._ends.look()
            if self._counts(part):
                whole.at_hand.remove(part)
                whole.done.append(part)
                return
        whole.at_hand.remove(part)
        self._give_up(part)

    def _selection(self, region: Region) -> Selection:
        return self._kind.selection.part(self.whole.databases or [0], region)

    def _give_up(self, part: Part[P]) -> None:
        self._kind.given_up(self.whole, part)
        self.whole.pending.append(part.slots)

    def _sides(self, part: Part[P]) -> tuple[tuple[Topology, str, bytes], ...]:
        """Of either end: what it looks like, and which node of it serves which slots for the part."""
        region = part.region
        return (self._ends.source, part.source, region.source), (self._ends.target, part.target, region.target)

    def _as_planned(self, part: Part[P]) -> bool:
        """Whether the primaries are those that the part was planned with, and none of its slots is being moved."""
        for topology, node, slots in self._sides(part):
            if [primary.id for primary in topology.serving(slots)] != [node] or 1 in both(slots, topology.opened):
                return False
        return True

    def _changed(self, part: Part[P]) -> bool:
        """Behind an error: whether the cluster changed, so that it says nothing. What cannot be asked did not."""
        with contextlib.suppress(RedisMigrationError):
            self._ends.look_once()
            return not self._as_planned(part)
        return False

    def _counts(self, part: Part[P]) -> bool:
        """Whether a part that ended well has seen all keys of its slots."""
        for side, (topology, node, slots) in enumerate(self._sides(part)):
            serving = topology.serving(slots)
            if len(serving) != 1 or 1 in both(slots, topology.opened) or both(serving[0].slots, slots) != slots:
                return False
            # One that took the place of another has been looked at from the beginning by the part itself.
            if node != ALONE and serving[0].id == node and not self._unmoved(serving[0], part.marks[side], side):
                return False
        return self._same(part, "source") and self._same(part, "target")

    def _unmoved(self, primary: Primary, mark: str, side: int) -> bool:
        """Whether no slot, and no key of one, has moved there since it had this ``mark``."""
        if side and not self._kind.watches_target:
            return primary.mark.split(" ")[0] == mark.split(" ")[0]
        return primary.mark == mark
