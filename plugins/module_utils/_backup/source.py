# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a backup as it lies on the disk: plain, compressed by gzip, encrypted by openssl, or both."""

from __future__ import annotations

import typing as t
import zlib

from .._errors import RedisMigrationError
from .._rdb import append_only
from .._rdb import format as rdb
from .._rdb.reader import RdbReader
from . import openssl
from .progress import position

_PIECE = 256 * 1024
_GZIP = b"\x1f\x8b\x08"
_HEAD_BYTES = 64

Read = t.Callable[[], bytes]
"""Gives the next piece, of any length, and b"" at the end."""


class BackupSource:
    """The plain bytes of an RDB file, in pieces. ``kind`` says how it lay there, ``position`` how much of it was read.

    A context manager.     Raises :class:`RedisMigrationError` when it cannot be opened, or is not what it should be.
    """

    def __init__(self, path: str, password: bytes | None = None) -> None:
        self.path = path
        self.kind = ""
        self._password = password
        try:
            self._file = open(path, "rb", buffering=0)
            self.position = position(self._file)
        except OSError as exc:
            raise RedisMigrationError(f"Cannot open the backup {path}: {exc.strerror or exc}.") from None
        try:
            self.read = self._peel(self._read_file)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> BackupSource:
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def _read_file(self) -> bytes:
        try:
            return self._file.read(_PIECE)
        except OSError as exc:
            raise RedisMigrationError(f"Cannot read the backup {self.path}: {exc.strerror or exc}.") from None

    def _peel(self, read: Read) -> Read:
        """Take off what is around the RDB file."""
        layers: list[str] = []
        while len(layers) < 3:
            head = _head(read)
            read = _again(head, read)
            if rdb.version_of(head[: rdb.HEADER_BYTES]) is not None:
                self.kind = " of ".join(layers) or "plain"
                return read
            if head.startswith(openssl.MAGIC):
                layers.append("openssl")
                read = self._decrypt(head, read)
            elif head.startswith(_GZIP):
                layers.append("gzip")
                read = self._gunzip(read)
            elif append_only.is_append_only(head):
                raise append_only.refusal(f"The backup {self.path}")
            else:
                break
        found = "is empty" if not layers and not head else "is no RDB file" if not layers else "has no RDB file in it"
        raise RedisMigrationError(
            f"{self.path} {found}.",
            hint="An RDB file begins with REDIS or VALKEY and a number, perhaps within gzip or openssl enc.",
        )

    def _decrypt(self, head: bytes, read: Read) -> Read:
        if self._password is None:
            raise RedisMigrationError(f"The backup {self.path} is encrypted.", hint="Give 'encryption_password'.")
        salt = head[len(openssl.MAGIC) : openssl.HEADER_BYTES]
        sample = head[openssl.HEADER_BYTES : openssl.HEADER_BYTES + 32]
        if len(sample) < 16:
            raise RedisMigrationError(f"The backup {self.path} ends early: its encrypted part is missing.")
        for derivation in openssl.KNOWN:
            plain = openssl.Decryptor(self._password, salt, derivation).peek(sample)
            if rdb.version_of(plain[: rdb.HEADER_BYTES]) is not None or plain.startswith(_GZIP):
                return self._decrypted(read, openssl.Decryptor(self._password, salt, derivation))
        tried = ", ".join(f"'{derivation.options}'" for derivation in openssl.KNOWN)
        raise RedisMigrationError(
            f"The encryption_password does not open the backup {self.path}.",
            hint="Check the password. Else the file may be encrypted otherwise than by 'openssl enc -aes-256-cbc' with "
            f"one of {tried}: decrypt it by hand first.",
        )

    def _decrypted(self, read: Read, decryptor: openssl.Decryptor) -> Read:
        def pieces() -> t.Iterator[bytes]:
            skip = openssl.HEADER_BYTES
            while data := read():
                if len(data) <= skip:
                    skip -= len(data)
                    continue
                plain = decryptor.update(data[skip:])
                skip = 0
                if plain:
                    yield plain
            try:
                last = decryptor.finish()
            except ValueError:
                raise RedisMigrationError(
                    f"The backup {self.path} is cut short or damaged: its encrypted part does not end as it should.",
                    hint="Fetch it again, or use another backup.",
                ) from None
            if last:
                yield last

        return _from(pieces())

    def _gunzip(self, read: Read) -> Read:
        def pieces() -> t.Iterator[bytes]:
            unzip = zlib.decompressobj(wbits=31)
            size = 0
            while data := read():
                while data:
                    if unzip.eof:
                        unzip = zlib.decompressobj(wbits=31)
                    try:
                        # A bounded piece, however well it was compressed.
                        plain = unzip.decompress(data, _PIECE)
                    except zlib.error:
                        raise RedisMigrationError(
                            f"The backup {self.path} is damaged: its gzip data makes no sense after byte {size} of what "
                            "is in it.",
                            hint="Fetch it again, or use another backup.",
                        ) from None
                    size += len(plain)
                    if plain:
                        yield plain
                    data = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
            if not unzip.eof:
                raise RedisMigrationError(
                    f"The backup {self.path} is cut short: its gzip data ends after byte {size} of what is in it.",
                    hint="Fetch it again, or use another backup.",
                )

        return _from(pieces())


def facts_of(path: str, password: bytes | None = None) -> dict[bytes, bytes]:
    """What the RDB file at ``path`` says at its beginning. Raises :class:`RedisMigrationError`."""
    with BackupSource(path, password) as source:
        return RdbReader(source.read, f"The backup {path}").beginning()


def _from(pieces: t.Iterator[bytes]) -> Read:
    return lambda: next(pieces, b"")


def _head(read: Read) -> bytes:
    head = b""
    while len(head) < _HEAD_BYTES:
        piece = read()
        if not piece:
            break
        head += piece
    return head


def _again(head: bytes, read: Read) -> Read:
    """``read``, but with what was taken off it in front."""
    held = [head] if head else []
    return lambda: held.pop() if held else read()
