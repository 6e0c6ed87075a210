# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a backup and its result; plain data."""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.endpoint import Endpoint
from .._keys.listing import Failure, Tally
from .._keys.selection import Selection
from .._pipeline.pace import MAX_LATENCY_MS
from .._pipeline.waits import Waits
from .._server.info import Server


@dataclasses.dataclass(frozen=True)
class BackupPlan:
    """The options of a backup. ``timeout`` in seconds. ``facts``: what else is at the beginning of the file."""

    endpoint: Endpoint
    selection: Selection
    functions: bool = True
    large_key_bytes: int = 4 * 1024 * 1024
    max_keys_per_second: int = 0
    max_bytes_per_second: int = 0
    max_source_latency_ms: float = MAX_LATENCY_MS
    timeout: float = 60
    facts: t.Mapping[bytes, bytes] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Saved(Tally):
    """What was saved of a logical database, or of all. ``vanished``: deleted or expired while the backup ran."""

    keys: int = 0
    expires: int = 0
    vanished: int = 0
    large: int = 0
    failed: int = 0

    @property
    def scanned(self) -> int:
        """The keys that were looked at."""
        return self.keys + self.vanished + self.failed


@dataclasses.dataclass
class BackupResult:
    """What is in the file."""

    server: Server | None = None
    version: int = 0
    functions: int | None = None
    databases: dict[int, Saved] = dataclasses.field(default_factory=dict)
    failures: list[Failure] = dataclasses.field(default_factory=list)
    # How long other clients of the server waited.
    waits: Waits = dataclasses.field(default_factory=Waits)
    elapsed: float = 0.0

    def progress(self, selection: Selection, size: int) -> dict[str, t.Any]:
        """How far it is; ``size`` in bytes of the file so far."""
        held = self.server.databases if self.server and selection.chooser() is None else {}
        return {
            "databases": {number: {"scanned": saved.scanned} for number, saved in self.databases.items()},
            "expected": {number: held[number].keys for number in self.databases if number in held},
            "totals": {"bytes": size, "failed": self.totals.failed},
        }

    @property
    def totals(self) -> Saved:
        return Saved.total(self.databases.values())
