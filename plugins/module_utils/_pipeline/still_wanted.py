# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run ends soon after the one who waits for it is gone: nobody would learn of its result, and it is in the next one's way."""

from __future__ import annotations

import time
import typing as t

from .._errors import RedisMigrationError

_ASK_SECONDS = 1.0


class StillWanted:
    """Asks ``wanted`` once a second whether somebody waits for the end of the run."""

    def __init__(self, wanted: t.Callable[[], bool]) -> None:
        self._wanted = wanted
        self._asked = time.monotonic()

    def check(self) -> None:
        """Raises :class:`RedisMigrationError` if nobody does."""
        now = time.monotonic()
        if now - self._asked < _ASK_SECONDS:
            return
        self._asked = now
        if not self._wanted():
            raise RedisMigrationError(
                "Nobody waits for this run any more: its playbook was killed, or the connection to it broke.",
                hint="Run it again to finish it.",
            )
