# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of a cluster: the primary that serves certain slots, whichever that is, and the nodes that are asked for it."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import EndpointError
from .address import check_host, joined, split_location

# In a cluster's map: host and port.
Place = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Shard:
    """``slots``: those that its primary serves, at least, and how they are called (see :mod:`_keys.slots`).

    ``nodes`` of the cluster are asked which that is, in this order.
    """

    slots: bytes = dataclasses.field(repr=False)
    name: str
    nodes: tuple[Place, ...] = ()
    # Where it was found last, and by whom: ``host``, ``port``, ``by``. The only part that changes.
    found: dict[str, str] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return self.name

    @property
    def in_order(self) -> list[Place]:
        """The node that answered last first: another may be down, and cost its timeout at each connection."""
        return sorted(self.nodes, key=lambda node: joined(*node) != self.found.get("by"))


def parse_nodes(options: t.Any, role: str, default_port: int) -> tuple[Place, ...]:
    """The nodes in an endpoint's option ``cluster``. Raises :class:`EndpointError`."""
    if not options:
        return ()
    name = f"{role}.cluster"
    example = "Write cluster: {hosts: [n1.example, n2.example:6380]}."
    if not isinstance(options, t.Mapping):
        raise EndpointError(f"{name} is no dictionary.", hint=example)
    unknown = sorted(set(options) - {"hosts"})
    if unknown:
        raise EndpointError(f"{name} has unknown fields: {', '.join(map(str, unknown))}.", hint=example)
    hosts = options.get("hosts") or ()
    found = []
    for number, host in enumerate([hosts] if isinstance(hosts, str) else hosts):
        place = f"{name}.hosts[{number}]"
        if not isinstance(host, str):
            raise EndpointError(f"{place} is not a text.", hint="Write it as 'host' or 'host:port'.")
        check_host(host, place)
        found.append(split_location(host.strip(), place, default_port))
    if not found:
        raise EndpointError(f"{name} has no hosts.", hint=example)
    return tuple(dict.fromkeys(found))
