# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a comparison, how far it has come, and what it has found; plain data between slices."""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.endpoint import Endpoint
from .._keys.listing import Tally
from .._keys.name import key_fields
from .._keys.selection import Selection
from .._keys.slots import ALL_SLOTS
from .._pipeline.pace import MAX_LATENCY_MS
from .._pipeline.waits import Waits
from .._server.clocks import Clocks
from .verdict import Difference

LEVELS = ("keys", "metadata", "values")


@dataclasses.dataclass
class DatabaseDiff(Tally):
    """Counts of one logical database: keys looked at on each side, and differences of each kind."""

    source_keys: int = 0
    target_keys: int = 0
    missing: int = 0
    extra: int = 0
    different: int = 0

    @property
    def identical(self) -> bool:
        return not (self.missing or self.extra or self.different)


class Found(t.NamedTuple):
    """A difference of one key; ``database`` is the number at the source."""

    database: int
    key: bytes
    difference: Difference

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "database": self.database,
            **key_fields(self.key),
            "kind": self.difference.kind,
            "type": self.difference.type or "unknown",
            "detail": self.difference.detail,
        }


@dataclasses.dataclass(frozen=True)
class DiffPlan:
    """The options of a run."""

    source: Endpoint
    target: Endpoint
    selection: Selection
    level: str = "values"
    ttl_tolerance_ms: int = 10
    max_differences: int = 100
    max_source_latency_ms: float = MAX_LATENCY_MS
    timeout: float = 60
    # Of a run over clusters, how many parts are run at the same time (0: by the cores of this machine).
    processes: int = 0
    # Only keys that lie in these slots at the source.
    shard: bytes = ALL_SLOTS
    # Of a part of a cluster, the other primaries of the source.
    others: tuple[Endpoint, ...] = ()


@dataclasses.dataclass
class DiffProgress:
    """How far a run has come; plain data between slices."""

    pairs: list[tuple[int, int]] | None = None
    position: int = 0
    reverse: bool = False
    # What was found by a second look at the names of both ends, where the servers count other than the first one saw.
    again: DatabaseDiff | None = None
    # What both ends counted before the first key of the pair at hand was looked at (see no_extra).
    counted_before: list[list[t.Any]] = dataclasses.field(default_factory=list)
    cursor: bytes = b"0"
    # What the walk that stands at the cursor has counted.
    walked: tuple[int, int] = (0, 0)
    # How far the clocks of the two ends are apart; None before it was measured.
    clocks: dict[str, float] | None = None
    # Whom the run met at each end, from slice to slice (see Continuity), and how often that changed.
    met: dict[str, list[dict[str, t.Any]]] = dataclasses.field(default_factory=dict)
    restarts: int = 0
    databases: dict[int, DatabaseDiff] = dataclasses.field(default_factory=dict)
    differences: list[Found] = dataclasses.field(default_factory=list)
    elapsed: float = 0.0
    # How far it had come when (see Samples).
    samples: list[list[float]] = dataclasses.field(default_factory=list)
    # How long other clients of the source waited.
    waits: Waits = dataclasses.field(default_factory=Waits)
    # Of a run over clusters, what came of each part (see Part.told).
    parts: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    finished: bool = False

    @property
    def clock_difference(self) -> Clocks:
        """How far the clocks of the two ends are apart."""
        return Clocks(**(self.clocks or {}))

    def counted(self) -> tuple[int, int]:
        """Keys of the source that were compared so far; bytes are not counted."""
        return self.totals.source_keys, 0

    @property
    def totals(self) -> DatabaseDiff:
        return DatabaseDiff.total(self.databases.values())
