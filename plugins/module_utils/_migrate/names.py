# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before anything is written: whether two keys of the source would get one name at the target.

Where the rule alone shows that none can, nothing is asked. Else those keys are walked that may have such a rival, which is
asked for by name: memory does not grow with what the source holds.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.endpoint import Endpoint
from .._errors import RedisMigrationError
from .._keys.glob import prefix_pattern
from .._keys.name import printable
from .._keys.rename import Renaming
from .._keys.selection import Selection
from .._pipeline.chunk import Chunk
from .._pipeline.clashes import HINT, clashes
from .._pipeline.end import End
from .._pipeline.flow import Flow
from .._pipeline.halving import Work
from .._pipeline.job import Job
from .._pipeline.pace import Pace
from .._pipeline.scan import NAMES_AT_ONCE, Scan
from .._server.info import Server

# So many are found and told.
_EXAMPLES = 3


class _Plan(t.Protocol):
    @property
    def source(self) -> Endpoint: ...
    @property
    def selection(self) -> Selection: ...
    @property
    def timeout(self) -> float: ...


def check_names(plan: _Plan, server: Server, pairs: t.Sequence[tuple[int, int]], round_trip_us: float = 0) -> None:
    """Raise :class:`RedisMigrationError` where keys of the source, which is ``server``, would get one name."""
    for here, _there in pairs:
        renaming = plan.selection.renaming(here)
        if renaming is None or not renaming.suspects or here not in server.databases:
            continue
        found = _look(plan, End(plan.source, server, here), renaming, round_trip_us)
        if found:
            told = "; ".join(f"'{printable(key)}': {reason}" for key, reason in list(found.items())[:_EXAMPLES])
            raise RedisMigrationError(
                f"Keys in database {here} of the {plan.source} cannot have the names that they would get at the target, such"
                f" as {told}. Nothing was written.",
                hint=HINT,
            )


def _look(plan: _Plan, source: End, renaming: Renaming, round_trip_us: float) -> dict[bytes, str]:
    """Some of the keys that clash with another, and why."""
    found: dict[bytes, str] = {}
    chosen = plan.selection.chooser()

    def look(names: list[bytes]) -> Job[None]:
        keys = names if chosen is None else [name for name in names if chosen(name)]
        for at, reason in (yield from clashes(source, renaming, keys)).items():
            if len(found) < _EXAMPLES:
                found[keys[at]] = reason

    def take(_chunk: Chunk) -> Work:
        return lambda part: look(part.names)

    suspects = tuple(map(prefix_pattern, renaming.suspects))
    flow = Flow(plan.timeout)
    try:
        flow.add_pipe(source.pipe)
        scan = Scan(
            flow,
            source,
            Pace(round_trip_us),
            dataclasses.replace(plan.selection, match=suspects),
            take,
            chunk_keys=NAMES_AT_ONCE,
            chunk_bytes=1,
            measured=False,
            round_trip_us=round_trip_us,
            should_stop=lambda: len(found) >= _EXAMPLES,
        )
        flow.spawn(scan.job())
        flow.run()
    finally:
        flow.close()
    return found
