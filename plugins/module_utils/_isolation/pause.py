# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holding back the writes of a server for a while: CLIENT PAUSE … WRITE, which ends by itself, and its undoing."""

from __future__ import annotations

import contextlib
import typing as t

from .._connection.endpoint import Endpoint
from .._connection.replies import parse_info
from .._errors import CommandRefused, RedisMigrationError
from .._keys.slots import TAGS
from .._server.dry_run import HeldBack, denied, queue
from .._server.info import Server
from .isolation import Node


def pause_writes(redis_client: t.Any, endpoint: Endpoint, server: Server, seconds: float) -> None:
    """Hold back all writes for ``seconds`` from now; a pause that lasts longer stays as it is.

    Raises :class:`CommandRefused` where that is not possible or not permitted.
    """
    if server.flavor != "valkey" and server.version_tuple < (6, 2):
        raise CommandRefused(
            f"The {endpoint} is {server.product}, which can only pause reads and writes together.",
            hint="Stop the applications instead, or disconnect them; pausing writes alone came with Redis 6.2.",
        )
    redis_client.execute_command("CLIENT", "PAUSE", str(int(seconds * 1000)), "WRITE")


def release_writes(redis_client: t.Any) -> None:
    """End the pause, if there is one. What was held back runs at once."""
    redis_client.execute_command("CLIENT", "UNPAUSE")


def pause_all(nodes: t.Sequence[Node], seconds: float) -> None:
    """Hold back the writes of all ``nodes``, or, where that fails at one, of none that this began to hold back.

    Raises :class:`RedisMigrationError`.
    """
    begun: list[Node] = []
    try:
        for node in nodes:
            held = len(nodes) > 1 and is_paused(node.client, node.endpoint)
            pause_writes(node.client, node.endpoint, node.server, seconds)
            if not held:
                begun.append(node)
    except RedisMigrationError:
        for node in begun:
            with contextlib.suppress(RedisMigrationError):
                release_writes(node.client)
        raise


def all_paused(nodes: t.Sequence[Node]) -> bool | None:
    """Whether the writes of all are held back, or None where that cannot be found out of one."""
    found = [is_paused(node.client, node.endpoint) for node in nodes]
    return None if None in found else all(found)


def any_paused(nodes: t.Sequence[Node]) -> bool | None:
    """Whether those of one are, at least."""
    found = [is_paused(node.client, node.endpoint) for node in nodes]
    return True if True in found else None if None in found else False


def is_paused(redis_client: t.Any, endpoint: Endpoint) -> bool | None:
    """Whether writes are held back now, or None where that cannot be found out.

    Newer servers say so. Others are asked to queue a write between MULTI and DISCARD, which runs nothing: while writes
    are held back, they do not answer.
    """
    info = parse_info(redis_client.execute_command("INFO", "clients"))
    if "paused_actions" in info:
        return info["paused_actions"] != "none"
    try:
        replies = queue(endpoint, [("DEL", _key_of(endpoint))])
    except HeldBack:
        # Does it answer to anything?
        redis_client.ping()
        return True
    return None if isinstance(replies, str) or denied(replies[0]) else False


def _key_of(endpoint: Endpoint) -> bytes:
    """A name that a node of a cluster serves, as it would name another node otherwise, paused or not."""
    if endpoint.shard is None:
        return b"x"
    return b"{%b}" % TAGS[max(0, endpoint.shard.slots.find(1))]
