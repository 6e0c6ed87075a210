# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of a backup while it is written: under a temporary name beside its place, for its owner only."""

from __future__ import annotations

import contextlib
import hashlib
import os
import typing as t

from .checksum import CHECKSUM_SUFFIX, checksum_line
from .openssl import Encryptor
from .place import Place


class Mark(t.NamedTuple):
    size: int
    checksum: t.Any
    cipher: tuple[bytes, bytes] | None


class BackupFile:
    """Collects what is written. ``password``: of the encryption, if any. Every error is a :class:`RedisMigrationError`."""

    def __init__(self, place: Place, password: bytes | None = None) -> None:
        self._place = place
        self._password = password
        self._file: t.BinaryIO | None = None
        self._temporary = ""
        self._cipher: Encryptor | None = None
        self.size = 0
        self._checksum = hashlib.sha256()

    def open(self) -> None:
        """Begin, from the start if there was an attempt before."""
        self.discard()
        self._cipher = Encryptor(self._password) if self._password else None
        self.size = 0
        self._checksum = hashlib.sha256()
        if not self._place.dry:
            self._place.take()
            with self._place.explained("create a file beside"):
                handle, self._temporary = self._place.temporary()
                self._file = os.fdopen(handle, "wb", buffering=0)
        if self._cipher:
            self._put(self._cipher.header)

    def write(self, data: bytes) -> None:
        """The next bytes, plain."""
        self._put(self._cipher.update(data) if self._cipher else data)

    def _put(self, data: bytes) -> None:
        self._checksum.update(data)
        self.size += len(data)
        if self._file:
            with self._place.explained("write"):
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
            with self._place.explained("write"):
                self._file.seek(mark.size)
                self._file.truncate()

    def finish(self) -> str:
        """Have all of it safely on disk; returns its SHA-256."""
        if self._cipher:
            self._put(self._cipher.finish())
        if self._file:
            with self._place.explained("finish"):
                self._file.flush()
                os.fsync(self._file.fileno())
        return self._checksum.hexdigest()

    def move(self, path: str) -> None:
        """Call it so. Raises :class:`OSError`."""
        if self._file:
            os.rename(self._temporary, path)
            self._temporary = ""
            self._file.close()
            self._file = None

    def note_checksum(self, digest: str, path: str) -> None:
        """Write it into a file beside ``path``. Raises :class:`OSError`."""
        handle, self._temporary = self._place.temporary()
        with os.fdopen(handle, "wb") as file:
            file.write(checksum_line(digest, path))
            file.flush()
            os.fsync(file.fileno())
            os.rename(self._temporary, path + CHECKSUM_SUFFIX)
        self._temporary = ""

    def discard(self) -> None:
        """Leave nothing unfinished behind."""
        if self._file:
            # What could not be written cannot be flushed either.
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None
        if self._temporary:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._temporary)
            self._temporary = ""
