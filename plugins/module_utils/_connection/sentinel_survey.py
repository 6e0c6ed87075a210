# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each Sentinel of a service says of it, for whoever wants to know before a run."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import RedisMigrationError
from .address import joined
from .connect import client
from .endpoint import Endpoint
from .explain import reply_text
from .sentinel import doors, explained, fields_of_service, primary_of, replicas_of


@dataclasses.dataclass(frozen=True)
class Said:
    """The word of one Sentinel. ``problem``: why it says nothing of the service.

    ``quorum``: how many have to agree that the primary is down; ``sentinels``: how many it knows, with itself; None where
    it does not tell. ``obstacle``: why there would be no failover now.
    """

    place: str
    primary: str = ""
    replicas: int | None = None
    quorum: int | None = None
    sentinels: int | None = None
    obstacle: str = ""
    problem: RedisMigrationError | None = None


def survey(endpoint: Endpoint) -> list[Said]:
    """Every Sentinel of ``endpoint`` asked, in the order in which they were given."""
    if endpoint.sentinel is None:
        return []
    order = endpoint.sentinel.hosts
    asked = [_ask(endpoint, door) for door in doors(endpoint)]
    return sorted(asked, key=lambda said: order.index(said.place))


def _ask(endpoint: Endpoint, door: Endpoint) -> Said:
    place = joined(door.host, door.port)
    try:
        with client(door) as ask:
            primary = joined(*primary_of(ask, door, endpoint))
            replicas = len(replicas_of(ask, door, endpoint))
            fields = fields_of_service(ask, door, endpoint)
            return Said(
                place,
                primary,
                replicas,
                _number(fields.get("quorum")),
                _number(fields.get("num-other-sentinels"), 1),
                _obstacle(ask, endpoint),
            )
    except RedisMigrationError as exc:
        return Said(place, problem=explained(exc, door))


def _number(value: str | None, more: int = 0) -> int | None:
    return int(value) + more if value is not None and value.isdecimal() else None


def _obstacle(ask: t.Any, endpoint: Endpoint) -> str:
    """Why the Sentinels could not fail over now; empty where they could, or do not say."""
    if endpoint.sentinel is None:
        return ""
    try:
        ask.execute_command("SENTINEL", "CKQUORUM", endpoint.sentinel.service_name)
    except RedisMigrationError as exc:
        refused = re.search(r"NO(QUORUM|AUTH \d).*", exc.message)
        return reply_text(refused[0]) if refused else ""
    return ""
