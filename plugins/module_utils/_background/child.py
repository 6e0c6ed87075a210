# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a background process does around its work: hear that it has to end, and say once how its beginning went."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import typing as t


def begin(stop: t.Callable[[], None]) -> None:
    """Out of the reach of a Ctrl-C; SIGTERM calls C(stop)."""
    signal.signal(signal.SIGTERM, lambda *_: stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.chdir("/")


def report(answer: dict[str, t.Any]) -> None:
    """One line, and then nobody listens any more."""
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    os.close(null)
