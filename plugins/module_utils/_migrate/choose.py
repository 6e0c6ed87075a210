# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of strategies, and how ``auto`` picks one: by evidence, which it states."""

from __future__ import annotations

import typing as t

from .._connection.endpoint import Endpoint
from .._connection.explain import reply_text
from .._server.compatibility import can_restore
from .._server.dry_run import HeldBack, denied, queue
from .._server.info import Server
from .._transfer import backend as _backend
from .._transfer.copy import CopyStrategy
from .._transfer.rebuild.fallback import WithRebuild
from .._transfer.rebuild.strategy import RebuildStrategy
from .._transfer.server_side import MigrateStrategy
from .._transfer.strategy import Lane, Strategy

STRATEGIES: dict[str, t.Callable[[Lane], Strategy]] = {
    "copy": CopyStrategy,
    "migrate": MigrateStrategy,
    "rebuild": RebuildStrategy,
}

# Measured: the DUMP of a key of this size keeps its server from other clients for a few milliseconds.
LARGE_KEY_BYTES = 2 * 1024 * 1024

# From this round trip on, the two ends are far from the worker and MIGRATE between them is worth its blocking.
FAR_MS = 20.0


class Choice(t.NamedTuple):
    """The strategy taken and why, in a sentence."""

    strategy: str
    reason: str


def strategy_of(choice: Choice, lane: Lane, rebuild: RebuildStrategy, large_key_bytes: int) -> Strategy:
    """The strategy chosen; ``rebuild`` also takes what another one cannot move."""
    if choice.strategy == "rebuild":
        return rebuild
    return WithRebuild(STRATEGIES[choice.strategy](lane), rebuild, large_key_bytes)


def choose(
    wanted: str, source: Endpoint, target: Endpoint, source_server: Server, target_server: Server, round_trip_ms: float
) -> Choice:
    """The strategy to use. ``round_trip_ms``: to both ends together."""
    products = f"{source_server.product} to {target_server.product}"
    if wanted != "auto":
        return Choice(wanted, "as told")
    if not can_restore(source_server, target_server):
        return Choice("rebuild", f"{products}: the target does not read what the source's DUMP writes")
    if target.backend is None:
        return Choice("copy", "the target names no backend that the source could send to")
    if round_trip_ms < FAR_MS:
        return Choice(
            "copy", f"both ends are near (round trips of {round_trip_ms:.1f} ms together), where copy is faster"
        )
    obstacle = _migrate_obstacle(source, target, source_server)
    if obstacle:
        return Choice("copy", f"MIGRATE cannot be used: {obstacle}")
    return Choice(
        "migrate", f"the ends are far (round trips of {round_trip_ms:.1f} ms together) and MIGRATE is permitted"
    )


def _migrate_obstacle(source: Endpoint, target: Endpoint, source_server: Server) -> str | None:
    if source_server.role != "master":
        return "the source is a replica"
    backend = _backend.backend_of(target)
    if _backend.is_exposed_frontend(backend.host):
        return f"the backend {backend} is an exposed frontend"
    try:
        replies = queue(source, [("MIGRATE", backend.host, str(backend.port), "key", "0", "1000", "COPY")])
    except HeldBack as exc:
        return exc.message
    if isinstance(replies, str):
        return f"whether user '{source.user}' may use it cannot be found out"
    return reply_text(replies[0]) if denied(replies[0]) else None
