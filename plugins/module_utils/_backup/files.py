# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a backup: they appear complete or not at all. Of a server there is one, of a cluster one for each primary."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .checksum import CHECKSUM_SUFFIX
from .file import BackupFile
from .parts import part_name, there
from .place import Place


class Written(t.NamedTuple):
    """A file as it lies there. ``size`` in bytes; ``checksum``: its SHA-256."""

    path: str
    size: int
    checksum: str


class BackupFiles:
    """What is written for a backup that will be at ``dest``. ``dry``: is only counted.

    ``replace``: whether a backup that is at ``dest`` in the end may be replaced. ``password``: of the encryption, if any.
    Every error is a :class:`RedisMigrationError`.
    """

    def __init__(self, dest: str, *, replace: bool, password: bytes | None = None, dry: bool = False) -> None:
        self.dest = dest
        self._place = Place(dest, replace=replace, dry=dry)
        self._password = password
        self._open: list[BackupFile] = []

    def new(self) -> BackupFile:
        """One more; it is begun by its ``open()``."""
        self._open.append(BackupFile(self._place, self._password))
        return self._open[-1]

    def drop(self, file: BackupFile) -> None:
        """Forget one."""
        file.discard()
        self._open.remove(file)

    @property
    def size(self) -> int:
        """Bytes of all so far."""
        return sum(file.size for file in self._open)

    def commit(self, files: t.Sequence[BackupFile], *, in_parts: bool, beside: bool) -> list[Written]:
        """Make ``files`` the backup, safely on disk. ``beside``: also write the checksums into files beside them.

        ``in_parts``: whether each is a part of it; else there is one. A run that is killed here leaves what does not fit
        together, never what passes for a whole.
        """
        names = [part_name(self.dest, at + 1, len(files)) for at in range(len(files))] if in_parts else [self.dest]
        digests = [file.finish() for file in files]
        written = [Written(name, file.size, digest) for name, file, digest in zip(names, files, digests)]
        if self._place.dry:
            return written
        with self._place.explained("finish"):
            self._place.check_free()
            older = there(self.dest)
            # Without a checksum for a moment, rather than ever with a wrong one.
            for path in dict.fromkeys([*older, *names]):
                _remove(path + CHECKSUM_SUFFIX)
            for name, file in zip(names, files):
                file.move(name)
            for path in older:
                if path not in names:
                    _remove(path)
            if beside:
                for one, file in zip(written, files):
                    file.note_checksum(one.checksum, one.path)
            self._place.sync()
        return written

    def abandon(self) -> None:
        """Leave nothing unfinished behind, and the place to others."""
        for file in self._open:
            file.discard()
        self._place.give_back()


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
