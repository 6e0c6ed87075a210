# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling a process from another one that got its number later, or that runs on another machine; noticing who is gone."""

from __future__ import annotations

import contextlib
import os
import platform
import select
import signal
import subprocess
import time


def process_identity(pid: int) -> str | None:
    """A text that only this process on this machine since this boot has; None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stream:
            # The name in parentheses may hold anything; behind it the state is field 3, the start time field 22.
            fields = stream.read().rpartition(")")[2].split()
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            boot = stream.read().strip()
        return None if fields[0] in ("Z", "X") else f"{boot}:{fields[19]}"
    except FileNotFoundError:
        if os.path.exists("/proc/self/stat"):
            return None
    except (OSError, IndexError):
        pass
    return _identity_from_ps(pid)


def _identity_from_ps(pid: int) -> str | None:
    try:
        answer = subprocess.run(
            ["ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    state, _space, started = answer.partition(" ")
    return f"{platform.node()}:{started.strip()}" if started and not state.startswith("Z") else None


def is_alive(pid: int, identity: str) -> bool:
    """Whether this very process still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return process_identity(pid) == identity


def end_process(pid: int, identity: str, patience: float = 5.0) -> None:
    """Ask this very process to end, and end it when it does not within C(patience) seconds."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 2.0)):
        if not is_alive(pid, identity):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends and is_alive(pid, identity):
            time.sleep(0.05)


# The process that this one works for, where that is another than Ansible.
_parent: list[int] = []


def belong_to(parent: int) -> None:
    """Have :func:`output_is_read` say no once the process ``parent``, which forked this one, is gone."""
    _parent[:] = [parent]


def output_is_read() -> bool:
    """Whether somebody is there to read what this process writes; True where that cannot be told (a file, a terminal).

    Ansible reads the output of a module, on another machine through sshd. When the playbook or the connection to it is
    gone nobody does any more, and this is all that a module can see of it.
    """
    if _parent and os.getppid() not in _parent:
        return False
    poll = select.poll()
    # Asked for nothing it still tells that the other end of a pipe was closed.
    poll.register(1, 0)
    return not any(event & (select.POLLERR | select.POLLHUP) for _number, event in poll.poll(0))


def descendants(pid: int) -> list[int]:
    """The processes that this one has started, and those that they have started."""
    parents = _parents()
    found = [pid]
    for parent in found:
        found += [child for child, its_parent in parents.items() if its_parent == parent]
    return found[1:]


def _parents() -> dict[int, int]:
    """The parent of every process."""
    if not os.path.exists("/proc/self/stat"):
        command = ["ps", "-A", "-o", "pid=", "-o", "ppid="]
        listed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10).stdout
        return {int(pid): int(parent) for pid, parent in (line.split() for line in listed.splitlines())}
    parents: dict[int, int] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        # One that has ended meanwhile has no parent.
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stream:
            parents[int(pid)] = int(stream.read().rpartition(")")[2].split()[1])
    return parents
