# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module of the collection as Ansible does, in a process of its own, or a playbook with the real commands.

run = run_module("redis_migrate_keys", source=source.endpoint(), target=target.endpoint())
assert run.ok["totals"]["failed"] == 0
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support import keeper, preloaded
from tests.support.paths import COLLECTIONS_PATH, REPO

FQCN = "dataservices.redis_migration."


@dataclass(frozen=True)
class ModuleRun:
    """What a module left: its `result`, everything it wrote, and what it took."""

    result: dict[str, Any]
    stderr: str
    seconds: float
    peak_mib: float
    """The largest resident size of its process."""

    @property
    def ok(self) -> dict[str, Any]:
        """The result of a run that succeeded."""
        assert not self.result.get("failed"), self.result.get("msg")
        return self.result

    @property
    def message(self) -> str:
        """What a failed run says."""
        assert self.result.get("failed"), self.result
        return str(self.result["msg"])


class StartedModule:
    """A running module: `.pid` to kill it by, `.wait()` for what it left."""

    def __init__(
        self, name: str, options: Mapping[str, Any], *, check: bool = False, diff: bool = False, unread: bool = False
    ) -> None:
        """`unread`: nobody is there to read its result, as when the playbook is gone."""
        arguments = {key: value for key, value in options.items() if value is not None}
        arguments.update(_ansible_check_mode=check, _ansible_diff=diff)
        self._began = time.monotonic()
        self._fork = preloaded.Fork(name.removeprefix(FQCN), arguments)
        keeper.keep(self.pid)
        self._written: dict[str, bytes] = {}
        self._unread = unread
        if unread:
            self._fork.stdout.close()
        self._readers = [
            threading.Thread(target=self._read, args=(name,), daemon=True) for name in ("stdout", "stderr")[unread:]
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._fork.pid

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.pid, how)

    def wait(self, timeout: float = 600) -> ModuleRun:
        """Its end. A module that was killed leaves an empty result; one that takes longer than `timeout` is killed."""
        watchdog = threading.Timer(timeout, self.kill)
        watchdog.start()
        try:
            code, peak = self._fork.wait()
        finally:
            watchdog.cancel()
        keeper.forget(self.pid)
        for reader in self._readers:
            reader.join()
        output, errors = (self._written.get(name, b"").decode(errors="replace") for name in ("stdout", "stderr"))
        result: dict[str, Any] = {}
        if code >= 0 and not self._unread:
            try:
                result = json.loads(output)
            except ValueError:
                raise AssertionError(f"the module gave no result:\n{output[-4000:]}\n{errors[-4000:]}") from None
        return ModuleRun(result, errors, time.monotonic() - self._began, peak / 1024)

    def _read(self, name: str) -> None:
        stream = getattr(self._fork, name)
        self._written[name] = stream.read()
        stream.close()


def run_module(
    name: str, /, *, check: bool = False, diff: bool = False, wait: float = 600, **options: Any
) -> ModuleRun:
    """Run a module with these options (None: not given) and wait for it."""
    return StartedModule(name, options, check=check, diff=diff).wait(wait)


@dataclass(frozen=True)
class PlaybookRun:
    """What ansible-playbook left; `stats` are its counters per host: ok, changed, failures, unreachable, ..."""

    returncode: int
    output: str
    stats: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def ok(self) -> PlaybookRun:
        assert self.returncode == 0, self.output[-8000:]
        return self

    @property
    def changed(self) -> int:
        """changed tasks over all hosts."""
        return sum(host["changed"] for host in self.stats.values())


# Counters as data: the recap is for people.
_STATS = """
import json, os
from ansible.plugins.callback import CallbackBase
DOCUMENTATION = "{name: stats, type: aggregate, short_description: counters, description: [counters]}"
class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "stats"
    def v2_playbook_on_stats(self, stats):
        with open(os.environ["TESTS_STATS_FILE"], "w") as file:
            json.dump({host: stats.summarize(host) for host in stats.processed}, file)
"""


def run_playbook(
    playbook: str | list[dict[str, Any]],
    inventory: Mapping[str, Any] | Path,
    *arguments: str,
    check: bool = False,
    environment: Mapping[str, str] | None = None,
    directory: Path = REPO,
    timeout: float = 600,
    started: Callable[[int], None] | None = None,
) -> PlaybookRun:
    """Run `playbook` (one of playbooks/ by name, a full name, or plays) on an inventory (data or a file).

    Extra `arguments` go to ansible-playbook. Every inventory, play and result lies in a directory that is removed
    afterwards; a run that takes longer than `timeout` seconds is ended and fails. `started` is told the pid.
    """
    with tempfile.TemporaryDirectory(prefix="playbook-") as temporary:
        work = Path(temporary)
        (work / "callbacks").mkdir()
        (work / "callbacks" / "stats.py").write_text(_STATS)
        if not isinstance(inventory, Path):
            written = work / "inventory.yml"
            written.touch(mode=0o600)
            written.write_text(yaml.safe_dump(dict(inventory)))
            inventory = written
        if isinstance(playbook, list):
            (work / "playbook.yml").write_text(yaml.safe_dump(playbook))
            named = str(work / "playbook.yml")
        else:
            named = playbook if "." in playbook else str(REPO / "playbooks" / f"{playbook}.yml")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), named, "-i", str(inventory), *arguments]
        if check:
            command.append("--check")
        settings = dict(
            os.environ,
            ANSIBLE_COLLECTIONS_PATH=str(COLLECTIONS_PATH),
            ANSIBLE_CALLBACK_PLUGINS=str(work / "callbacks"),
            ANSIBLE_CALLBACKS_ENABLED="stats",
            ANSIBLE_LOCAL_TEMP=str(work / "local"),
            ANSIBLE_NOCOLOR="1",
            TESTS_STATS_FILE=str(work / "stats.json"),
        )
        settings.update(environment or {})
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        keeper.keep(process.pid)
        if started is not None:
            started(process.pid)
        try:
            output, _nothing = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _nothing = process.communicate()
            raise AssertionError(f"ansible-playbook took longer than {timeout:.0f} s:\n{output[-8000:]}") from None
        finally:
            keeper.forget(process.pid)
        stats = work / "stats.json"
        return PlaybookRun(process.returncode, output, json.loads(stats.read_text()) if stats.exists() else {})
