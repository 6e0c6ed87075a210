# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of the playbook, seen from the one in which Ansible runs an action: its child.

A playbook that is killed (SIGKILL, out of memory) ends none of its children. They would go on, and their modules too.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import (
    descendants,
    process_identity,
)

_LOOK_SECONDS = 0.5

# How long a module that was told to end may take before its reader is taken away too, in seconds.
_PATIENCE = 1.0


def playbook_process() -> dict[str, t.Any] | None:
    """The process that runs the play, as the options of modules have it; None where it cannot be told."""
    pid = _parent_of(os.getpid())
    identity = process_identity(pid)
    return {"pid": pid, "identity": identity} if identity else None


def playbook_has_terminal() -> bool:
    """Whether a person may watch the playbook's error stream. This process has none of its own."""
    try:
        return os.path.realpath(f"/proc/{_parent_of(os.getpid())}/fd/2").startswith(("/dev/pts/", "/dev/tty"))
    except OSError:
        return False


def require_playbook() -> None:
    """Raises :class:`AnsibleActionFail` if the playbook is gone: nobody waits for what would still come."""
    if not _runs():
        raise AnsibleActionFail("The playbook was killed, so its work stops here. Run it again to finish it.")


@contextlib.contextmanager
def ended_with_playbook() -> t.Iterator[None]:
    """Within it, whatever this process has started is ended once the playbook is gone."""
    _parent_of(os.getpid())
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(done,), daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _watch(done: threading.Event) -> None:
    while not done.wait(_LOOK_SECONDS):
        if _runs():
            continue
        session = os.getsid(0)
        for pid in descendants(os.getpid()):
            # What has a session of its own (the guard of a pause, a tunnel) watches the playbook itself.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getsid(pid) == session:
                    os.kill(pid, signal.SIGTERM)
        if not done.wait(_PATIENCE):
            # A connection without a process, or one of another user: the module notices that its reader is gone.
            os._exit(1)


def _runs() -> bool:
    return os.getppid() == _parent_of(os.getpid())


@functools.lru_cache(maxsize=1)
def _parent_of(_own: int) -> int:
    """The parent that this process had when it was asked first; an orphan gets another one."""
    return os.getppid()


def name_owner(arguments: dict[str, t.Any], variables: t.Mapping[str, t.Any]) -> None:
    """Fill in the option ``owner``: the process that runs the play, and the host of the inventory that the task is for."""
    process = playbook_process()
    if process:
        # With delegate_to this is still the host that the task is for.
        arguments.setdefault("owner", {**process, "name": str(variables.get("inventory_hostname", ""))})
