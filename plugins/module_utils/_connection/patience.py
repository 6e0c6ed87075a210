# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for an end that is away for a while."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

from .._errors import ConnectError, ConnectionLost

_T = t.TypeVar("_T")
_S = t.TypeVar("_S")

# Between tries, in seconds.
_PAUSE = 0.5

# So often may the connection to an end break of which nothing is known yet.
_FIRST_TRIES = 4
_FIRST_PAUSE = 0.2


def patiently(ask: t.Callable[[], _T], seconds: float, pause: float = _PAUSE) -> _T:
    """What ``ask`` returns; an end that is away is asked again after each ``pause``, for at most ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except ConnectError as exc:
            if not exc.transient or time.monotonic() >= deadline:
                raise
            time.sleep(pause)


def at_first(ask: t.Callable[[], _T]) -> _T:
    """What ``ask`` returns, the first that an end is asked, or what a run can do without.

    A connection that breaks is opened again a few times.
    An end that is not there at all, or says nothing, is rather a wrong address than a passing trouble.
    """
    for attempt in range(1, _FIRST_TRIES):
        try:
            return ask()
        except ConnectionLost:
            time.sleep(_FIRST_PAUSE * attempt)
    return ask()


def at_once(asks: t.Sequence[t.Callable[[], object]]) -> None:
    """Call all of them side by side, and wait for all. What one raises is lost: who wants to know looks at what it did."""

    def ask(one: t.Callable[[], object]) -> None:
        with contextlib.suppress(Exception):
            one()

    threads = [threading.Thread(target=ask, args=(one,), name="ask an end", daemon=True) for one in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def side_by_side(ask_source: t.Callable[[], _S], ask_target: t.Callable[[], _T]) -> tuple[_S, _T]:
    """What both return, in the time of the slower, as a far end takes a round trip for each question.

    Where both raise, it is the source's exception that comes; it is raised at once.
    """
    found: list[_T] = []
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            found.append(ask_target())
        except BaseException as exc:
            failed.append(exc)

    thread = threading.Thread(target=ask, name="ask the target", daemon=True)
    thread.start()
    source = ask_source()
    thread.join()
    if failed:
        raise failed[0]
    return source, found[0]
