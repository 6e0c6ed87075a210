# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many bytes a key's payload (DUMP) has, beside the memory that it takes: read of a few small keys, and forgotten."""

from __future__ import annotations

import typing as t

from .._server.sample import Key

# Of one logical database. A DUMP of what is larger would keep the server's other clients waiting.
_KEYS = 100
_BYTES = 1024 * 1024
_KEY_BYTES = 16 * 1024


class Payloads:
    def __init__(self) -> None:
        self._keys = 0
        self._memory = 0
        self._bytes = 0
        self._database = -1
        self._left = [0, 0]

    def choose(self, database: int, keys: t.Iterable[Key]) -> list[Key]:
        """Those of ``keys`` that are to be read; fewer and fewer of one database, then none."""
        if database != self._database:
            self._database, self._left = database, [_KEYS, _BYTES]
        chosen = []
        for key in keys:
            if self._left[0] and key.size <= min(_KEY_BYTES, self._left[1]):
                chosen.append(key)
                self._left[0] -= 1
                self._left[1] -= key.size
        return chosen

    def add(self, keys: t.Iterable[Key], payloads: t.Iterable[bytes | None]) -> None:
        for key, payload in zip(keys, payloads):
            if payload is not None:
                self._keys += 1
                self._memory += key.size
                self._bytes += len(payload)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Keys, the memory that they take, and the bytes of their payloads."""
        return self._keys, self._memory, self._bytes


def together(all_payloads: t.Iterable[Payloads]) -> dict[str, int] | None:
    """What was read at all servers; None if nothing was."""
    keys, memory, size = (sum(counts) for counts in zip(*(payloads.counts for payloads in all_payloads)))
    return {"keys": keys, "memory": memory, "bytes": size} if keys else None
