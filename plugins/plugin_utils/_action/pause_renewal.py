# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renews a pause of writes between slices, where no process beside the server watches over it (a remote worker)."""

from __future__ import annotations

import time
import typing as t

RunModule = t.Callable[[str, dict[str, t.Any]], t.Mapping[str, t.Any]]


class PauseRenewal:
    """Of the pause that the phase isolate has begun, if it has; ``source`` is the endpoint that is paused."""

    def __init__(self, run_module: RunModule, source: t.Any, variables: t.Mapping[str, t.Any]) -> None:
        pause = variables.get("__redis_migration_pause", {})
        needed = pause.get("paused") and not pause.get("guard") and "pause_seconds" in pause
        self.seconds = float(pause["pause_seconds"]) if needed else 0.0
        self._run_module = run_module
        self._source = source
        self._renewed = float("-inf")

    def renew(self) -> str:
        """Renew it if it is time to. Returns what went wrong, if anything did."""
        if not self.seconds or time.monotonic() - self._renewed < self.seconds / 3:
            return ""
        first, self._renewed = self._renewed == float("-inf"), time.monotonic()
        endpoint = {name: value for name, value in self._source.items() if name != "backend"}
        options = {"endpoint": endpoint, "state": "paused", "pause_seconds": self.seconds}
        result = self._run_module("redis_isolation", options)
        if result.get("failed"):
            return f"The pause of writes could not be renewed: {result.get('msg', 'no reason was given')}"
        if result.get("changed") and not first:
            return "The pause of writes had ended before it was renewed; writes may have come through meanwhile."
        return ""
