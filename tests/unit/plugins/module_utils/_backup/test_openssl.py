# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption as openssl does it."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup import openssl
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000, 100_000])
def test_openssl_reads_what_was_encrypted(size: int, tmp_path: Path) -> None:
    data = random.Random(size).randbytes(size)
    encryptor = openssl.Encryptor(b"secret")
    encrypted = encryptor.header + encryptor.update(data[: size // 3])
    mark = encryptor.mark()
    encryptor.update(b"what is thrown away again")
    encryptor.rewind(mark)
    encrypted += encryptor.update(data[size // 3 :]) + encryptor.finish()
    (tmp_path / "encrypted").write_bytes(encrypted)

    words = ["openssl", "enc", "-d", "-aes-256-cbc", *openssl.WRITTEN.options.split(), "-in", tmp_path / "encrypted"]
    opened = subprocess.run([*words, "-pass", "pass:secret"], capture_output=True, check=True)
    assert opened.stdout == data

    decryptor = openssl.Decryptor(b"secret", encrypted[8:16], openssl.WRITTEN)
    pieces = [decryptor.update(encrypted[start : start + 100]) for start in range(16, len(encrypted), 100)]
    assert b"".join(pieces) + decryptor.finish() == data


@pytest.mark.parametrize("password", ["", "two\nlines", "a\x00b"])
def test_passwords_that_openssl_could_not_be_given(password: str) -> None:
    with pytest.raises(RedisMigrationError, match="encryption_password"):
        openssl.password_bytes(password)
