# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job: what it may yield and what may be thrown into it. The event loop that drives jobs is in flow.py."""

from __future__ import annotations

import collections
import time
import typing as t

from .._errors import RedisMigrationError
from .pipe import Pipe

T = t.TypeVar("T")

# A job that returns a T. What it yields and is sent depends on the place: see flow.py.
Job: t.TypeAlias = t.Generator[t.Any, t.Any, T]

# Errors that are further apart than this, in seconds, have nothing to do with each other.
_APART = 30.0


class Reconnected(Exception):
    """Thrown into a job whose call was lost with its connection; the pipe is open again."""


class LostAgain(Exception):
    """Thrown into a job instead of :class:`Reconnected` when the very same commands have lost their connection before.

    An end may not bear them: a limit closes the connection, often without a reply. ``error`` is what the loss looked like.
    """

    def __init__(self, pipe: Pipe, error: RedisMigrationError) -> None:
        super().__init__(str(error))
        self.pipe = pipe
        self.error = error


class Unsteady(Exception):
    """Raised by a job: an end answered with an error that time may cure (READONLY, LOADING, …); reconnect and retry."""

    def __init__(self, pipe: Pipe, error: RedisMigrationError) -> None:
        super().__init__(str(error))
        self.pipe = pipe
        self.error = error


class Gate:
    """An amount that may be in use at once; whoever wants more waits in order. A single taker is always let in."""

    __slots__ = ("limit", "_used", "_takers", "waiting")

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._used = 0.0
        self._takers = 0
        self.waiting: collections.deque[tuple[float, t.Any]] = collections.deque()

    def fits(self, amount: float) -> bool:
        return not self._takers or self._used + amount <= self.limit

    def take(self, amount: float) -> None:
        self._takers += 1
        self._used += amount

    def give(self, amount: float) -> None:
        self._takers -= 1
        # What is left of fractions must not keep the last waiting one out.
        self._used = self._used - amount if self._takers else 0.0


class Take(t.NamedTuple):
    """Wait for ``amount`` of ``gate``; give it back with :meth:`Flow.give`."""

    gate: Gate
    amount: float


class Sleep(t.NamedTuple):
    """Wait for ``seconds``."""

    seconds: float


class Reopen(t.NamedTuple):
    pipe: Pipe
    error: RedisMigrationError
    since: float


def restarting(
    make: t.Callable[[int], Job[T]], *, after_loss: t.Callable[[Reconnected | LostAgain], bool] = lambda _lost: True
) -> Job[T]:
    """A job that runs ``make(attempt)`` and starts it again after a connection was lost. ``attempt`` counts from 0.

    ``after_loss(lost)`` says whether to start again; otherwise the loss is raised.
    """
    attempt = 0
    unsteady_since = unsteady_last = float("-inf")
    while True:
        try:
            return (yield from make(attempt))
        except (Reconnected, LostAgain) as lost:
            if not after_loss(lost):
                raise
            attempt += 1
        except Unsteady as unsteady:
            attempt += 1
            now = time.monotonic()
            if now - unsteady_last > _APART:
                unsteady_since = now
            unsteady_last = now
            try:
                yield Reopen(unsteady.pipe, unsteady.error, unsteady_since)
            except Reconnected:
                continue
