# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a migration and how far it has come; plain data between slices."""

from __future__ import annotations

import dataclasses
import secrets
import typing as t

from .._connection.endpoint import Endpoint
from .._keys.listing import Failure
from .._keys.selection import Selection
from .._keys.slots import ALL_SLOTS
from .._pipeline.pace import MAX_LATENCY_MS
from .._pipeline.waits import Waits
from .._server.clocks import Clocks
from .._server.loss import Holding
from .._transfer.strategies import AUTO
from .choose import LARGE_KEY_BYTES, Choice
from .counters import Change, Counters


@dataclasses.dataclass(frozen=True)
class Plan:
    """The options of a run. Rates per second (0: no limit), ``timeout`` in seconds."""

    source: Endpoint
    target: Endpoint
    selection: Selection
    strategy: str = AUTO
    existing_keys: str = "update"
    prune: bool = False
    # Which share of its keys the source may lose during a run before prune refuses.
    prune_limit: float = 0.1
    max_keys_per_second: float = 0
    max_bytes_per_second: float = 0
    max_source_latency_ms: float = MAX_LATENCY_MS
    timeout: float = 60
    # Of a run over clusters, how many parts are run at the same time (0: by the cores of this machine).
    processes: int = 0
    # Only keys that lie in these slots at the source; the others are for other runs beside this one.
    shard: bytes = ALL_SLOTS
    ttl_tolerance_ms: int = 10
    # Keys that take more memory than this are moved in pieces whatever the strategy (0: none).
    large_key_bytes: int = LARGE_KEY_BYTES
    # Whether idle times or frequencies are carried.
    eviction_data: bool = False
    check_mode: bool = False
    # Of a run in parts, the databases of the target that held keys when the first part began; None: it is asked.
    taken: frozenset[int] | None = None
    # Of such a run, the other primaries of the source.
    others: tuple[Endpoint, ...] = ()


@dataclasses.dataclass
class Progress:
    """How far a run has come; plain data between slices."""

    # Tells the run, all its slices, from others.
    run: str = dataclasses.field(default_factory=lambda: secrets.token_hex(8))
    choice: Choice | None = None
    pairs: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    position: int = 0
    cursor: bytes = b"0"
    # What the walk that stands at the cursor has counted.
    walked: tuple[int, int] = (0, 0)
    pruning: bool = False
    fresh: bool | None = None
    # Source databases whose target was empty when they were begun: whatever is there later, this run has written.
    begun_fresh: list[int] = dataclasses.field(default_factory=list)
    # After an end came back as another process everything is looked at again, by comparison.
    distrust: bool = False
    restarts: int = 0
    # What the source held when the run began.
    held: Holding | None = None
    reconnects: int = 0
    # How far the clocks of the two ends are apart; None before it was measured.
    clocks: dict[str, float] | None = None
    # Whom the run met at each end, from slice to slice (see Continuity).
    met: dict[str, list[dict[str, t.Any]]] = dataclasses.field(default_factory=dict)
    # How many keys the source lost while it was read, without their having expired.
    lost: int = 0
    counters: dict[int, Counters] = dataclasses.field(default_factory=dict)
    # Copied or updated before such a restart: what of it is found unchanged afterwards counts as moved.
    moved_before: dict[int, Counters] = dataclasses.field(default_factory=dict)
    failures: list[Failure] = dataclasses.field(default_factory=list)
    changes: list[Change] = dataclasses.field(default_factory=list)
    # What the source had counted when the look at its keys began, and what came of the comparison at the end.
    activity: dict[str, t.Any] | None = None
    source_writes: int | None = None
    drift: bool = False
    # Why it could not be seen whether another run writes to the same target, if so.
    blind: str | None = None
    # What of the use of keys is carried, and why it is not although it should be.
    eviction_data: str = ""
    eviction_obstacle: str | None = None
    elapsed: float = 0.0
    # How far it had come when (see Samples).
    samples: list[list[float]] = dataclasses.field(default_factory=list)
    # How long other clients of the source waited.
    waits: Waits = dataclasses.field(default_factory=Waits)
    # Of a run over clusters, what came of each part (see Part.told).
    parts: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    finished: bool = False
    # Keys that were sent when the run failed and are not counted: they may have arrived or not.
    in_doubt: int = 0

    @property
    def targets(self) -> tuple[int, ...]:
        """The databases of the target that are written to."""
        return tuple(there for _here, there in self.pairs)

    def brought(self, there: int) -> bool:
        """Whether what that database of the target holds was brought by this run from another database, so under other names."""
        return any(here in self.begun_fresh for here, place in self.pairs if place == there)

    def next_pair(self) -> None:
        """All of a pair of databases is done."""
        self.position += 1
        self.cursor, self.pruning, self.fresh = b"0", False, None

    def begin_anew(self) -> None:
        """Look at everything again, by comparison; what was moved until now is remembered as such."""
        self.position, self.cursor, self.pruning, self.fresh = 0, b"0", False, None
        self.distrust = True
        for here, counters in self.counters.items():
            done = self.moved_before.setdefault(here, Counters())
            done.copied, done.updated, done.pruned = (
                done.copied + counters.copied,
                done.updated + counters.updated,
                done.pruned + counters.pruned,
            )
            done.rebuilt += counters.rebuilt
            done.bytes += counters.bytes
        self.counters = {here: Counters() for here, _there in self.pairs}
        self.failures.clear()

    @property
    def clock_difference(self) -> Clocks:
        """How far the clocks of the two ends are apart."""
        return Clocks(**(self.clocks or {}))

    @property
    def chosen(self) -> Choice:
        """The strategy, once it has been chosen."""
        if self.choice is None:
            raise AssertionError("no strategy has been chosen yet")
        return self.choice

    def counted(self) -> tuple[int, int]:
        """Keys looked at and bytes moved so far."""
        totals = self.totals
        return totals.scanned, totals.bytes

    @property
    def wrote(self) -> bool:
        """Whether anything was written to the target."""
        return bool(self.moved_before) or any(counters.written for counters in self.counters.values())

    @property
    def totals(self) -> Counters:
        return Counters.total(self.counters.values())
