# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before anything is written: whether two keys of the source would get one name at the target.

Where the rule alone shows that none can, nothing is asked. Else those keys are walked that may have such a rival, which is
asked for by name: memory does not grow with what the source holds.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._connection.endpoint import Endpoint
from .._errors import RedisMigrationError
from .._keys.glob import prefix_pattern
from .._keys.name import printable
from .._keys.rename import Renaming
from .._keys.selection import Selection
from .._pipeline.chunk import Chunk
from .._pipeline.clashes import HINT, clashes
from .._pipeline.elsewhere import others_for, watched
from .._pipeline.end import End
from .._pipeline.flow import Flow
from .._pipeline.halving import Work
from .._pipeline.job import Job
from .._pipeline.pace import Pace
from .._pipeline.scan import NAMES_AT_ONCE, Scan
from .._server.info import Server

# So many are found and told.
_EXAMPLES = 3


def check_names(
    source: Endpoint,
    server: Server,
    selection: Selection,
    pairs: t.Sequence[tuple[int, int]],
    *,
    seconds: float | None = None,
    round_trip_us: float = 0,
    timeout: float | None = None,
    others: t.Sequence[Endpoint] = (),
) -> bool:
    """Whether all could be looked at, in about ``seconds`` if they are given. ``timeout``: for lost connections.
    ``others``: of a source that is a primary of a cluster, its other primaries.

    Raises :class:`RedisMigrationError` where keys of the source, which is ``server``, would get one name.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    complete = True
    for here, _there in pairs:
        renaming = selection.renaming(here)
        look = _Look(selection, renaming, End(source, server, here, others=others_for(renaming, others)), deadline)
        if look.suspects and here in server.databases:
            complete = look.run(source.timeout if timeout is None else timeout, round_trip_us) and complete
        if look.found:
            told = "; ".join(f"'{printable(key)}': {reason}" for key, reason in look.found.items())
            raise RedisMigrationError(
                f"Keys in database {here} of the {source} cannot have the names that they would get at the target, such as"
                f" {told}. Nothing was written.",
                hint=HINT,
            )
    return complete


class _Look:
    """Looks for keys of one database that clash with others; ``found``: some of them, and why."""

    def __init__(self, selection: Selection, renaming: Renaming | None, source: End, deadline: float | None) -> None:
        self._selection = selection
        self._source = source
        self._deadline = deadline
        self._chosen = selection.chooser()
        self._renaming = renaming
        self.suspects = [] if renaming is None else renaming.suspects
        self.found: dict[bytes, str] = {}

    def run(self, timeout: float, round_trip_us: float) -> bool:
        """Whether it came to its end."""
        patterns = tuple(map(prefix_pattern, self.suspects))
        flow = Flow(timeout, on_open=watched(self._source))
        try:
            flow.add_pipes(*self._source.pipes(compares=False))
            scan = Scan(
                flow,
                self._source,
                Pace(round_trip_us),
                dataclasses.replace(self._selection, match=patterns),
                self._take,
                chunk_keys=NAMES_AT_ONCE,
                chunk_bytes=1,
                measured=False,
                round_trip_us=round_trip_us,
                should_stop=self._enough,
            )
            flow.spawn(scan.job())
            flow.run()
        finally:
            flow.close()
        return scan.finished

    def _enough(self) -> bool:
        late = self._deadline is not None and time.monotonic() >= self._deadline
        return late or len(self.found) >= _EXAMPLES

    def _take(self, _chunk: Chunk) -> Work:
        return lambda part: self._look(part.names)

    def _look(self, names: list[bytes]) -> Job[None]:
        chosen = self._chosen
        keys = names if chosen is None else [name for name in names if chosen(name)]
        for at, reason in (yield from clashes(self._source, self._renaming, keys)).items():
            if len(self.found) < _EXAMPLES:
                self.found[keys[at]] = reason
