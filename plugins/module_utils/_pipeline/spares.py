# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open connections that nobody uses at the moment: what one logical database leaves, the next one takes."""

from __future__ import annotations

import typing as t

from .._connection.endpoint import Endpoint


class Spares:
    """Connections of one run, by end and name, so that a thousand databases need no thousand of them."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[t.Any]] = {}

    def leave(self, endpoint: Endpoint, name: str, connection: t.Any) -> None:
        """``connection``: of redis-py, with nothing in flight."""
        self._idle.setdefault((endpoint.role, name), []).append(connection)

    def take(self, endpoint: Endpoint, name: str) -> t.Any | None:
        """One that was left, if there is any. Pipes that are opened side by side may take them so, too."""
        try:
            return self._idle[endpoint.role, name].pop()
        except LookupError:
            return None

    def close(self) -> None:
        """Close those that nobody took."""
        for connections in self._idle.values():
            for connection in connections:
                connection.disconnect()
        self._idle.clear()
