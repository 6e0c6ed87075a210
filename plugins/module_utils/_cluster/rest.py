# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When what changes has come to rest, and when it never will."""

from __future__ import annotations

import time
import typing as t

from .._errors import RedisMigrationError

# Between looks at a cluster that changes, and how long it must have been still before it is worked with again, in seconds.
PAUSE = 0.25
STILL = 1.0


class Rest:
    """Is told what every look finds. ``timeout``: seconds for which there may be trouble while nothing changes any more.

    ``trusting``: what is found first, or as it was when it rested last, is taken to have been so all the time.
    """

    def __init__(self, timeout: float, *, trusting: bool = True) -> None:
        self._timeout = timeout
        self._trusting = trusting
        self._rested: t.Any = None
        self._seen: t.Any = None
        self._still = self._changed = 0.0

    def begin(self) -> None:
        """Look anew."""
        self._seen = None

    def reached(self, signature: t.Any, trouble: str | None, so_far: t.Callable[[], str] = lambda: "") -> bool:
        """Whether it rests, by a look at it. ``signature``: what is another one after anything has changed.

        Raises :class:`RedisMigrationError` where ``trouble`` stays and nothing changes; it says what was done ``so_far``.
        """
        now = time.monotonic()
        if signature != self._seen:
            as_before = self._trusting and self._seen is None and self._rested in (None, signature)
            self._still = now - STILL if as_before else now
            self._changed, self._seen = now, signature
        if trouble is None and now - self._still >= STILL:
            self._rested = signature
            return True
        if trouble and now - self._changed > self._timeout:
            raise RedisMigrationError(
                f"{trouble} Nothing has changed there for {self._timeout:g} s.{so_far()}",
                hint="Finish what was begun there (redis-cli --cluster check HOST:PORT names it, --cluster fix repairs it),"
                " then run again.",
            )
        return False
