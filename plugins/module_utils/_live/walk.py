# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk of a logical database: every key of the source, the names of its streams, and every key of the target.

It goes on in parts, each of which is one move; between them changed names can be moved.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._migrate.progress import Plan
from .._pipeline.scan import NAMES_AT_ONCE, Scan
from .carry import Carrier
from .lanes import Lanes
from .rules import Rules

_FORWARD, _STREAMS, _BACKWARD = range(3)


@dataclasses.dataclass
class _Place:
    """Where the walk of a database stands."""

    database: int
    part: int = _FORWARD
    cursor: bytes = b"0"
    walked: tuple[int, int] = (0, 0)


class Walker:
    """Walks one database after the other, as long as the rules have one that must be walked."""

    def __init__(self, plan: Plan, lanes: Lanes, rules: Rules) -> None:
        self._plan = plan
        self._lanes = lanes
        self._rules = rules
        self._place: _Place | None = None
        self._begun: set[int] = set()
        # Keys compared by the latest walk of each database.
        self._compared: dict[int, int] = {}

    @property
    def keys_done(self) -> int:
        """Keys compared by the walks that count."""
        return sum(self._compared.get(here, 0) for here in self._rules.walked | self._rules.walking)

    def abandon(self) -> None:
        """A cursor is worth nothing at another server."""
        self._place = None

    def go_on(self, seconds: float, full: t.Callable[[], bool]) -> tuple[int, bool]:
        """A part of about ``seconds``, or until ``full()``. Returns how many keys were compared, and whether names still fit."""
        here = self._rules.unwalked[0]
        carrier = self._lanes.carriers[here]
        place = self._place
        if place is None or place.database != here or here not in self._rules.walking:
            place = self._begin(here, carrier)
        self._rules.walk_part()
        before = carrier.tally.compared
        scan = self._scan(carrier, place, time.monotonic() + seconds, full)
        carrier.lane.flow.spawn(scan.job())
        carrier.lane.flow.run()
        place.cursor, place.walked = scan.cursor, scan.walked
        fits = self._rules.moved(carrier.take_different())
        if scan.finished:
            carrier.fresh = False
            place.part, place.cursor, place.walked = place.part + 1, b"0", (0, 0)
            if place.part > _BACKWARD:
                self._rules.walk_ended(here)
                self._place = None
        compared = carrier.tally.compared - before
        self._compared[here] += compared
        return compared, fits

    def _begin(self, here: int, carrier: Carrier) -> _Place:
        self._rules.walk_begins(here)
        carrier.walk_begins()
        carrier.fresh = carrier.fresh and here not in self._begun
        self._begun.add(here)
        self._compared[here] = 0
        self._place = _Place(here)
        return self._place

    def _scan(self, carrier: Carrier, place: _Place, until: float, full: t.Callable[[], bool]) -> Scan:
        lane, selection = carrier.lane, self._plan.selection
        end, take, measured = lane.source, carrier.forward, True
        if place.part == _STREAMS:
            kinds = ("stream",) if not selection.types or "stream" in selection.types else ("none",)
            selection = dataclasses.replace(selection, types=kinds)
            take, measured = carrier.note_streams, False
        elif place.part == _BACKWARD:
            end, take, measured = lane.target, carrier.backward, False
        return Scan(
            lane.flow,
            end,
            lane.pace,
            selection,
            take,
            give_up=carrier.give_up,
            chunk_keys=carrier.chunk_keys if measured else NAMES_AT_ONCE,
            chunk_bytes=carrier.chunk_bytes if measured else 1,
            measured=measured,
            # What is slow on purpose must not have read names for minutes ahead when its part ends.
            keys_ahead=int(self._plan.max_keys_per_second / 2),
            round_trip_us=self._lanes.round_trip_us,
            cursor=place.cursor,
            walked=place.walked,
            should_stop=lambda: time.monotonic() > until or full(),
        )
