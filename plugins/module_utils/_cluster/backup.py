# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup of whatever is at an endpoint: a server, or a cluster, of which each primary is read into a file of its own.

A file counts only if its primary served the same slots from its beginning until all files were written, and no slot, nor a
key of one, moved to it meanwhile. So together they hold every slot, and each key once.
"""

from __future__ import annotations

import dataclasses
import secrets
import time
import typing as t

from .._backup.backup import Backup
from .._backup.backup_plan import BackupPlan, BackupResult, Saved
from .._backup.file import BackupFile
from .._backup.files import BackupFiles, Written
from .._backup.parts import Belongs
from .._backup.progress import Progress
from .._connection.endpoint import Endpoint
from .._errors import ClusterChanged, ClusterFound, RedisMigrationError
from .._keys.listing import LISTED, listable
from .._keys.region import Region
from .._keys.slots import text_of
from .._pipeline.waits import Waits
from .numbers import numbers_of
from .settling import Settling
from .topology import Primary, Topology

# After so many rounds a cluster changes too much to be backed up.
_ROUNDS = 10


@dataclasses.dataclass
class Part:
    """A file of the backup, what is in it, and the primary that it was read from; None where that is all there is."""

    file: BackupFile
    backup: Backup
    primary: Primary | None = None
    done: bool = False

    @property
    def slots(self) -> str:
        """As text; empty of a server."""
        return text_of(self.primary.slots) if self.primary else ""


class WholeBackup:
    """Writes what ``plan`` says into ``files``, which are committed by :meth:`commit` only."""

    def __init__(self, plan: BackupPlan, files: BackupFiles, progress: Progress | None = None) -> None:
        self._plan = plan
        self._files = files
        self._progress = progress or Progress()
        self.parts: list[Part] = []
        self.elapsed = 0.0

    @property
    def in_parts(self) -> bool:
        """Whether it is of a cluster."""
        return any(part.primary for part in self.parts)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._files.size

    @property
    def result(self) -> BackupResult:
        """Of all files together."""
        results = [part.backup.result for part in self.parts]
        functions = [result.functions for result in results if result.functions is not None]
        total = BackupResult(
            server=next((result.server for result in results if result.server), None),
            version=max((result.version for result in results), default=0),
            functions=max(functions, default=None),
            waits=Waits.of_all(result.waits for result in results),
            elapsed=self.elapsed,
        )
        for result in results:
            for number, saved in result.databases.items():
                total.databases.setdefault(number, Saved()).add(saved)
            total.failures.extend(listable(total.failures, result.failures, LISTED))
        return total

    def run(self) -> BackupResult:
        """Read everything. Raises :class:`RedisMigrationError`; ``result`` holds what was done until then."""
        start = time.monotonic()
        try:
            if self._plan.endpoint.nodes:
                self._cluster()
            else:
                try:
                    self._server()
                except ClusterFound:
                    self._drop(self.parts[0])
                    self._cluster()
        finally:
            self.elapsed = time.monotonic() - start
        return self.result

    def commit(self, *, beside: bool) -> list[Written]:
        """Make it the backup that is there. ``beside``: with checksums in files of their own."""
        return self._files.commit([part.file for part in self.parts], in_parts=self.in_parts, beside=beside)

    def _server(self) -> None:
        file = self._files.new()
        self.parts.append(Part(file, Backup(self._plan, file, self._progress)))
        self.parts[0].backup.run()

    def _cluster(self) -> None:
        settling = Settling(self._plan.endpoint, self._plan.timeout)
        name = secrets.token_hex(8)
        for _round in range(_ROUNDS):
            topology = settling.settled()
            if not topology.is_cluster:
                raise RedisMigrationError(f"The {self._plan.endpoint} is no Redis Cluster, and was one a moment ago.")
            for part in [part for part in self.parts if not _holds(part, topology)]:
                self._drop(part)
            left = [one for one in topology.primaries if one.slots.count(1) and not self._part_of(one)]
            if not left:
                self.parts.sort(key=lambda part: part.primary.slots.find(1) if part.primary else 0)
                return
            for primary in left:
                try:
                    self._save(topology, primary, name)
                except ClusterChanged:
                    break
                except RedisMigrationError:
                    if not settling.changed(topology):
                        raise
                    break
        raise RedisMigrationError(
            f"The {self._plan.endpoint.role} cluster changed too often during the backup ({_ROUNDS} times).",
            hint="Run again when no slots are moved there and no primary fails over.",
        )

    def _save(self, topology: Topology, primary: Primary, name: str) -> None:
        """Write the file of ``primary``."""
        plan = self._plan
        # Names no database that its endpoint cannot have, and others would be missing in the file.
        numbers = numbers_of(plan.selection, topology, _nothing(plan.endpoint), include_target=False)
        selection = plan.selection.part(numbers, Region(primary.slots, primary.slots))
        part = dataclasses.replace(
            plan,
            endpoint=topology.part(primary.slots),
            selection=selection,
            facts=Belongs(name, primary.slots).as_facts(),
        )
        file = self._files.new()
        self.parts.append(Part(file, Backup(part, file), primary))
        held = sum(one.server.keys for one in topology.primaries)
        self._progress.begin("saving", lambda: self._told(numbers, held))
        self.parts[-1].backup.run()
        self.parts[-1].done = True

    def _told(self, numbers: t.Sequence[int], held: int) -> dict[str, t.Any]:
        """How far all of it is."""
        total = self.result
        expected = dict.fromkeys(numbers, held) if self._plan.selection.chooser() is None else {}
        return {
            "databases": {number: {"scanned": saved.scanned} for number, saved in total.databases.items()},
            "expected": expected,
            "totals": {"bytes": self.size, "failed": total.totals.failed},
        }

    def _part_of(self, primary: Primary) -> Part | None:
        return next((part for part in self.parts if part.primary and part.primary.id == primary.id), None)

    def _drop(self, part: Part) -> None:
        self._files.drop(part.file)
        self.parts.remove(part)


def _holds(part: Part, topology: Topology) -> bool:
    """Whether its primary is there as it was when the file was begun, so that the file has all keys of its slots.

    A part that was interrupted is there, too.
    """
    before = part.primary
    now = topology.primary(before.id) if before else None
    if before is None or now is None or (before.slots, before.mark) != (now.slots, now.mark):
        return False
    return part.done


def _nothing(endpoint: Endpoint) -> Topology:
    """The other end, which a backup has not."""
    return Topology(endpoint, ())
