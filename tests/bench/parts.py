# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-playbook takes, and where: its own process, the forks in which it runs tasks, and the modules these start.

Ansible keeps no account of it. A callback plugin, which is loaded into the playbook's own process, has each fork write one
down as its last act, and its own process at the end.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.support.paths import COLLECTIONS_PATH

_LOOK_SECONDS = 0.25

_PLUGIN = """
import json, os, resource
from ansible.executor.process.worker import WorkerProcess
from ansible.plugins.callback import CallbackBase
DOCUMENTATION = "{name: parts, type: aggregate, short_description: accounts, description: [accounts]}"

def used(whose):
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss

def write(**account):
    with open(os.environ["BENCH_PARTS_FILE"], "a") as file:
        file.write(json.dumps(account) + "\\n")

run = WorkerProcess._run

def run_and_account(self):
    try:
        return run(self)
    finally:
        (own, memory), (modules, _) = used(resource.RUSAGE_SELF), used(resource.RUSAGE_CHILDREN)
        write(task=self._task.name or self._task.action, fork=own, modules=modules, memory=memory)

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "parts"
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        WorkerProcess._run = run_and_account
    def v2_playbook_on_stats(self, stats):
        own, memory = used(resource.RUSAGE_SELF)
        write(playbook=own, memory=memory)
"""


class Task(NamedTuple):
    """What one task took for all hosts, in seconds of processor time."""

    runs: int
    forks: float
    modules: float


class Parts(NamedTuple):
    """Seconds of processor time, and the largest resident sizes in MiB."""

    playbook: float
    forks: float
    modules: float
    playbook_mib: float
    fork_mib: float
    tasks: Mapping[str, Task]


class Accounts:
    """Of one run: :attr:`environment` is for its ansible-playbook."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "parts"
        (directory / "parts_callback").mkdir()
        (directory / "parts_callback" / "parts.py").write_text(_PLUGIN)
        self.environment = {
            "ANSIBLE_CALLBACK_PLUGINS": str(directory / "parts_callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "parts",
            "BENCH_PARTS_FILE": str(self._file),
        }

    def read(self) -> Parts:
        """What the run has written down."""
        lines = [json.loads(line) for line in self._file.read_text().splitlines()]
        forks = [line for line in lines if "task" in line]
        (playbook,) = (line for line in lines if "playbook" in line)
        tasks: dict[str, Task] = {}
        for fork in forks:
            before = tasks.get(fork["task"], Task(0, 0.0, 0.0))
            tasks[fork["task"]] = Task(before.runs + 1, before.forks + fork["fork"], before.modules + fork["modules"])
        return Parts(
            playbook["playbook"],
            sum(fork["fork"] for fork in forks),
            sum(fork["modules"] for fork in forks),
            playbook["memory"] / 1024,
            max(fork["memory"] for fork in forks) / 1024,
            tasks,
        )


class Memory:
    """The most memory that a process and all that it starts have together, in MiB: what they share counts once."""

    def __init__(self) -> None:
        self.peak_mib = 0.0
        self._over = threading.Event()
        self._pid = 0

    def of(self, pid: int) -> None:
        self._pid = pid

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        watch = threading.Thread(target=self._watch, daemon=True)
        watch.start()
        try:
            yield
        finally:
            self._over.set()
            watch.join()

    def _watch(self) -> None:
        sys.path.insert(0, str(COLLECTIONS_PATH))
        from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import descendants

        while not self._over.wait(_LOOK_SECONDS):
            if self._pid:
                together = sum(_proportional_kib(pid) for pid in [self._pid, *descendants(self._pid)])
                self.peak_mib = max(self.peak_mib, together / 1024)


def _proportional_kib(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
