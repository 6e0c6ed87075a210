# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SHA-256 that lies beside a file, in the format of sha256sum."""

from __future__ import annotations

import hashlib
import os

from .progress import Progress, position

CHECKSUM_SUFFIX = ".sha256"


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
