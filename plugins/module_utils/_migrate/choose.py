# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ``auto`` picks a strategy: by evidence, which it states."""

from __future__ import annotations

import typing as t

from .._connection.endpoint import refuse_replica
from .._connection.patience import patiently
from .._errors import RedisMigrationError
from .._server.compatibility import can_restore
from .._transfer.apart import Apart
from .._transfer.copy import CopyStrategy
from .._transfer.migrate import KEEPS_NAMES, MigrateStrategy
from .._transfer.proved import Proved
from .._transfer.rebuild.fallback import WithRebuild
from .._transfer.rebuild.strategy import RebuildStrategy
from .._transfer.strategies import AUTO, STRATEGIES
from .._transfer.strategy import Ends, Lane, Strategy, Transfer

# Measured: the DUMP of a key of this size keeps its server from other clients for a few milliseconds.
LARGE_KEY_BYTES = 2 * 1024 * 1024

# From this round trip on, the two ends are far from the worker and MIGRATE between them is worth its blocking.
FAR_MS = 20.0


class Choice(t.NamedTuple):
    """The strategy taken and why, in a sentence."""

    strategy: str
    reason: str


def strategy_class(choice: Choice | None, wanted: str) -> type[Strategy]:
    """The strategy of a run; before it is chosen the one wanted, or the one that ``auto`` mostly takes."""
    if choice is not None:
        return STRATEGIES[choice.strategy]
    return STRATEGIES.get(wanted, CopyStrategy)


def strategy_of(choice: Choice, lane: Lane, rebuild: RebuildStrategy, large_key_bytes: int) -> Transfer:
    """The strategy chosen; ``rebuild`` also takes what another one cannot move."""
    strategy = STRATEGIES[choice.strategy]
    chosen: Transfer = rebuild
    if strategy is not RebuildStrategy:
        chosen = WithRebuild(strategy(lane), rebuild, large_key_bytes)
    renaming = lane.target.renaming
    return Apart(lane, Proved(lane, chosen)) if renaming and renaming.doubtful else Proved(lane, chosen)


def prepared(choice: Choice, wanted: str, ends: Ends, patience: float = 0) -> Choice:
    """``choice``, prepared for the first key; where ``auto`` chose MIGRATE and it cannot be prepared, ``copy`` instead.

    An end that is away is waited for, for ``patience`` seconds. Raises :class:`RedisMigrationError`.
    """
    try:
        patiently(lambda: STRATEGIES[choice.strategy].prepare(ends), patience)
    except RedisMigrationError as exc:
        if wanted != AUTO or choice.strategy != MigrateStrategy.name:
            raise
        return Choice(CopyStrategy.name, f"MIGRATE cannot be used: {exc.message}")
    return choice


def choose(wanted: str, ends: Ends, round_trip_ms: float, *, eviction_data: bool = False) -> Choice:
    """The strategy to use. ``round_trip_ms``: to both ends together. ``eviction_data``: how keys were used is carried."""
    if wanted != AUTO and ends.renames and not STRATEGIES[wanted].renames:
        raise RedisMigrationError(
            f"Strategy '{wanted}' cannot be used: {KEEPS_NAMES}.",
            hint="Use 'auto' or another strategy, or no 'rename' and no 'database_prefix'.",
        )
    if wanted == MigrateStrategy.name:
        refuse_replica(ends.source, "strategy 'migrate' has the source run MIGRATE, which replicas refuse")
    if wanted != AUTO:
        return Choice(wanted, "as told")
    choice = _evident(ends, round_trip_ms, eviction_data=eviction_data)
    if choice.strategy == MigrateStrategy.name or round_trip_ms < FAR_MS:
        return choice
    return Choice(
        choice.strategy,
        f"{choice.reason}; the ends are far ({_told(round_trip_ms)}), and a worker near them would be faster",
    )


def _told(round_trip_ms: float) -> str:
    return f"round trips of {round_trip_ms:.1f} ms together"


def _evident(ends: Ends, round_trip_ms: float, *, eviction_data: bool) -> Choice:
    source, target = ends.source_server, ends.target_server
    if not can_restore(source, target):
        products = f"{source.product} to {target.product}"
        return Choice(RebuildStrategy.name, f"{products}: the target does not read what the source's DUMP writes")
    if ends.renames:
        return Choice(CopyStrategy.name, KEEPS_NAMES)
    if ends.source.prefer_replica:
        return Choice(CopyStrategy.name, "a replica of the source is read, and replicas refuse MIGRATE")
    if source.in_cluster or target.in_cluster:
        return Choice(
            CopyStrategy.name, "between nodes of a cluster, where MIGRATE sends the keys of one slot at a time"
        )
    if ends.target.backend is None:
        return Choice(
            CopyStrategy.name, "through the machine that runs the module; MIGRATE would need the target's 'backend'"
        )
    if eviction_data:
        return Choice(CopyStrategy.name, "MIGRATE does not carry eviction_data")
    round_trips = _told(round_trip_ms)
    if round_trip_ms < FAR_MS:
        return Choice(CopyStrategy.name, f"both ends are near ({round_trips}), where copy is faster")
    obstacle = MigrateStrategy.obstacle(ends)
    if obstacle:
        return Choice(CopyStrategy.name, f"MIGRATE cannot be used: {obstacle}")
    return Choice(MigrateStrategy.name, f"the ends are far ({round_trips}) and MIGRATE is permitted")
