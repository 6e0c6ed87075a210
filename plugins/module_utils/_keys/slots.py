# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash slots of a cluster: in which one a key lies, and sets of them.

A set of slots is a table of :data:`SLOTS` bytes, 1 for each slot in it and 0 for all others: a look at it costs next to
nothing. As text it is ranges: ``0-5460,9000``.
"""

from __future__ import annotations

import binascii
import itertools
import typing as t

SLOTS = 16384

NO_SLOTS = bytes(SLOTS)
ALL_SLOTS = b"\1" * SLOTS


def hash_slot(key: bytes) -> int:
    """The slot of ``key``."""
    start = key.find(b"{")
    if start >= 0:
        end = key.find(b"}", start + 1)
        if end > start + 1:
            key = key[start + 1 : end]
    return binascii.crc_hqx(key, 0) % SLOTS


class _Tags(dict[int, bytes]):
    """A short tag for every slot, found by trying numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count()

    def __missing__(self, slot: int) -> bytes:
        for number in self._numbers:
            tag = b"%d" % number
            found = binascii.crc_hqx(tag, 0) % SLOTS
            self.setdefault(found, tag)
            if found == slot:
                break
        return self[slot]


# By slot, what in braces puts a name into it.
TAGS: t.Mapping[int, bytes] = _Tags()


def in_slots(keys: list[bytes], slots: bytes) -> list[bytes]:
    """Those of ``keys`` that lie in ``slots``."""
    if b"{" in b"".join(keys):
        return [key for key in keys if slots[hash_slot(key)]]
    crc, last = binascii.crc_hqx, SLOTS - 1
    return [key for key in keys if slots[crc(key, 0) & last]]


def by_slot(keys: t.Sequence[bytes]) -> list[list[int]]:
    """The positions of ``keys`` that lie in one slot together, slot by slot."""
    groups: dict[int, list[int]] = {}
    for position, key in enumerate(keys):
        groups.setdefault(hash_slot(key), []).append(position)
    return list(groups.values())


def shard(number: int, count: int) -> bytes:
    """The slots of one of ``count`` shards of about the same size; the first is number 1."""
    return table_of(range(SLOTS * (number - 1) // count, SLOTS * number // count))


def table_of(slots: t.Iterable[int]) -> bytes:
    """The set of these slots."""
    table = bytearray(SLOTS)
    for slot in slots:
        table[slot] = 1
    return bytes(table)


def numbers_of(table: bytes) -> list[int]:
    """The slots in a set, in order."""
    return [slot for slot in range(SLOTS) if table[slot]]


def ranges_of(table: bytes) -> list[tuple[int, int]]:
    """The set as ranges of first and last."""
    found = []
    at = table.find(1)
    while at >= 0:
        end = table.find(0, at)
        end = SLOTS if end < 0 else end
        found.append((at, end - 1))
        at = table.find(1, end)
    return found


def text_of(table: bytes) -> str:
    """The set as text, exactly."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges_of(table))


def parsed(text: str) -> bytes:
    """What :func:`text_of` made. Raises :class:`ValueError`."""
    table = bytearray(SLOTS)
    for part in filter(None, text.split(",")):
        first, _dash, last = part.partition("-")
        low, high = int(first), int(last or first)
        if not 0 <= low <= high < SLOTS:
            raise ValueError(f"no slots: {part}")
        table[low : high + 1] = b"\1" * (high + 1 - low)
    return bytes(table)


# A sentence names so many ranges.
_SHOWN = 4


def shown(table: bytes) -> str:
    """The set for a sentence: ``slots 0-5460``, ``slot 7``, ``slots 0-5, 9, … (213 in all)``."""
    count = table.count(1)
    if count == SLOTS:
        return "all slots"
    parts = text_of(table).split(",")
    if len(parts) > _SHOWN:
        return f"slots {', '.join(parts[:_SHOWN])}, … ({count} in all)"
    return f"slot{'s' * (count != 1)} {', '.join(parts) or 'none'}"


def both(one: bytes, other: bytes) -> bytes:
    """The slots in both sets."""
    return (int.from_bytes(one, "big") & int.from_bytes(other, "big")).to_bytes(SLOTS, "big")


def either(*sets: bytes) -> bytes:
    """The slots in any of the sets."""
    together = 0
    for one in sets:
        together |= int.from_bytes(one, "big")
    return together.to_bytes(SLOTS, "big")


def without(one: bytes, other: bytes) -> bytes:
    """The slots of the first set that are not in the other."""
    return (int.from_bytes(one, "big") & ~int.from_bytes(other, "big")).to_bytes(SLOTS, "big")
