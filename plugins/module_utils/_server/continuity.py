# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the ends of a run are who they were when it began, on every connection."""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.connect import connect
from .._connection.endpoint import Endpoint
from .._connection.explain import explain_reply
from .._connection.identity import Identity, ask_identity
from .._errors import RedisMigrationError


class ServerChanged(Exception):
    """Another server answers than before, or the same one got other data, or it cannot be known.

    That is so where it forgot its statistics (CONFIG RESETSTAT), and behind a lost connection where it has no run id.

    What was seen there counts no more.
    """

    def __init__(self, endpoint: Endpoint, identity: Identity) -> None:
        super().__init__(f"The {endpoint} is another server than before, or its data was replaced.")
        self.endpoint = endpoint
        self.identity = identity


class Opened(t.Protocol):
    """A connection that was just opened, and by whom it was answered. ``openings``: how often, of the same pipe."""

    @property
    def endpoint(self) -> Endpoint: ...

    @property
    def identity(self) -> Identity: ...

    @property
    def openings(self) -> int: ...


class Continuity:
    """Knows by role ("source", …) whom a run has met, the latest last."""

    def __init__(self, met: t.Mapping[str, t.Sequence[t.Mapping[str, t.Any]]] | None = None) -> None:
        self._met = {role: [Identity(**fields) for fields in identities] for role, identities in (met or {}).items()}

    def as_plain(self) -> dict[str, list[dict[str, t.Any]]]:
        """For the constructor, from slice to slice."""
        return {role: [dataclasses.asdict(identity) for identity in met] for role, met in self._met.items()}

    def begun(self, endpoint: Endpoint) -> bool:
        return bool(self._met.get(endpoint.role))

    def latest(self, endpoint: Endpoint) -> Identity:
        return self._met[endpoint.role][-1]

    def connected(self, opened: Opened) -> None:
        """On a connection before it is used: :meth:`check_reopened`, then :meth:`check`."""
        self.check_reopened(opened)
        self.check(opened.endpoint, opened.identity)

    def check_reopened(self, opened: Opened) -> None:
        """Raises :class:`ServerChanged` where the connection was lost before and may lead to another server now.

        A cursor of SCAN, and what was written, is worth nothing there.
        """
        if opened.openings > 1 and not opened.identity.certain:
            raise ServerChanged(opened.endpoint, opened.identity)

    def can_go_on(self, endpoint: Endpoint) -> bool:
        """Whether a walk may be continued over another connection, as every slice has its own."""
        return not self.begun(endpoint) or self.latest(endpoint).certain

    def stopping(self, endpoint: Endpoint, should_stop: t.Callable[[], bool]) -> t.Callable[[], bool]:
        """``should_stop``, or never where a walk that stops in the middle cannot be continued."""
        return should_stop if self.can_go_on(endpoint) else lambda: False

    def check(self, endpoint: Endpoint, identity: Identity) -> None:
        """Compare with whom the run knows there. Raises :class:`ServerChanged`, and what it answers in place of that."""
        met = self._met.setdefault(endpoint.role, [])
        if not met:
            met.append(identity)
        elif identity.refusal and not met[-1].refusal:
            raise explain_reply(identity.refusal, endpoint, command=("INFO",))
        elif not (met[-1].same_process(identity) and met[-1].same_data(identity)):
            raise ServerChanged(endpoint, identity)

    def accept(self, endpoint: Endpoint, identity: Identity) -> None:
        """From now on this is who is there. Raises :class:`RedisMigrationError` if it was there before another one."""
        met = self._met.setdefault(endpoint.role, [])
        if met and met[-1].same_process(identity):
            met[-1] = identity
            return
        before = [known for known in met if known.same_process(identity)]
        if before and not endpoint.moves:
            raise RedisMigrationError(
                f"The name of the {endpoint} leads to several servers: {'; '.join(map(str, met))}; name one of them.",
                hint="What was seen at one of them says nothing of another.",
            )
        # A failover may make a server the primary again that was one before; whoever asks compares everything anew.
        met[:] = [*(known for known in met if known not in before), identity]

    def check_still_there(self, *endpoints: Endpoint) -> None:
        """Where others name a server, ask them once more. Raises :class:`ServerChanged` if it is another by now.

        Behind a failover a former primary may answer for a while, and forgets what it was told.
        """
        for endpoint in endpoints:
            if endpoint.moves and not endpoint.host:
                connection = connect(endpoint)
                try:
                    identity = ask_identity(connection, endpoint)
                finally:
                    connection.disconnect()
                self.check(endpoint, identity)


def nameless_ends(source: Endpoint, target: Endpoint, continuity: Continuity) -> str:
    """For the sentence of a run that began anew too often: whose lost connections were each a reason for that."""
    names = [str(end) for end in (source, target) if not continuity.can_go_on(end)]
    if not names:
        return ""
    return (
        f" The {' and the '.join(names)} {'show' if len(names) > 1 else 'shows'} no run id, so after a lost connection it"
        " cannot be known whether the same server answers, and everything is looked at again."
    )
