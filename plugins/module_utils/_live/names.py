# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of names whose memory is bounded, whatever the number of keys and the length of their names."""

from __future__ import annotations

import typing as t

from .rules import NAME_OVERHEAD


class Names:
    """Names of keys, up to ``most_bytes`` of memory; one that would go beyond is left out, and ``complete`` is false then."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._held = 0
        self.names: set[bytes] = set()
        self.complete = True

    def add(self, names: t.Iterable[bytes]) -> None:
        for name in names:
            if name in self.names:
                continue
            cost = len(name) + NAME_OVERHEAD
            if self._held + cost > self._most:
                self.complete = False
                return
            self.names.add(name)
            self._held += cost

    def remove(self, names: t.Iterable[bytes]) -> None:
        for name in names:
            if name in self.names:
                self.names.remove(name)
                self._held -= len(name) + NAME_OVERHEAD

    def clear(self) -> None:
        self.names = set()
        self._held = 0
        self.complete = True

    def __len__(self) -> int:
        return len(self.names)


class Count:
    """How many different names there were. Where they do not fit into ``most_bytes``, a later one may count twice."""

    def __init__(self, most_bytes: int) -> None:
        self._names = Names(most_bytes)
        self._before = 0

    def add(self, names: t.Collection[bytes]) -> None:
        self._names.add(names)
        if not self._names.complete:
            self._before += len(self._names)
            self._names.clear()
            self._names.add(names)
            if not self._names.complete:
                self._before += len(names)
                self._names.clear()

    def __int__(self) -> int:
        return self._before + len(self._names)
