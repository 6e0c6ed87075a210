# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands at a terminal that somebody sits at: prompts are answered."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from tests.support import keeper


def at_terminal(
    command: str, directory: Path, environment: Mapping[str, str], answers: Mapping[str, str], timeout: float = 120
) -> tuple[int, str]:
    """Give `command` to a shell; returns its exit code and all that the terminal showed.

    `answers`: what is typed, once each time, when the output ends with something that matches the pattern.
    """
    pid, terminal = pty.fork()
    if pid == 0:  # the shell
        try:
            os.chdir(directory)
            os.execvpe("bash", ["bash", "-e", "-o", "pipefail", "-c", command], dict(environment))
        finally:
            os._exit(127)
    keeper.keep(pid)
    shown, answered = "", 0
    deadline = time.monotonic() + timeout
    status = None
    while True:
        ready, _writable, _failed = select.select([terminal], [], [], 0.05)
        if ready:
            try:
                data = os.read(terminal, 1 << 16)
            except OSError:  # Linux's way to tell that nobody has the terminal open any more
                data = b""
            shown += data.decode(errors="replace")
            for pattern, answer in answers.items():
                if re.search(pattern + r"\s*\Z", shown[answered:]):
                    os.write(terminal, f"{answer}\n".encode())
                    answered = len(shown)
                    break
        elif status is not None:
            break  # what it left in the background, such as a connection of ssh, may keep the terminal
        if status is None:
            ended, found = os.waitpid(pid, os.WNOHANG)
            status = found if ended else None
        elif ready and not data:
            break
        if status is None and time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            shown += f"\nThis took longer than {timeout:.0f} s."
    keeper.forget(pid)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown
