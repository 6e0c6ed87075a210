# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who serves which slots of an end at one moment: as each primary of a cluster says of itself, or one server for all."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from concurrent.futures import ThreadPoolExecutor

from .._connection.cluster import at, map_of
from .._connection.connect import client
from .._connection.endpoint import Endpoint
from .._connection.replies import odd_reply, parse_info
from .._connection.shard import Place, Shard
from .._errors import ClusterChanged, ConnectError, RedisMigrationError
from .._keys.region import Region
from .._keys.slots import ALL_SLOTS, NO_SLOTS, either, shown, table_of, without
from .._server.info import Server, server_of

# A slot that is being moved, in CLUSTER NODES: [5061->-ID] at the node that gives it away, [5061-<-ID] at the other.
_OPEN = re.compile(r"\[(\d+)-[<>]-")

# So many primaries are asked at once.
_AT_ONCE = 16

# The node of an end that is no cluster.
ALONE = ""


@dataclasses.dataclass(frozen=True)
class Primary:
    """A primary and the slots that it serves. ``mark``: changes when it takes over slots, or keys of one that moves."""

    id: str
    place: Place
    slots: bytes = dataclasses.field(repr=False)
    server: Server = dataclasses.field(repr=False)
    opened: bytes = dataclasses.field(repr=False, default=NO_SLOTS)
    mark: str = ""


@dataclasses.dataclass(frozen=True)
class Topology:
    """The primaries of an end. ``nodes``: all nodes of the cluster, replicas too; none of an end that is no cluster."""

    endpoint: Endpoint
    primaries: tuple[Primary, ...]
    nodes: tuple[Place, ...] = ()

    @property
    def is_cluster(self) -> bool:
        return bool(self.nodes)

    @property
    def opened(self) -> bytes:
        """The slots that are being moved."""
        return either(*[primary.opened for primary in self.primaries])

    @property
    def served(self) -> bytes:
        return either(*[primary.slots for primary in self.primaries])

    @property
    def trouble(self) -> str | None:
        """What must be over before it is worked with, as a sentence; None if nothing is."""
        if 1 in self.opened:
            return f"The {self.endpoint.role} cluster moves slots: {shown(self.opened)} are open (CLUSTER SETSLOT)."
        if sum(primary.slots.count(1) for primary in self.primaries) > self.served.count(1):
            return f"Two nodes of the {self.endpoint.role} cluster say that they serve the same slots."
        missing = without(ALL_SLOTS, self.served)
        if 1 in missing:
            return f"Nobody serves {shown(missing)} of the {self.endpoint.role} cluster."
        return None

    @property
    def signature(self) -> tuple[t.Any, ...]:
        """What is another one after anything has changed."""
        return tuple((primary.id, primary.slots, primary.opened) for primary in self.primaries)

    def primary(self, node: str) -> Primary | None:
        return next((primary for primary in self.primaries if primary.id == node), None)

    def serving(self, slots: bytes) -> list[Primary]:
        """The primaries that serve any of ``slots``."""
        wanted = int.from_bytes(slots, "big")
        return [one for one in self.primaries if int.from_bytes(one.slots, "big") & wanted]

    def part(self, slots: bytes) -> Endpoint:
        """The endpoint of the primary that serves ``slots``, now and after a failover."""
        if not self.is_cluster:
            return self.endpoint
        shard = Shard(
            slots, shown(slots), tuple(dict.fromkeys([*(one.place for one in self.serving(slots)), *self.nodes]))
        )
        return dataclasses.replace(self.endpoint, host="", nodes=(), shard=shard)

    def others(self, slots: bytes) -> tuple[Endpoint, ...]:
        """The endpoints of the primaries that serve none of ``slots``, now and after a failover."""
        mine = self.serving(slots)
        return tuple(self.part(one.slots) for one in self.primaries if one not in mine and 1 in one.slots)

    def node(self, primary: Primary) -> Endpoint:
        """The endpoint of one primary as it is now."""
        return at(self.part(primary.slots), primary.place) if self.is_cluster else self.endpoint


def alone(endpoint: Endpoint, server: Server) -> Topology:
    """An end that is no cluster."""
    return Topology(endpoint, (Primary(ALONE, (endpoint.host, endpoint.port), ALL_SLOTS, server),))


def between(
    region: Region, source: Topology, target: Topology, *, renamed: bool
) -> t.Iterator[tuple[Primary, Primary, Region]]:
    """What of ``region`` goes from which primary to which. ``renamed``: whether keys may get other names."""
    for here in source.primaries:
        for there in target.primaries:
            some = region.between(here.slots, there.slots, renamed=renamed)
            if not some.is_empty:
                yield here, there, some


def read_topology(endpoint: Endpoint, known: t.Sequence[Place] = ()) -> Topology:
    """Ask the end at ``endpoint``. ``known``: nodes of its cluster that may be asked, too.

    Raises :class:`RedisMigrationError`.
    """
    problems: list[ConnectError] = []
    doors = [(endpoint.host, endpoint.port), *endpoint.nodes, *known]
    for door in [at(endpoint, place) for place in dict.fromkeys(doors)] if len(doors) > 1 else [endpoint]:
        try:
            with client(door) as ask:
                server = server_of(ask, door)
                if not server.in_cluster:
                    return alone(endpoint, server)
                ranges = map_of(ask, door)
            break
        except ConnectError as exc:
            problems.append(exc)
    else:
        raise _first(problems)
    places = dict.fromkeys(nodes[0] for _first_slot, _last, nodes in ranges if nodes)
    everybody = dict.fromkeys(place for _first_slot, _last, nodes in ranges for place in nodes)
    # Side by side, as a far node takes a round trip for each question.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        primaries = list(pool.map(_primary, [at(endpoint, place) for place in places]))
    primaries.sort(key=lambda one: (one.slots.find(1), one.id))
    return Topology(endpoint, tuple(primaries), (*places, *(one for one in everybody if one not in places)))


def _first(problems: t.Sequence[ConnectError]) -> RedisMigrationError:
    """Of what all nodes said, one; of what time may cure, if anything is."""
    return next((one for one in problems if one.transient), problems[0])


def _primary(endpoint: Endpoint) -> Primary:
    """What a node says of itself. Raises :class:`ClusterChanged` where it is no primary any more."""
    with client(endpoint) as ask:
        server = server_of(ask, endpoint)
        text = ask.execute_command("CLUSTER", "NODES")
        counts = parse_info(ask.execute_command("INFO", "commandstats"))
    lines = text.decode("utf-8", "replace").splitlines() if isinstance(text, bytes) else []
    told = [words for words in map(str.split, lines) if len(words) >= 8 and "myself" in words[2].split(",")]
    mine = told[0] if told else None
    if mine is None or not mine[6].isdecimal():
        raise odd_reply(text, "CLUSTER NODES", endpoint)
    if "master" not in mine[2].split(","):
        raise ClusterChanged(
            f"The {endpoint} is named as a primary of its cluster, but is a replica.",
            hint="A failover is under way: run again in a while.",
        )
    slots: list[int] = []
    for word in mine[8:]:
        first, _dash, last = word.partition("-")
        if first.isdecimal():
            slots += range(int(first), int(last or first) + 1)
    opened = table_of(int(number) for word in mine[8:] for number in _OPEN.findall(word))
    # Keys of a slot that moves arrive by this command, and the epoch grows with each slot that was taken over.
    arrived = counts.get("cmdstat_restore-asking", "").partition(",")[0]
    return Primary(mine[0], (endpoint.host, endpoint.port), table_of(slots), server, opened, f"{mine[6]} {arrived}")
