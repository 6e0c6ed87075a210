# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing that a test started outlives it: a tiny process of its own that cleans up when this one is gone.

A child's "die with your parent" flag would follow the thread that started it, and exists on Linux only. So one keeper
per test process reads what was started from a pipe; when the pipe closes, by whatever death, it kills the process
groups and removes the directories that are still on its list.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading

_KEEPER = """
import json, os, shutil, signal, sys
kept = {}
for line in sys.stdin:
    order = json.loads(line)
    if order["keep"]:
        kept[order["pid"]] = order["directory"]
    else:
        kept.pop(order["pid"], None)
for pid in kept:
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
for directory in kept.values():
    if directory:
        shutil.rmtree(directory, ignore_errors=True)
"""

_lock = threading.Lock()
_keepers: dict[int, subprocess.Popen[str]] = {}  # by our own pid: a forked child needs one of its own


def keep(pid: int, directory: str | os.PathLike[str] | None = None) -> None:
    """Kill the process group `pid` and remove `directory` when this process ends without having said `forget`.

    The process must lead its own group (start_new_session=True).
    """
    _tell({"keep": True, "pid": pid, "directory": os.fspath(directory) if directory else None})


def forget(pid: int) -> None:
    """The process has ended in order, or is meant to stay."""
    _tell({"keep": False, "pid": pid})


def _tell(order: dict[str, object]) -> None:
    with _lock:
        keeper = _keepers.get(os.getpid())
        if keeper is None or keeper.poll() is not None:
            keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _KEEPER],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
            _keepers[os.getpid()] = keeper
        assert keeper.stdin is not None
        keeper.stdin.write(json.dumps(order) + "\n")
        keeper.stdin.flush()


@atexit.register
def _end() -> None:
    keeper = _keepers.pop(os.getpid(), None)
    if keeper is not None and keeper.stdin is not None:
        keeper.stdin.close()
        keeper.wait()
