# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a background process is remembered on this machine: private files without secrets, and who uses it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
import tempfile
import typing as t
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from .._errors import RedisMigrationError
from .._process import end_process, is_alive


@dataclass(frozen=True)
class Holder:
    """Somebody who uses it: a migration's C(name) and the process that runs it (0 where it cannot be seen)."""

    pid: int = 0
    identity: str = ""
    name: str = ""


def holder_of(owner: t.Mapping[str, t.Any] | None) -> Holder:
    """The holder in the option C(owner) of a module. The process counts only where it can be seen: not on a worker that
    is another machine."""
    if owner is None:
        return Holder()
    if is_alive(owner["pid"], owner["identity"]):
        return Holder(owner["pid"], owner["identity"], owner["name"])
    return Holder(name=owner["name"])


@dataclass
class ProcessState:
    """What a background process says of itself."""

    pid: int
    identity: str

    @property
    def alive(self) -> bool:
        return is_alive(self.pid, self.identity)

    def end(self) -> None:
        """End it, and what it may have left running."""
        end_process(self.pid, self.identity)


_State = t.TypeVar("_State", bound=ProcessState)


class ProcessFiles(t.Generic[_State]):
    """The files of one background process in the private C(directory); their names begin with C(key)."""

    def __init__(self, directory: str, key: str, state: type[_State]) -> None:
        self.directory = directory
        self._base = os.path.join(directory, key)
        self._state = state

    def path(self, ending: str) -> str:
        return f"{self._base}.{ending}"

    @property
    def state_path(self) -> str:
        return self.path("json")

    @property
    def holders_path(self) -> str:
        return self.path("holders")

    @property
    def others(self) -> list[str]:
        """Files of it beside its state and its holders."""
        return []

    def read(self) -> _State | None:
        """None when there is no state, or none that can be understood."""
        try:
            return self._state(**(self._load(self.state_path) or {}))
        except TypeError:
            return None

    def write(self, state: _State) -> None:
        self._replace(self.state_path, asdict(state))

    def end(self) -> bool:
        """End the process and remove all that is left of it. Returns whether it ran."""
        state = self.read()
        there = state is not None and state.alive
        if state is not None:
            state.end()
        self.remove()
        return there

    def holders(self) -> set[Holder]:
        """Who uses it and is still there; who cannot be seen is, until it says otherwise."""
        found = self._load(self.holders_path)
        try:
            named = {Holder(**fields) for fields in found or ()}
        except TypeError:
            return set()
        processes = {(holder.pid, holder.identity) for holder in named}
        alive = {process for process in processes if not process[0] or is_alive(*process)}
        return {holder for holder in named if (holder.pid, holder.identity) in alive}

    def write_holders(self, holders: set[Holder]) -> None:
        self._replace(self.holders_path, [asdict(holder) for holder in holders])

    def _load(self, path: str) -> t.Any:
        """What :meth:`_replace` wrote; None when there is none, or nothing that can be understood."""
        try:
            with open(path, encoding="utf-8") as stream:
                return json.load(stream)
        except (OSError, ValueError):
            return None

    def _replace(self, path: str, document: object) -> None:
        descriptor, temporary = tempfile.mkstemp(prefix="new-", dir=self.directory)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(document, stream)
        os.replace(temporary, path)

    def remove(self) -> None:
        for path in (self.state_path, self.holders_path, *self.others):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def remove_directory_if_empty(self) -> None:
        with contextlib.suppress(OSError):
            os.rmdir(self.directory)

    @contextlib.contextmanager
    def locked(self, *, wait: bool = True) -> Iterator[None]:
        """Only one process at a time starts or ends it. The lock file goes when the last one is through.

        Without C(wait) it raises BlockingIOError while somebody else has it.
        """
        path = self.path("lock")
        while True:
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
            except FileNotFoundError:
                # The last process was ended at this moment, and the directory went with it.
                os.makedirs(self.directory, 0o700, exist_ok=True)
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                os.close(descriptor)
                raise
            if _is_at(descriptor, path):
                break
            # Whoever held it before took the file away, so this lock guards nothing.
            os.close(descriptor)
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            os.close(descriptor)

    def lock_if_unheld(self) -> contextlib.ExitStack | None:
        """The lock, if nobody holds the process any more: nobody may begin to while it ends, which it does with the lock
        in hand."""
        if self.holders():
            return None
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self.locked(wait=False))
            except BlockingIOError:
                return None
            return None if self.holders() else stack.pop_all()


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def private_directory(name: str) -> str:
    """A directory that only this user can enter; raises when somebody else owns what is there under its name."""
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    parent = session if session and os.access(session, os.W_OK | os.X_OK) else tempfile.gettempdir()
    path = os.path.join(parent, f"redis-migration-{name}-{os.getuid()}")
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    status = os.stat(path, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise RedisMigrationError(
            f"{path} is not a directory that only this user can enter.",
            hint="Remove it, or set XDG_RUNTIME_DIR to a private directory.",
        )
    return path
