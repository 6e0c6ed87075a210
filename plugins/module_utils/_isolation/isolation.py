# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server, or cluster, without applications: who is connected and what is written, waiting until neither is, with a little help.

The help is disconnecting clients by rule; holding back writes is in :mod:`pause`.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._connection.address import joined
from .._connection.endpoint import Endpoint
from .._connection.replies import parse_info
from .._errors import CommandRefused, RedisMigrationError
from .._server.activity import Activity, Watcher
from .._server.clients import Client, Rule, other_clients
from .._server.info import Server

_POLL_SECONDS = 0.25
_NAMED = 10


@dataclasses.dataclass
class Observation:
    """What was seen. ``clients`` is None where CLIENT LIST is not permitted.

    ``writes``: write commands seen while looking, None where they cannot be counted.
    """

    clients: list[Client] | None = None
    disconnected: list[Client] = dataclasses.field(default_factory=list)
    writes: int | None = None
    quiet_for: float = 0.0
    waited: float = 0.0
    isolated: bool = False
    connections: int = 0


class Node(t.NamedTuple):
    """A server that is looked at, through an open client."""

    client: t.Any
    endpoint: Endpoint
    server: Server


class Isolation:
    """Looks at ``nodes``: one server, or all primaries of a cluster. ``endpoint``: what they are together, for sentences.

    ``ignored``: rules for clients that do not count, such as monitoring. ``unwanted``: rules for clients to disconnect.
    """

    def __init__(
        self,
        nodes: t.Sequence[Node],
        endpoint: Endpoint,
        ignored: t.Sequence[Rule] = (),
        unwanted: t.Sequence[Rule] = (),
    ) -> None:
        self._nodes = nodes
        self._endpoint = endpoint
        self._ignored = ignored
        self._unwanted = unwanted

    def look(self) -> list[Client] | None:
        """The applications connected now, or None where that may not be asked."""
        try:
            found = [other_clients(node.client, self._ignored) for node in self._nodes]
        except CommandRefused:
            return None
        if len(self._nodes) == 1:
            return found[0]
        # Each server numbers its clients by itself.
        return [
            dataclasses.replace(client, server=joined(node.endpoint.host, node.endpoint.port))
            for node, clients in zip(self._nodes, found)
            for client in clients
        ]

    def unwanted(self, clients: t.Sequence[Client] | None) -> list[Client]:
        """Those of ``clients`` that a rule wants disconnected."""
        return [client for client in clients or () if any(rule.covers(client) for rule in self._unwanted)]

    def disconnect(self, clients: t.Sequence[Client] | None) -> list[Client]:
        """Disconnect those of ``clients`` that a rule covers. What they were waiting to run is dropped."""
        return [one for one in self.unwanted(clients) if self._kill(one)]

    def _kill(self, client: Client) -> bool:
        at = [node for node in self._nodes if client.server in ("", joined(node.endpoint.host, node.endpoint.port))]
        return any(node.client.execute_command("CLIENT", "KILL", "ID", str(client.id)) for node in at)

    def wait(self, quiet_seconds: float, timeout: float) -> Observation:
        """Until no application is connected and no write has arrived for ``quiet_seconds``, or ``timeout`` is over.

        Raises :class:`RedisMigrationError` only when a server is lost or may not be asked at all.
        """
        observed = Observation()
        quiet_seconds = min(quiet_seconds, timeout)
        watchers = [Watcher(node.client) for node in self._nodes]
        begin = quiet_since = time.monotonic()
        first = last = [watcher.look() for watcher in watchers]
        while True:
            observed.clients = self.look()
            observed.disconnected += self.disconnect(observed.clients)
            now, activity = time.monotonic(), [watcher.look() for watcher in watchers]
            if any(map(_wrote, last, activity)):
                quiet_since = now
            last = activity
            observed.waited, observed.quiet_for = now - begin, now - quiet_since
            observed.writes = _sum(map(_writes, first, last))
            left = timeout - observed.waited
            if not observed.clients and observed.quiet_for >= quiet_seconds:
                observed.isolated = True
                break
            if left <= 0:
                break
            time.sleep(max(0.01, min(_POLL_SECONDS, left)))
        if observed.clients is None:
            observed.connections = sum(map(_connections, self._nodes))
        return observed

    def obstacle(self, observed: Observation) -> RedisMigrationError:
        """Why the server is not isolated, naming who is still there."""
        parts = []
        if observed.clients:
            shown = ", ".join(str(client) for client in observed.clients[:_NAMED])
            more = len(observed.clients) - _NAMED
            parts.append(
                f"{len(observed.clients)} client{'s' * (len(observed.clients) > 1)} of others connected: {shown}"
                + (f" and {more} more" if more > 0 else "")
            )
        if observed.quiet_for < observed.waited:
            how_many = "" if observed.writes is None else f", {observed.writes} write commands while waiting"
            parts.append(f"last written to {observed.quiet_for:.1f} s ago{how_many}")
        return RedisMigrationError(
            f"The {self._endpoint} is not isolated after {observed.waited:.0f} s: {'; '.join(parts)}.",
            hint="Stop or unbind these applications. Those that may stay (monitoring) go into 'ignore', those that may"
            " be cut off into 'disconnect'; state 'paused' holds back writes whoever is connected.",
        )


def _connections(node: Node) -> int:
    """Those beside this one."""
    info = parse_info(node.client.execute_command("INFO", "clients"))
    return max(0, int(info.get("connected_clients", 1)) - 1)


def _sum(numbers: t.Iterable[int | None]) -> int | None:
    """None where one is not known."""
    known = list(numbers)
    return None if None in known else sum(number or 0 for number in known)


def _wrote(before: Activity, after: Activity) -> bool:
    if before.writes is not None and after.writes is not None:
        return before.writes != after.writes
    if before.changes is None or after.changes is None:
        # Quiet is what can be seen; of a server that counts nothing it cannot.
        return True
    return (before.changes, before.last_save) != (after.changes, after.last_save)


def _writes(before: Activity, after: Activity) -> int | None:
    if before.writes is None or after.writes is None or before.run_id != after.run_id:
        return None
    return max(0, after.writes - before.writes)
