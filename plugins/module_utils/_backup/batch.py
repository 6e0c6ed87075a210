# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of an RDB file that are sent to a server together."""

from __future__ import annotations

import typing as t

from .._rdb.crc64 import crc64_each
from .._rdb.reader import Entry, Usage

_BATCH_KEYS = 500

_BATCH_BYTES = 1024 * 1024

# What Python needs around a key in flight.
_OVERHEAD = 200


Items: t.TypeAlias = "list[tuple[bytes, int | None, bytes]]"
"""Keys with expiry and payload."""


class Batch:
    """``versions``: the RDB version to claim in a payload, by type."""

    def __init__(self, versions: t.Mapping[int, bytes]) -> None:
        self._versions = versions
        self._keys: list[tuple[bytes, int | None]] = []
        self._bodies: list[bytes] = []
        self._usages: list[Usage] = []
        self.size = 0

    def add(self, entry: Entry, value: bytes) -> None:
        self._keys.append((entry.key, entry.expiry))
        self._usages.append(entry.usage)
        self._bodies.append(b"%c%b%b" % (entry.kind, value, self._versions[entry.kind]))
        self.size += len(entry.key) + len(value) + _OVERHEAD

    @property
    def full(self) -> bool:
        return len(self._keys) >= _BATCH_KEYS or self.size >= _BATCH_BYTES

    @property
    def usages(self) -> list[Usage] | None:
        """Of every key how long it was not used, or how often it is; None where the file does not tell."""
        return self._usages if any(self._usages) else None

    def items(self) -> Items:
        """Every key with its expiry and payload."""
        return [
            (key, expiry, body + checksum.to_bytes(8, "little"))
            for (key, expiry), body, checksum in zip(self._keys, self._bodies, crc64_each(self._bodies))
        ]
