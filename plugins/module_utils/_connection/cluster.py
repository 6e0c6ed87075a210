# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the primary of a part of a cluster is now: the cluster's nodes are asked, in order, at each connection.

What a node says is believed only while it sees the cluster well, and who is found must be a primary.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import ClusterChanged, ConnectError, RedisMigrationError
from .._imports import redis
from .._keys.slots import shown, table_of
from .address import joined
from .endpoint import Endpoint
from .explain import explain
from .replies import odd_reply, parse_info
from .sentinel import Opener
from .shard import Place, Shard


def at(endpoint: Endpoint, place: Place) -> Endpoint:
    """``endpoint`` at this host and port."""
    return dataclasses.replace(endpoint, host=place[0], port=place[1])


def map_of(ask: t.Any, door: Endpoint) -> list[tuple[int, int, list[Place]]]:
    """First slot, last slot, and the nodes that serve them, the primary first, as the node behind ``ask`` sees it.

    Raises :class:`ConnectError` where it does not see the cluster well.
    """
    state = parse_info(ask.execute_command("CLUSTER", "INFO")).get("cluster_state")
    if state != "ok":
        raise ConnectError(
            f"The {door} says that its cluster is not well (cluster_state: {state or 'unknown'}).",
            hint="A failover may be under way: run again in a while. If it stays so, see CLUSTER NODES there: a primary has"
            " failed and no replica takes its place, or slots are served by nobody.",
            transient=True,
        )
    return ranges_of(ask, door)


def ranges_of(ask: t.Any, door: Endpoint) -> list[tuple[int, int, list[Place]]]:
    """The same of a node however well it sees the cluster."""
    reply = ask.execute_command("CLUSTER", "SLOTS")
    if not isinstance(reply, list):
        raise odd_reply(reply, "CLUSTER SLOTS", door)
    return [(int(entry[0]), int(entry[1]), [_place(node, door) for node in entry[2:]]) for entry in reply]


def _place(node: t.Sequence[t.Any], door: Endpoint) -> Place:
    """Host and port of a node. One without a host is at the host that was asked."""
    host, port = _text(node[0]), int(node[1])
    if host in ("", "?"):
        # It knows no name of its own; newer versions tell the address beside that.
        more = [_text(word) for word in node[3]] if len(node) > 3 and isinstance(node[3], list) else []
        host = dict(zip(more[::2], more[1::2])).get("ip", "") or door.host
    return host, port


def _text(value: t.Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def connected(endpoint: Endpoint, opener: Opener) -> t.Any:
    """A connection to the primary that serves the slots of ``endpoint``.

    Raises :class:`ClusterChanged` where that is not one primary any more, and :class:`RedisMigrationError` that says of each
    node why it did not help.
    """
    shard = _shard(endpoint)
    problems: list[RedisMigrationError] = []
    tried: set[Place] = set()
    for node in shard.in_order:
        door = dataclasses.replace(at(endpoint, node), shard=None)
        try:
            with opener.client(door) as ask:
                place = _primary_of(map_of(ask, door), shard, door)
            if place in tried:
                continue
            tried.add(place)
            connection = opener.connection(at(endpoint, place))
        except ConnectError as exc:
            if not exc.transient:
                raise
            problems.append(exc)
            continue
        try:
            _check_primary(connection, at(endpoint, place))
        except ConnectError as exc:
            connection.disconnect()
            problems.append(exc)
            continue
        shard.found.update(host=place[0], port=str(place[1]), by=joined(*node))
        return connection
    said = " ".join(dict.fromkeys(exc.message for exc in problems))
    hints = " ".join(dict.fromkeys(exc.hint for exc in problems if exc.hint))
    raise ConnectError(
        f"The primary of the {endpoint.role} cluster that serves {shard} cannot be reached. {said}",
        hint=hints or None,
        transient=True,
    )


def _primary_of(ranges: t.Sequence[tuple[int, int, list[Place]]], shard: Shard, door: Endpoint) -> Place:
    """The one primary that serves all slots of ``shard``. Raises :class:`ClusterChanged`."""
    owners: dict[Place, None] = {}
    served = bytearray(len(shard.slots))
    for first, last, nodes in ranges:
        if nodes and 1 in shard.slots[first : last + 1]:
            owners[nodes[0]] = None
        served[first : last + 1] = b"\1" * (last + 1 - first)
    missing = [slot for slot, wanted in enumerate(shard.slots) if wanted and not served[slot]]
    if missing or len(owners) != 1:
        what = f"{shown(table_of(missing))} are served by nobody" if missing else "slots moved from one node to another"
        raise ClusterChanged(
            f"The cluster of the {door} changed: {what}.", hint="Run again when no slots are moved there any more."
        )
    return next(iter(owners))


def _check_primary(connection: t.Any, place: Endpoint) -> None:
    """Raise :class:`ConnectError` unless the node behind ``connection`` is a primary."""
    try:
        connection.send_command("INFO", "replication")
        role = parse_info(connection.read_response()).get("role")
    except redis.ResponseError:
        # Those who need it find that out and say so.
        return
    except (redis.RedisError, OSError) as exc:
        raise explain(exc, place, command=("INFO",)) from None
    if role in ("slave", "replica"):
        raise ConnectError(
            f"The {place} is named as a primary of its cluster, but is a replica.",
            hint="A failover is under way, or not all nodes have heard of one yet: run again in a while.",
            transient=True,
        )


def _shard(endpoint: Endpoint) -> Shard:
    if endpoint.shard is None:
        raise LookupError(f"the {endpoint.role} is no part of a cluster")
    return endpoint.shard
