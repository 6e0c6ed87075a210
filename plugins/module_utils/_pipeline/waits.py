# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long other clients of the source wait while a run works on it: a client of the run's own sends TIME again and again.

The reply tells when the server came to it. The shortest way there, by which both clocks and the distance are known, is no
wait; what is above it was spent behind the commands of others, ours among them. When the reply arrived does not matter:
the run itself may have been busy by then.
"""

from __future__ import annotations

import bisect
import collections
import dataclasses
import random
import time
import typing as t

from .._connection.commands import TIME
from .end import End
from .flow import Flow
from .job import Job, Sleep, restarting
from .pipe import Call, Pipe

# Between two looks, in seconds: at least, and at most. Not always the same, so as not to march in step with somebody's load.
_PAUSE = (0.005, 0.015)

# So many looks are judged together. They are more than a second, so that one moment of an odd server is not the rule.
_JUDGED = 100

# The shortest way is that of so many looks: clocks drift, and routes change.
_REMEMBERED = 1000

# The upper ends of the classes that waits are counted in, in microseconds: 20 us to a minute, each 15 % above the one before.
_BOUNDS = tuple(20 * 1.15**step for step in range(107))


@dataclasses.dataclass
class Waits:
    """Of one run, in all its slices; plain data. ``counts``: by class, the last one for all above."""

    counts: list[int] = dataclasses.field(default_factory=list)
    longest_us: float = 0.0

    def note(self, microseconds: float) -> None:
        if not self.counts:
            self.counts = [0] * (len(_BOUNDS) + 1)
        self.counts[bisect.bisect_left(_BOUNDS, microseconds)] += 1
        self.longest_us = max(self.longest_us, microseconds)

    @classmethod
    def of_all(cls, many: t.Iterable[Waits]) -> Waits:
        """Those of several parts of a run."""
        total = cls()
        for waits in many:
            total.longest_us = max(total.longest_us, waits.longest_us)
            if waits.counts:
                total.counts = [sum(pair) for pair in zip(total.counts or [0] * len(waits.counts), waits.counts)]
        return total

    def as_dict(self) -> dict[str, t.Any]:
        """Milliseconds below which half and 99 of 100 waits stayed (to 15 %), the longest, and how many were measured."""
        looks = sum(self.counts)
        return {
            "p50": self._below(0.5),
            "p99": self._below(0.99),
            "max": round(self.longest_us / 1000, 2) if looks else None,
            "looks": looks,
        }

    def _below(self, share: float) -> float | None:
        seen, looks = 0, sum(self.counts)
        for bound, count in zip((*_BOUNDS, self.longest_us), self.counts):
            seen += count
            if count and seen >= share * looks:
                return round(min(bound, self.longest_us) / 1000, 2)
        return None


class Watch:
    """Looks at ``end`` over a connection of its own and notes in ``waits``; ``felt`` is told what is long, in microseconds."""

    def __init__(self, end: End, waits: Waits, felt: t.Callable[[float], None]) -> None:
        # To be opened as one that a run can do without.
        self.pipe = Pipe(end.endpoint, end.database, spares=end.spares)
        self._end = end
        self._felt = felt
        self._waits = waits
        self._ways: collections.deque[float] = collections.deque(maxlen=_REMEMBERED)
        self._lately: list[float] = []

    def start(self, flow: Flow) -> None:
        """Look for as long as ``flow`` has other work, where the pipe is open."""
        if self.pipe.is_open:
            flow.spawn(restarting(lambda _attempt: self._looks()), background=True)

    def _looks(self) -> Job[None]:
        while True:
            yield Sleep(random.uniform(*_PAUSE))
            sent = time.monotonic()
            (reply,) = yield Call(self.pipe, TIME, 1)
            self._end.check([reply], "TIME")
            self._note(int(reply[0]) * 1e6 + int(reply[1]) - sent * 1e6)

    def _note(self, way_us: float) -> None:
        self._ways.append(way_us)
        wait = way_us - min(self._ways)
        self._waits.note(wait)
        self._lately.append(wait)
        if len(self._lately) == _JUDGED:
            self._felt(sorted(self._lately)[-_JUDGED // 50])
            self._lately.clear()
