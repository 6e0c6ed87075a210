# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the progress of a module that cannot be cut into slices, from what it says in a file while it runs."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import secrets
import shlex
import tempfile
import threading
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.progress import (
    StepLines,
    progress_interval,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.worker import WorkerAction

# Most runs end within it, and then nothing was spent on progress.
_FIRST_SECONDS = 10.0


class ToldAction(WorkerAction):
    """Base of the action plugins of such modules."""

    def conduct(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        seconds = progress_interval(arguments)
        if self._task.async_val or not seconds or arguments.get("progress_path"):
            return super().conduct(arguments, variables)
        here = self._connection.transport == "local"
        # The name is a secret of this task, so that nobody can be there first.
        path = f"{tempfile.gettempdir() if here else '/tmp'}/redis-migration-progress-{secrets.token_hex(16)}"
        over = threading.Event()
        teller = threading.Thread(
            target=_tell,
            args=(
                reader(self._connection, path),
                StepLines(str(variables.get("inventory_hostname", "localhost"))),
                seconds,
                over,
            ),
            daemon=True,
        )
        teller.start()
        try:
            result = super().conduct({**arguments, "progress_path": path}, variables)
        finally:
            over.set()
            teller.join()
            if here:
                # A module that was killed has left it.
                with contextlib.suppress(OSError):
                    os.unlink(path)
        result.get("invocation", {}).get("module_args", {}).pop("progress_path", None)
        return result


def reader(connection: ConnectionBase, path: str) -> t.Callable[[], bytes]:
    """Returns what is in a file of the machine at the other end. Raises :class:`OSError` or :class:`AnsibleError`."""
    if connection.transport == "local":

        def read() -> bytes:
            with open(path, "rb") as file:
                return file.read()

        return read
    # The task's own connection waits for the module at this time.
    another = copy.copy(connection)
    return lambda: bytes(another.exec_command(f"cat {shlex.quote(path)}", sudoable=False)[1])


def _tell(read: t.Callable[[], bytes], lines: StepLines, seconds: float, over: threading.Event) -> None:
    wait = min(_FIRST_SECONDS, seconds)
    while not over.wait(wait):
        wait = seconds
        # It may be there no more, or be half written. What is not told now is told the next time.
        with contextlib.suppress(OSError, AnsibleError, ValueError):
            told = json.loads(read())
            if told and not over.is_set():
                Display().display(lines.line(told), stderr=True)
