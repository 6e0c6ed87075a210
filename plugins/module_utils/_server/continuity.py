# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the ends of a run are who they were when it began, on every connection."""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.endpoint import Endpoint
from .._connection.explain import explain_reply
from .._connection.identity import Identity
from .._errors import RedisMigrationError


class ServerChanged(Exception):
    """Another server answers than before, or the same one got other data, or forgot whether it did (CONFIG RESETSTAT).

    What was seen there counts no more.
    """

    def __init__(self, endpoint: Endpoint, identity: Identity) -> None:
        super().__init__(f"The {endpoint} is another server than before, or its data was replaced.")
        self.endpoint = endpoint
        self.identity = identity


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
        if any(known.same_process(identity) for known in met):
            raise RedisMigrationError(
                f"The name of the {endpoint} leads to several servers: {'; '.join(map(str, met))}; name one of them.",
                hint="What was seen at one of them says nothing of another.",
            )
        met.append(identity)
