# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When applications may be stopped: not before a moment, and not before somebody has made a file."""

from __future__ import annotations

import datetime
import os
import time


def moment_of(text: str) -> float:
    """Seconds since 1970 of an ISO 8601 moment with a time zone. Raises :class:`ValueError` with a sentence."""
    try:
        moment = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"'{text}' is no moment in ISO 8601 with a time zone, such as 2026-12-01T02:00:00+01:00")
    return moment.timestamp()


class Gate:
    """``until``: a moment in ISO 8601; ``path``: a file. Either may be missing. Raises :class:`ValueError` with a sentence."""

    def __init__(self, until: str | None, path: str | None) -> None:
        self._until = until
        self._moment = moment_of(until) if until else 0.0
        self._path = os.path.abspath(os.path.expanduser(path)) if path else None
        if self._path is not None and os.path.isdir(self._path):
            raise ValueError(f"{self._path} is a directory; the file that opens the gate has to have a name of its own")

    @property
    def closed_by(self) -> str:
        """What is still waited for; empty once it is open."""
        if time.time() < self._moment:
            return f"for {self._until}"
        if self._path is None:
            return ""
        try:
            os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return f"until somebody makes the file {self._path}"
        except OSError as exc:
            return f"until the file {self._path} can be looked at ({exc.strerror})"
        return ""
