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


class Key(t.NamedTuple):
    """What was seen of one key. ``size`` in bytes; the rest is None, or empty, where it is not known."""

    database: int
    name: bytes
    type: str
    size: int
    # In milliseconds, as :func:`ttl_group` has it.
    ttl: int | None = None
    encoding: str = ""
    # By LFU: 255 for a key in use all the time.
    frequency: int | None = None
    # Asked for large keys only.
    elements: int | None = None


class KeySample:
    """Collects what is seen of single keys, in bounded memory. ``large_bytes``: keys above it are counted as large (0: none)."""

    def __init__(self, large_bytes: int = 0) -> None:
        self.sampled = 0
        self.keys = 0.0
        self.bytes = 0.0
        self.types: dict[str, dict[str, float]] = {}
        self.encodings: dict[tuple[str, str], list[float]] = {}
        self.prefixes: dict[bytes, list[float]] = {}
        self.largest: list[tuple[int, int, bytes, str]] = []
        self.hottest: list[tuple[int, int, bytes, str, int]] = []
        self.ttls = {"never": 0.0, **{name: 0.0 for name, _limit in _TTL_GROUPS}, "longer": 0.0}
        self.large_bytes = large_bytes
        # By type: how many were seen, for how many keys, bytes and elements they stand, and how many have no number of
        # elements.
        self.large: dict[str, list[float]] = {}

    def add(self, key: Key, stands_for: float = 1.0) -> None:
        """``stands_for``: how many keys."""
        self.sampled += 1
        self.keys += stands_for
        self.bytes += key.size * stands_for
        seen = self.types.setdefault(key.type, {"keys": 0.0, "bytes": 0.0, "largest_bytes": 0.0})
        seen["keys"] += stands_for
        seen["bytes"] += key.size * stands_for
        seen["largest_bytes"] = max(seen["largest_bytes"], key.size)
        if key.encoding:
            _count(self.encodings.setdefault((key.type, key.encoding), [0.0, 0.0]), stands_for, key.size)
        _count(self._prefix(prefix_of(key.name)), stands_for, key.size)
        self.largest.append((key.size, key.database, key.name, key.type))
        if key.frequency is not None:
            self.hottest.append((key.frequency, key.database, key.name, key.type, key.size))
        self._cut(10 * _LISTED)
        if key.ttl is not None:
            self.ttls[ttl_group(key.ttl)] += stands_for
        if self.large_bytes and key.size > self.large_bytes:
            large = self.large.setdefault(key.type, [0, 0.0, 0.0, 0.0, 0])
            elements = (key.elements or 0) * stands_for
            _add(large, 1, stands_for, key.size * stands_for, elements, key.elements is None)

    def include(self, other: KeySample, stands_for: float) -> None:
        """Add what ``other`` saw of some keys of which each stands for so many."""
        self.sampled += other.sampled
        self.keys += other.keys * stands_for
        self.bytes += other.bytes * stands_for
        for kind, counted in other.types.items():
            seen = self.types.setdefault(kind, {"keys": 0.0, "bytes": 0.0, "largest_bytes": 0.0})
            seen["keys"] += counted["keys"] * stands_for
            seen["bytes"] += counted["bytes"] * stands_for
            seen["largest_bytes"] = max(seen["largest_bytes"], counted["largest_bytes"])
        for pair, (keys, size) in other.encodings.items():
            _add(self.encodings.setdefault(pair, [0.0, 0.0]), keys * stands_for, size * stands_for)
        for prefix, (keys, size) in other.prefixes.items():
            _add(self._prefix(prefix), keys * stands_for, size * stands_for)
        self.largest += other.largest
        self.hottest += other.hottest
        self._cut(10 * _LISTED)
        for name, keys in other.ttls.items():
            self.ttls[name] += keys * stands_for
        for kind, (number, keys, size, elements, unknown) in other.large.items():
            large = self.large.setdefault(kind, [0, 0.0, 0.0, 0.0, 0])
            _add(large, number, keys * stands_for, size * stands_for, elements * stands_for, unknown)

    def _prefix(self, prefix: bytes) -> list[float]:
        if prefix not in self.prefixes and len(self.prefixes) >= _MOST_PREFIXES:
            prefix = b""
        return self.prefixes.setdefault(prefix, [0.0, 0.0])

    def _cut(self, most: int) -> None:
        if len(self.largest) > most:
            self.largest = sorted(self.largest, reverse=True)[:_LISTED]
        if len(self.hottest) > most:
            self.hottest = sorted(self.hottest, reverse=True)[:_LISTED]

    def as_dict(self, *, exact: bool = True) -> dict[str, t.Any]:
        """``exact``: whether the largest keys are named to the byte (``key_base64``), too."""
        self._cut(0)
        prefixes = sorted(self.prefixes.items(), key=lambda item: (item[1][1], item[0]), reverse=True)
        found: dict[str, t.Any] = {
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
                {"database": database, **_named(key, exact), "type": kind, "bytes": size}
                for size, database, key, kind in self.largest
            ],
            "ttl": {name: round(number) for name, number in self.ttls.items()},
        }
        if self.encodings:
            found["encodings"] = [
                {"type": kind, "encoding": encoding, "keys": round(keys), "bytes": round(size)}
                for (kind, encoding), (keys, size) in sorted(self.encodings.items(), key=lambda item: -item[1][1])
            ]
        if self.hottest:
            found["hottest"] = [
                {"database": database, **_named(key, exact), "type": kind, "bytes": size, "frequency": frequency}
                for frequency, database, key, kind, size in self.hottest
            ]
        if self.large_bytes:
            found["large"] = {
                "above_bytes": self.large_bytes,
                "types": {
                    kind: {
                        "seen": round(number),
                        "keys": round(keys),
                        "bytes": round(size),
                        "elements": None if unknown else round(elements),
                    }
                    for kind, (number, keys, size, elements, unknown) in self.large.items()
                },
            }
        return found


def _count(group: list[float], keys: float, size: int) -> None:
    _add(group, keys, size * keys)


def _add(numbers: list[float], *more: float) -> None:
    for place, number in enumerate(more):
        numbers[place] += number


def _named(key: bytes, exact: bool) -> dict[str, str]:
    return key_fields(key) if exact else {"key": printable(key)}
