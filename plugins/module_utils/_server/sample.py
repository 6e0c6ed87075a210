# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sample of keys shows of all of them: types, prefixes, the largest, and how long they have to live."""

from __future__ import annotations

import re
import typing as t

from .._keys.name import key_fields, printable

_LISTED = 10

# Names are grouped by what stands before the first of these, if that is no longer than people make it.
_SEPARATOR = re.compile(rb"[:/|.]")
_LONGEST_PREFIX = 64
# So many groups are told apart; more are those of names without a system.
_MOST_PREFIXES = 5000

_TTL_GROUPS = (
    ("under_1_minute", 60_000),
    ("under_1_hour", 3_600_000),
    ("under_1_day", 86_400_000),
    ("under_30_days", 30 * 86_400_000),
)


def prefix_of(key: bytes) -> bytes:
    """``user:`` of ``user:1:name``; empty where there is none."""
    found = _SEPARATOR.search(key, 0, _LONGEST_PREFIX)
    return key[: found.end()] if found else b""


def ttl_group(ttl: int) -> str:
    """``ttl`` in milliseconds, below 0 for none."""
    if ttl < 0:
        return "never"
    return next((name for name, limit in _TTL_GROUPS if ttl < limit), "longer")


class KeySample:
    """Collects what is seen of single keys, in bounded memory."""

    def __init__(self) -> None:
        self.sampled = 0
        self.keys = 0.0
        self.bytes = 0.0
        self.types: dict[str, dict[str, float]] = {}
        self.prefixes: dict[bytes, list[float]] = {}
        self.largest: list[tuple[int, int, bytes, str]] = []
        self.ttls = {"never": 0.0, **{name: 0.0 for name, _limit in _TTL_GROUPS}, "longer": 0.0}

    def add(self, database: int, key: bytes, kind: str, size: int, ttl: int | None, stands_for: float = 1.0) -> None:
        """``size`` in bytes; ``ttl`` as in :func:`ttl_group`, None where it is not known. ``stands_for``: how many keys."""
        self.sampled += 1
        self.keys += stands_for
        self.bytes += size * stands_for
        seen = self.types.setdefault(kind, {"keys": 0.0, "bytes": 0.0, "largest_bytes": 0.0})
        seen["keys"] += stands_for
        seen["bytes"] += size * stands_for
        seen["largest_bytes"] = max(seen["largest_bytes"], size)
        prefix = prefix_of(key)
        if prefix not in self.prefixes and len(self.prefixes) >= _MOST_PREFIXES:
            prefix = b""
        group = self.prefixes.setdefault(prefix, [0.0, 0.0])
        group[0] += stands_for
        group[1] += size * stands_for
        self.largest.append((size, database, key, kind))
        if len(self.largest) > 10 * _LISTED:
            self._cut()
        if ttl is not None:
            self.ttls[ttl_group(ttl)] += stands_for

    def _cut(self) -> None:
        self.largest = sorted(self.largest, reverse=True)[:_LISTED]

    def as_dict(self, *, exact: bool = True) -> dict[str, t.Any]:
        """``exact``: whether the largest keys are named to the byte (``key_base64``), too."""
        self._cut()
        prefixes = sorted(self.prefixes.items(), key=lambda item: (item[1][1], item[0]), reverse=True)
        return {
            "keys": self.sampled,
            "stands_for": round(self.keys),
            "bytes": round(self.bytes),
            "types": {
                kind: {name: round(number) for name, number in seen.items()} for kind, seen in self.types.items()
            },
            "prefixes": [
                {"prefix": printable(prefix), "keys": round(keys), "bytes": round(size)}
                for prefix, (keys, size) in prefixes[:_LISTED]
            ],
            "largest": [
                {
                    "database": database,
                    **(key_fields(key) if exact else {"key": printable(key)}),
                    "type": kind,
                    "bytes": size,
                }
                for size, database, key, kind in self.largest
            ],
            "ttl": {name: round(number) for name, number in self.ttls.items()},
        }
