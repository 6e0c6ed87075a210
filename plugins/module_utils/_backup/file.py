# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a backup: it appears complete or not at all, is for its owner only, and has its checksum beside it.

While it is written, a locked file beside it keeps away another run with the same destination. The lock ends with the
process; its file is taken away by whoever holds the lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import hashlib
import os
import tempfile
import typing as t

from .._errors import RedisMigrationError
from .openssl import Encryptor
from .progress import Progress, position

CHECKSUM_SUFFIX = ".sha256"

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


class Mark(t.NamedTuple):
    size: int
    checksum: t.Any
    cipher: tuple[bytes, bytes] | None


class BackupFile:
    """Collects what is written under a temporary name beside ``dest``. ``dry``: counts only.

    ``replace``: whether a file that is at ``dest`` in the end may be replaced. ``password``: of the encryption, if any.
    Every error is a :class:`RedisMigrationError`.
    """

    def __init__(self, dest: str, *, replace: bool, password: bytes | None = None, dry: bool = False) -> None:
        self.dest = dest
        self._replace = replace
        self._lock: int | None = None
        self._directory = os.path.dirname(os.path.abspath(dest))
        self._dry = dry
        self._password = password
        self._file: t.BinaryIO | None = None
        self._temporary = ""
        self._cipher: Encryptor | None = None
        self.size = 0
        self._checksum = hashlib.sha256()

    def open(self) -> None:
        """Begin, from the start if there was an attempt before."""
        self._discard()
        self._cipher = Encryptor(self._password) if self._password else None
        self.size = 0
        self._checksum = hashlib.sha256()
        if not self._dry:
            check_place(self.dest)
            with _explained("create a file beside", self.dest):
                if self._lock is None:
                    self._lock = _locked(self.dest)
                self._check_free()
                _remove_leftovers(self.dest)
                # Made with mode 0600; the lock tells a later run that this one is alive.
                handle, self._temporary = tempfile.mkstemp(
                    prefix=f".{os.path.basename(self.dest)}.", suffix=_UNFINISHED, dir=self._directory
                )
                self._file = os.fdopen(handle, "wb", buffering=0)
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if self._cipher:
            self._put(self._cipher.header)

    def write(self, data: bytes) -> None:
        """The next bytes, plain."""
        self._put(self._cipher.update(data) if self._cipher else data)

    def _put(self, data: bytes) -> None:
        self._checksum.update(data)
        self.size += len(data)
        if self._file:
            with _explained("write", self.dest):
                view = memoryview(data)
                while view:
                    view = view[self._file.write(view) :]

    def mark(self) -> Mark:
        """This place in the file."""
        return Mark(self.size, self._checksum.copy(), self._cipher.mark() if self._cipher else None)

    def rewind(self, mark: Mark) -> None:
        """Forget what was written since ``mark``."""
        self.size = mark.size
        self._checksum = mark.checksum.copy()
        if self._cipher and mark.cipher:
            self._cipher.rewind(mark.cipher)
        if self._file:
            with _explained("write", self.dest):
                self._file.seek(mark.size)
                self._file.truncate()

    def commit(self, *, beside: bool) -> str:
        """Make it ``dest``, safely on disk; returns its SHA-256. ``beside``: also write that into a file beside it."""
        if self._cipher:
            self._put(self._cipher.finish())
        digest = self._checksum.hexdigest()
        if self._file:
            with _explained("finish", self.dest):
                self._file.flush()
                os.fsync(self._file.fileno())
                self._check_free()
                # Without a checksum for a moment, rather than ever with a wrong one.
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.dest + CHECKSUM_SUFFIX)
                os.rename(self._temporary, self.dest)
                self._temporary = ""
                self._file.close()
                self._file = None
                if beside:
                    self._write_checksum(digest)
                _sync_directory(self._directory)
        return digest

    def _check_free(self) -> None:
        if not self._replace and os.path.exists(self.dest):
            raise RedisMigrationError(
                f"There is a file at the backup's 'dest' {self.dest} now; without 'force' it stays.",
                hint="Run again to have it checked, or with 'force' to replace it.",
            )

    def _write_checksum(self, digest: str) -> None:
        handle, self._temporary = tempfile.mkstemp(
            prefix=f".{os.path.basename(self.dest)}.", suffix=_UNFINISHED, dir=self._directory
        )
        with os.fdopen(handle, "wb") as file:
            file.write(checksum_line(digest, self.dest))
            file.flush()
            os.fsync(file.fileno())
        os.rename(self._temporary, self.dest + CHECKSUM_SUFFIX)
        self._temporary = ""

    def abandon(self) -> None:
        """Leave nothing unfinished behind, and the place to others."""
        self._discard()
        if self._lock is not None:
            with contextlib.suppress(OSError):
                os.unlink(_lock_path(self.dest))
            os.close(self._lock)
            self._lock = None

    def _discard(self) -> None:
        if self._file:
            # What could not be written cannot be flushed either.
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
        if self._temporary:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temporary)
            self._temporary = ""


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


def sha256_of(path: str, progress: Progress) -> str:
    """The checksum of a file as it is. Raises :class:`OSError`."""
    with open(path, "rb", buffering=0) as file:
        progress.begin("checking the checksum", position(file))
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_beside(path: str) -> str | None:
    """The checksum in the file beside ``path``, if there is one in the format of sha256sum. Raises :class:`OSError`."""
    try:
        with open(path + CHECKSUM_SUFFIX, "rb") as file:
            parts = file.read(4096).lstrip(b"\\").split()
    except FileNotFoundError:
        return None
    return parts[0].decode("ascii", "replace").lower() if parts else ""


def checksum_line(digest: str, path: str) -> bytes:
    """The line that ``sha256sum --check`` understands, beside the file."""
    name = os.fsencode(os.path.basename(path))
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    return (b"\\" if escaped != name else b"") + digest.encode("ascii") + b"  " + escaped + b"\n"


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


def _sync_directory(directory: str) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
