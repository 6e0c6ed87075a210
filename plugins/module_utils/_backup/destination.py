# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a restore writes to: a server, or the primaries of a cluster, each of which takes the keys of its slots."""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.endpoint import Endpoint
from .._connection.patience import at_first
from .._keys.slots import ALL_SLOTS, SLOTS, hash_slot
from .._server.eligibility import mode_problem, refuse, target_role_problem
from .._server.info import Server, read_server


@dataclasses.dataclass(frozen=True)
class Node:
    """A server that is written to, and the slots whose keys go there."""

    endpoint: Endpoint
    server: Server
    slots: bytes = dataclasses.field(default=ALL_SLOTS, repr=False)


class Destination(t.Protocol):
    """What is at the endpoint of a restore."""

    def nodes(self, *, check_mode: bool) -> list[Node]:
        """The servers that together take every key. Raises :class:`RedisMigrationError`."""

    def check_places(self, places: t.Mapping[int, int]) -> None:
        """``places``: the database there for each of the backup. Raises :class:`RedisMigrationError` for one it has not."""

    def check_unchanged(self) -> None:
        """At the end. Raises :class:`RedisMigrationError` where keys may have gone to who serves them no more."""


class Alone:
    """A server."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def nodes(self, *, check_mode: bool) -> list[Node]:
        server = at_first(lambda: read_server(self._endpoint))
        refuse(
            mode_problem(self._endpoint, server), None if check_mode else target_role_problem(self._endpoint, server)
        )
        return [Node(self._endpoint, server)]

    def check_places(self, places: t.Mapping[int, int]) -> None:
        """A wrong number is found by SELECT."""

    def check_unchanged(self) -> None:
        """Asked over the connection that wrote."""


class Router:
    """Which of ``nodes``, by number, takes a key."""

    def __init__(self, nodes: t.Sequence[Node]) -> None:
        self._alone = len(nodes) == 1
        self._owners = [0] * SLOTS
        for number, node in enumerate(nodes):
            for slot, mine in enumerate(node.slots):
                if mine:
                    self._owners[slot] = number

    def of(self, key: bytes) -> int:
        return 0 if self._alone else self._owners[hash_slot(key)]
