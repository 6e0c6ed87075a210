# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys of the target the source has too, and which not: by walking the target's names, for a bounded time."""

from __future__ import annotations

import dataclasses
import functools
import time
import typing as t

from .._connection.endpoint import Endpoint
from .._keys.name import printable
from .._keys.selection import Selection
from .._pipeline.absence import absent, unknown
from .._pipeline.chunk import Chunk
from .._pipeline.elsewhere import everywhere, others_for, watched
from .._pipeline.end import End
from .._pipeline.flow import Flow
from .._pipeline.halving import Work
from .._pipeline.job import Job
from .._pipeline.pace import Pace
from .._pipeline.scan import NAMES_AT_ONCE, Scan
from .._server.info import Server

_EXAMPLES = 5


@dataclasses.dataclass
class NamesFound:
    """Keys of the target that the run concerns: how many were looked at, and how many of them the source lacks."""

    looked: int = 0
    extra: int = 0
    examples: list[str] = dataclasses.field(default_factory=list)
    complete: bool = True
    # By number at the target: keys that both have.
    common: dict[int, int] = dataclasses.field(default_factory=dict)

    @property
    def both(self) -> int:
        return self.looked - self.extra

    def add(self, other: NamesFound) -> None:
        """Count what was found of other keys, too."""
        self.looked += other.looked
        self.extra += other.extra
        self.examples += other.examples[: max(0, _EXAMPLES - len(self.examples))]
        self.complete = self.complete and other.complete
        for number, keys in other.common.items():
            self.common[number] = self.common.get(number, 0) + keys


def compare_names(
    source: tuple[Endpoint, Server],
    target: tuple[Endpoint, Server],
    pairs: t.Sequence[tuple[int, int]],
    selection: Selection,
    *,
    seconds: float,
    round_trip_ms: float,
    others: t.Sequence[Endpoint] = (),
) -> NamesFound:
    """Look at the target's keys in every pair of databases, for about ``seconds`` at most.

    ``others``: of a source that is a primary of a cluster, its other primaries.
    """
    found = NamesFound()
    deadline = time.monotonic() + seconds
    for here, there in pairs:
        if target[1].databases.get(there) is None:
            continue
        if time.monotonic() >= deadline:
            found.complete = False
            break
        renaming = selection.renaming(here)
        here_end = End(*source, here, others=others_for(renaming, others))
        there_end = End(*target, there, renaming=renaming)
        flow = Flow(target[0].timeout, on_open=watched(here_end))
        try:
            flow.add_pipes(*here_end.pipes(compares=False), *there_end.pipes(compares=False))
            scan = Scan(
                flow,
                there_end,
                Pace(round_trip_ms * 1000),
                selection,
                _counting(found, here_end, there_end),
                chunk_keys=NAMES_AT_ONCE,
                chunk_bytes=1,
                measured=False,
                round_trip_us=round_trip_ms * 1000,
                should_stop=lambda: time.monotonic() >= deadline,
            )
            flow.spawn(scan.job())
            flow.run()
        finally:
            flow.close()
        found.complete = found.complete and scan.finished
    return found


def _counting(found: NamesFound, source: End, target: End) -> t.Callable[[Chunk], Work]:
    def count(names: list[bytes]) -> Job[None]:
        there = target.database
        extra = yield from unknown(target, names, functools.partial(everywhere, source, ask=absent))
        found.looked += len(names)
        found.extra += len(extra)
        found.common[there] = found.common.get(there, 0) + len(names) - len(extra)
        room = max(0, _EXAMPLES - len(found.examples))
        found.examples += [f"'{printable(name)}' in database {there}" for name in extra[:room]]

    return lambda _chunk: lambda part: count(part.names)
