# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a restore writes to, if that may be a cluster."""

from __future__ import annotations

import typing as t

from .._backup.destination import Alone, Destination, Node
from .._connection.endpoint import Endpoint
from .._errors import ClusterFound, ConnectError, RedisMigrationError
from .settling import Settling
from .topology import Topology


class Anywhere:
    """What is at ``endpoint``: a server, or a cluster. It is asked nothing more for this where it is a server."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._primaries = _Primaries(endpoint, timeout)
        self._found: Destination = self._primaries if endpoint.nodes else Alone(endpoint)

    def nodes(self, *, check_mode: bool) -> list[Node]:
        try:
            return self._found.nodes(check_mode=check_mode)
        except ClusterFound:
            self._found = self._primaries
            return self._found.nodes(check_mode=check_mode)

    def check_places(self, places: t.Mapping[int, int]) -> None:
        self._found.check_places(places)

    def check_unchanged(self) -> None:
        self._found.check_unchanged()


class _Primaries:
    """The primaries of a cluster."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint = endpoint
        self._settling = Settling(endpoint, timeout)
        self._before: Topology | None = None

    def nodes(self, *, check_mode: bool) -> list[Node]:
        self._before = found = self._settling.settled()
        return [Node(found.part(one.slots), one.server, one.slots) for one in found.primaries if 1 in one.slots]

    def check_places(self, places: t.Mapping[int, int]) -> None:
        for number, there in places.items():
            if there:
                raise RedisMigrationError(
                    f"Database {number} of the backup would go to database {there} of the {self._endpoint}, and a cluster has"
                    " database 0 only.",
                    hint=f'Restore one database: databases: [{number}] with database_map: {{"{number}": 0}}.',
                )

    def check_unchanged(self) -> None:
        now = self._settling.look()
        if self._before is None or now.signature != self._before.signature:
            raise ConnectError(
                f"The {self._endpoint.role} cluster changed in the middle of the restore (slots moved, or a primary failed"
                " over): keys restored before may be lost.",
                hint="Run again with existing_keys 'skip' (or empty the cluster and restore anew).",
            )
