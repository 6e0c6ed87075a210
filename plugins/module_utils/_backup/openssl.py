# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption as ``openssl enc`` does it, so that openssl alone opens a backup.

The file is ``Salted__``, 8 bytes of salt, and AES-256 in CBC mode. Key and initialisation vector come from password and
salt; how, the file does not say. This collection writes ``-pbkdf2 -iter 600000 -md sha256`` and reads what it wrote,
openssl's own defaults, and what dashboards offer for download (``-md md5`` without PBKDF2).
CBC proves nothing about who wrote the file: the checksum beside it does that.
"""

from __future__ import annotations

import functools
import hashlib
import os
import traceback
import typing as t

from ansible.module_utils.basic import missing_required_lib

from .._errors import RedisMigrationError

CRYPTOGRAPHY_IMPORT_ERROR: str | None = None

try:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()

MAGIC = b"Salted__"
HEADER_BYTES = 16
ITERATIONS = 600_000

_SALT_BYTES = 8
_BLOCK = 16
_KEY = 32


def require_cryptography(module: t.Any) -> None:
    """End ``module`` with a clear message when cryptography cannot be imported."""
    if CRYPTOGRAPHY_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("cryptography"), exception=CRYPTOGRAPHY_IMPORT_ERROR)


class Derivation(t.NamedTuple):
    """A way from password and salt to the key. ``iterations``: of PBKDF2, 0 for openssl's older way."""

    digest: str
    iterations: int

    @functools.lru_cache(maxsize=8)  # noqa: B019 - a tuple of constants; deriving takes a good part of a second
    def key(self, password: bytes, salt: bytes) -> bytes:
        """The key and behind it the initialisation vector."""
        if self.iterations:
            return hashlib.pbkdf2_hmac(self.digest, password, salt, self.iterations, _KEY + _BLOCK)
        made = last = b""
        while len(made) < _KEY + _BLOCK:
            last = hashlib.new(self.digest, last + password + salt).digest()
            made += last
        return made[: _KEY + _BLOCK]

    @property
    def options(self) -> str:
        """Of ``openssl enc``."""
        return (f"-pbkdf2 -iter {self.iterations} " if self.iterations else "") + f"-md {self.digest}"


WRITTEN = Derivation("sha256", ITERATIONS)
"""How this collection does it."""

KNOWN = (WRITTEN, Derivation("md5", 0), Derivation("sha256", 10_000), Derivation("sha256", 0))
"""What is tried on reading."""


def password_bytes(password: str) -> bytes:
    """The password as openssl takes it from the first line of a file. Raises :class:`RedisMigrationError`."""
    encoded = password.encode("utf-8")
    if not encoded or b"\n" in encoded or b"\x00" in encoded:
        raise RedisMigrationError(
            "encryption_password is empty or has a line break or a NUL in it.", hint="openssl could not be given it."
        )
    return encoded


def command(derivation: Derivation, files: str) -> str:
    """The shell command that decrypts and asks for the password. ``files``: its options -in and -out."""
    return f"openssl enc -d -aes-256-cbc {derivation.options} {files}"


class Encryptor:
    """Encrypts a stream. It can go back to a :meth:`mark`, which the library's own contexts cannot."""

    def __init__(self, password: bytes) -> None:
        salt = os.urandom(_SALT_BYTES)
        key = WRITTEN.key(password, salt)
        self.header = MAGIC + salt
        self._key, self._last = key[:_KEY], key[_KEY:]
        self._rest = b""
        self._start()

    def _start(self) -> None:
        self._context = Cipher(algorithms.AES(self._key), modes.CBC(self._last)).encryptor()

    def update(self, data: bytes) -> bytes:
        """What is complete of the encrypted stream after ``data``."""
        data = self._rest + data
        whole = len(data) - len(data) % _BLOCK
        self._rest = data[whole:]
        encrypted = self._context.update(data[:whole])
        if encrypted:
            self._last = encrypted[-_BLOCK:]
        return encrypted

    def finish(self) -> bytes:
        """The last block, padded."""
        missing = _BLOCK - len(self._rest)
        return self.update(bytes((missing,)) * missing)

    def mark(self) -> tuple[bytes, bytes]:
        """This place in the stream."""
        return self._last, self._rest

    def rewind(self, mark: tuple[bytes, bytes]) -> None:
        """Go on as if nothing had come since ``mark``."""
        self._last, self._rest = mark
        self._start()


class Decryptor:
    """Decrypts a stream whose 16-byte header was read."""

    def __init__(self, password: bytes, salt: bytes, derivation: Derivation) -> None:
        key = derivation.key(password, salt)
        self._context = Cipher(algorithms.AES(key[:_KEY]), modes.CBC(key[_KEY:])).decryptor()
        self._held = b""

    def peek(self, data: bytes) -> bytes:
        """The first plain bytes of a stream, nothing held back: to see whether the password is right."""
        return self._context.update(data)

    def update(self, data: bytes) -> bytes:
        """Plain bytes; the last block is held back until :meth:`finish`."""
        plain = self._held + self._context.update(data)
        keep = len(plain) - _BLOCK if len(plain) > _BLOCK else 0
        self._held = plain[keep:]
        return plain[:keep]

    def finish(self) -> bytes:
        """The end without its padding. Raises :class:`ValueError` where this cannot be the end of such a stream."""
        self._context.finalize()
        padding = self._held[-1] if self._held else 0
        if not 1 <= padding <= _BLOCK or self._held[-padding:] != bytes((padding,)) * padding:
            raise ValueError("wrong padding")
        return self._held[:-padding]
