# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the event loop knows of a job that it runs, and of a pipe that fails."""

from __future__ import annotations

import collections
import os
import traceback

from .job import Job
from .pipe import Call, Likeness


class Task:
    __slots__ = ("job", "missing", "calls", "single", "alive", "silence", "lost")

    def __init__(self, job: Job[object]) -> None:
        self.job = job
        self.missing = 0
        self.calls: tuple[Call, ...] = ()
        self.single = True
        self.alive = True
        # Seconds for which its calls stood first in line and nothing was answered.
        self.silence = 0.0
        # The commands that lost their connection and have not got through since.
        self.lost: collections.Counter[Likeness] = collections.Counter()


class Outage:
    """How long a pipe has been failing, when it was last opened again, and how many jobs were through by then."""

    __slots__ = ("since", "reopened", "finished")

    def __init__(self, since: float) -> None:
        self.since = self.reopened = since
        self.finished = 0


def place_of(exc: BaseException) -> str:
    """Where in the program an exception arose; its message may hold data."""
    *_outer, (frame, line) = traceback.walk_tb(exc.__traceback__)
    return f"{type(exc).__name__} in {os.path.basename(frame.f_code.co_filename)}, line {line}"
