# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for an end that is away for a while."""

from __future__ import annotations

import time
import typing as t

from .._errors import ConnectError

_T = t.TypeVar("_T")


def patiently(ask: t.Callable[[], _T], seconds: float, pause: float) -> _T:
    """What ``ask`` returns; an end that is away is asked again after each ``pause``, for at most ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except ConnectError as exc:
            if not exc.transient or time.monotonic() >= deadline:
                raise
            time.sleep(pause)
