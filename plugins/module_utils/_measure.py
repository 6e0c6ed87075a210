# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server and how far away it is."""

from __future__ import annotations

import time

from ._connection.connect import client
from ._connection.endpoint import Endpoint
from ._server.info import Server, server_of

_PING_TRIES = 5


def measure(endpoint: Endpoint) -> tuple[Server, float]:
    """The server at ``endpoint``, and the round trip to it in milliseconds (the best of a few)."""
    with client(endpoint) as redis_client:
        server = server_of(redis_client, endpoint)
        best = float("inf")
        for _try in range(_PING_TRIES):
            start = time.perf_counter()
            redis_client.ping()
            best = min(best, time.perf_counter() - start)
    return server, best * 1000
