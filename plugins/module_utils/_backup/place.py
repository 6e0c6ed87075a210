# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of a backup: where it appears in the end, and what keeps it from others until then.

While a backup is written, a locked file beside it keeps away another run with the same destination. The lock ends with the
process; its file is taken away by whoever holds the lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import os
import tempfile
import typing as t

from .._errors import RedisMigrationError
from .parts import there

_UNFINISHED = ".unfinished"
_LOCK = ".lock"

_HINTS = {
    errno.ENOSPC: "Make room there, or choose another 'dest'.",
    errno.EDQUOT: "Make room there, or choose another 'dest'.",
    errno.EFBIG: "The limit for files of this user or file system is lower: choose another 'dest'.",
    errno.EACCES: "Choose a 'dest' that the user of this task may write to.",
    errno.EPERM: "Choose a 'dest' that the user of this task may write to.",
    errno.EROFS: "Choose a 'dest' that can be written to.",
    errno.ENOENT: "Create the directory first; the module does not.",
    errno.ENOTDIR: "Give the name of a file in an existing directory.",
}


class Place:
    """``replace``: whether a backup that is there in the end may be replaced. ``dry``: nothing is written.

    Every error is a :class:`RedisMigrationError`.
    """

    def __init__(self, dest: str, *, replace: bool, dry: bool = False) -> None:
        self.dest = dest
        self.dry = dry
        self._replace = replace
        self._lock: int | None = None
        self._directory = os.path.dirname(os.path.abspath(dest))

    def take(self) -> None:
        """Keep others away, and clean up behind a run that was killed."""
        check_place(self.dest)
        with self.explained("create a file beside"):
            if self._lock is None:
                self._lock = _locked(self.dest)
            self.check_free()
            _remove_leftovers(self.dest)

    def check_free(self) -> None:
        if not self._replace and there(self.dest):
            raise RedisMigrationError(
                f"There is a file at the backup's 'dest' {self.dest} now; without 'force' it stays.",
                hint="Run again to have it checked, or with 'force' to replace it.",
            )

    def temporary(self) -> tuple[int, str]:
        """A new file, open, and its name. Made with mode 0600; a lock on it tells a later run that this one is alive."""
        handle, path = tempfile.mkstemp(
            prefix=f".{os.path.basename(self.dest)}.", suffix=_UNFINISHED, dir=self._directory
        )
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return handle, path

    def sync(self) -> None:
        """Have the names of its files safely on disk."""
        handle = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def give_back(self) -> None:
        """Leave the place to others."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                os.unlink(_lock_path(self.dest))
            os.close(self._lock)
            self._lock = None

    def explained(self, action: str) -> contextlib.AbstractContextManager[None]:
        """Makes sentences of what the system says. ``action``: what could not be done to 'dest'."""
        return _explained(action, self.dest)


def check_place(dest: str) -> None:
    """Whether a file can be made at ``dest``. Raises :class:`RedisMigrationError`."""
    directory = os.path.dirname(os.path.abspath(dest))
    if os.path.isdir(dest):
        raise RedisMigrationError(f"The backup's 'dest' {dest} is a directory.", hint="Give the name of a file in it.")
    with _explained("write to the directory of", dest):
        os.stat(directory)
        if not os.path.isdir(directory):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextlib.contextmanager
def _explained(action: str, dest: str) -> t.Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise RedisMigrationError(
            f"Cannot {action} the backup's 'dest' {dest}: {exc.strerror or exc}.", hint=_HINTS.get(exc.errno or 0)
        ) from None


def _lock_path(dest: str) -> str:
    return os.path.join(os.path.dirname(os.path.abspath(dest)), f".{os.path.basename(dest)}{_LOCK}")


def _locked(dest: str) -> int:
    """The open handle of the lock for ``dest``. Raises :class:`RedisMigrationError` if another process has it."""
    path = _lock_path(dest)
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have taken the file away between the two.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(path)):
                    return handle
        except BlockingIOError:
            os.close(handle)
            raise RedisMigrationError(
                f"Another run is writing a backup to {dest}.",
                hint="Wait until it has ended, or give this one another 'dest'.",
            ) from None
        except OSError:
            os.close(handle)
            raise
        os.close(handle)


def _remove_leftovers(dest: str) -> None:
    """What a killed run left: files under our temporary names that nobody holds locked."""
    directory = os.path.dirname(os.path.abspath(dest))
    pattern = os.path.join(glob.escape(directory), f".{glob.escape(os.path.basename(dest))}.*{_UNFINISHED}")
    for path in glob.glob(pattern):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(path)
