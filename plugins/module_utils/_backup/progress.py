# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a backup or a restore is, for who looks at it from another thread while it runs."""

from __future__ import annotations

import os
import time
import typing as t

Look = t.Callable[[], dict[str, t.Any]]


class Progress:
    """One step after the other, each with its own way to tell how far it is."""

    def __init__(self) -> None:
        self._step: tuple[str, float, Look] | None = None

    def begin(self, step: str, look: Look) -> None:
        """``look`` returns numbers: keys looked at (``databases``) of all (``expected``), or a file's bytes (``file``)."""
        self._step = (step, time.monotonic(), look)

    def look(self) -> dict[str, t.Any]:
        """The step, the seconds since it began, and its numbers; empty before the first."""
        if self._step is None:
            return {}
        step, began, look = self._step
        return {"step": step, "elapsed_seconds": round(time.monotonic() - began, 3), **look()}


def position(file: t.BinaryIO) -> Look:
    """How many of the bytes of a file without a buffer have been read."""
    size = os.fstat(file.fileno()).st_size
    return lambda: {"file": [file.tell(), size]}
