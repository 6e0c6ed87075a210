# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of strategies, and how ``auto`` picks one: by evidence, which it states."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.module_utils import _backend
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection import client
from ansible_collections.dataservices.redis_migration.plugins.module_utils._endpoint import Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._formats import can_restore, rdb_version
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server import Server
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer import Lane, Strategy
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer_copy import CopyStrategy
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer_migrate import MigrateStrategy

STRATEGIES: dict[str, t.Callable[[Lane], Strategy]] = {
    "copy": CopyStrategy,
    "migrate": MigrateStrategy,
}

# From this round trip on, the two ends are far from the worker and MIGRATE between them is worth its blocking.
FAR_MS = 20.0


class Choice(t.NamedTuple):
    """The strategy taken and why, in a sentence."""

    strategy: str
    reason: str


def choose(
    wanted: str, source: Endpoint, target: Endpoint, source_server: Server, target_server: Server, round_trip_ms: float
) -> Choice:
    """The strategy to use. ``round_trip_ms``: to both ends together. Raises where the wanted one cannot work."""
    readable = can_restore(source_server, target_server)
    products = f"{source_server.product} to {target_server.product}"
    if wanted != "auto":
        if wanted != "rebuild" and not readable and "rebuild" not in STRATEGIES:
            raise RedisMigrationError(_unreadable(products, source_server, target_server))
        return Choice(wanted, "as told")
    if not readable:
        if "rebuild" not in STRATEGIES:
            raise RedisMigrationError(_unreadable(products, source_server, target_server))
        return Choice("rebuild", f"{products}: the target does not read what the source's DUMP writes")
    if target.backend is None:
        return Choice("copy", "the target names no backend that the source could send to")
    if round_trip_ms < FAR_MS:
        return Choice("copy", f"both ends are near (round trips of {round_trip_ms:.1f} ms together), where copy is faster")
    obstacle = _migrate_obstacle(source, target, source_server)
    if obstacle:
        return Choice("copy", f"MIGRATE cannot be used: {obstacle}")
    return Choice("migrate", f"the ends are far (round trips of {round_trip_ms:.1f} ms together) and MIGRATE is permitted")


def _unreadable(products: str, source: Server, target: Server) -> str:
    return (
        f"{products}: the target cannot read the source's payloads (format {rdb_version(source)} against "
        f"{rdb_version(target)})."
    )


def _migrate_obstacle(source: Endpoint, target: Endpoint, source_server: Server) -> str | None:
    if source_server.role != "master":
        return "the source is a replica"
    backend = _backend.backend_of(target)
    if _backend.is_exposed_frontend(backend.host):
        return f"the backend {backend} is an exposed frontend"
    with client(source) as redis_client:
        try:
            redis_client.execute_command("MULTI")
        except RedisMigrationError:
            return f"whether user '{source.user}' may use it cannot be found out"
        # Within MULTI a command is checked as ever and not carried out.
        try:
            redis_client.execute_command("MIGRATE", backend.host, str(backend.port), "key", "0", "1000", "COPY")
        except RedisMigrationError as exc:
            return exc.message
        finally:
            redis_client.execute_command("DISCARD")
    return None
