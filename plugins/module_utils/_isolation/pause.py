# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holding back the writes of a server for a while: CLIENT PAUSE … WRITE, which ends by itself, and its undoing."""

from __future__ import annotations

import typing as t

from .._connection.endpoint import Endpoint
from .._connection.replies import parse_info
from .._errors import CommandRefused
from .._server.dry_run import HeldBack, denied, queue
from .._server.info import Server


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


def is_paused(redis_client: t.Any, endpoint: Endpoint) -> bool | None:
    """Whether writes are held back now, or None where that cannot be found out.

    Newer servers say so. Others are asked to queue a write between MULTI and DISCARD, which runs nothing: while writes
    are held back, they do not answer.
    """
    info = parse_info(redis_client.execute_command("INFO", "clients"))
    if "paused_actions" in info:
        return info["paused_actions"] != "none"
    try:
        replies = queue(endpoint, [("DEL", "x")])
    except HeldBack:
        # Does it answer to anything?
        redis_client.ping()
        return True
    return None if isinstance(replies, str) or denied(replies[0]) else False
