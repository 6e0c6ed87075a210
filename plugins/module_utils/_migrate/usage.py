# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run carries how keys were used (option ``eviction_data``), and what it says where it does not."""

from __future__ import annotations

from .._pipeline.usage import FREQ, IDLETIME, kept_by
from .._server.info import Server
from .._transfer.strategy import Strategy
from .choose import strategy_class
from .progress import Plan, Progress

_NAMES = {IDLETIME: "idle times (LRU)", FREQ: "frequencies of use (LFU)"}


def obstacle(strategy: type[Strategy], source: Server, target: Server) -> str | None:
    """Why the use of keys is not carried, as a sentence; None if it is."""
    here, there = kept_by(source), kept_by(target)
    if not strategy.carries_usage:
        return f"Strategy '{strategy.name}' cannot carry how keys were used; only 'copy' can."
    if here is None or there is None:
        return f"The {'source' if here is None else 'target'} does not say by which policy it evicts (INFO memory)."
    if here != there:
        return (
            f"The source keeps {_NAMES[here]} ({source.maxmemory_policy}), the target {_NAMES[there]}"
            f" ({target.maxmemory_policy}): one cannot be made of the other."
        )
    return None


def carried(plan: Plan, progress: Progress, source: Server, target: Server) -> bytes | None:
    """What of the use of keys the run carries, if any; noted in ``progress``, and so is why not."""
    if not plan.eviction_data:
        return None
    progress.eviction_obstacle = obstacle(strategy_class(progress.choice, plan.strategy), source, target)
    kind = None if progress.eviction_obstacle else kept_by(source)
    progress.eviction_data = kind.decode("ascii").lower() if kind else ""
    return kind


def warning(progress: Progress) -> str | None:
    """What must be said at the end about use that was not carried."""
    if progress.eviction_obstacle:
        return f"eviction_data: {progress.eviction_obstacle} At the target all keys count as just used."
    rebuilt = progress.totals.rebuilt
    if progress.eviction_data and rebuilt:
        return (
            f"eviction_data: {rebuilt} keys were moved in pieces, as they are large (large_key_bytes) or the target does not"
            " read their payloads. At the target these count as just used."
        )
    return None
