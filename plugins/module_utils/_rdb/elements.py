# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The elements of collections in whatever encoding an RDB file has them."""

from __future__ import annotations

import struct
import typing as t

from .parser import RdbBytes

Expiry: t.TypeAlias = "int | None"


def elements(kind: int, data: RdbBytes, *, valkey: bool) -> t.Iterator[tuple[t.Any, ...]] | None:
    """What is in a value: of a list or set (element,), of a sorted set (score, member), of a hash (field, value, expiry).

    None for an encoding that is not known here.
    """
    if kind == 22 and valkey:
        return _fields_of_valkey(data)
    read = _READ.get(kind)
    return read(data) if read else None


def listpack(data: bytes) -> t.Iterator[bytes]:
    """The elements of a listpack, numbers as text."""
    at = 6
    while (first := data[at]) != 0xFF:
        number: int | None = None
        start, size = at + 1, 0
        if first < 0x80:
            number = first
        elif first < 0xC0:
            size = first & 0x3F
        elif first < 0xE0:
            number = (first & 0x1F) << 8 | data[start]
            number -= (number & 0x1000) << 1
            start += 1
        elif first < 0xF0:
            size = (first & 0x0F) << 8 | data[start]
            start += 1
        elif first == 0xF0:
            size = int.from_bytes(data[start : start + 4], "little")
            start += 4
        else:
            width = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}[first]
            number = int.from_bytes(data[start : start + width], "little", signed=True)
            start += width
        end = start + size
        yield data[start:end] if number is None else b"%d" % number
        length = end - at
        # The length stands behind it once more, in groups of 7 bits.
        at = end + (
            1 if length < 128 else 2 if length < 16384 else 3 if length < 2097152 else 4 if length < 268435456 else 5
        )


def _ziplist(data: bytes) -> t.Iterator[bytes]:
    at = 10
    while data[at] != 0xFF:
        at += 5 if data[at] == 0xFE else 1
        first = data[at]
        if first < 0xC0:
            if first < 0x40:
                size, start = first, at + 1
            elif first < 0x80:
                size, start = (first & 0x3F) << 8 | data[at + 1], at + 2
            else:
                size, start = int.from_bytes(data[at + 1 : at + 5], "big"), at + 5
            at = start + size
            yield data[start:at]
        elif first > 0xF0 and first < 0xFE:
            yield b"%d" % ((first & 0x0F) - 1)
            at += 1
        else:
            width = {0xC0: 2, 0xD0: 4, 0xE0: 8, 0xF0: 3, 0xFE: 1}[first]
            yield b"%d" % int.from_bytes(data[at + 1 : at + 1 + width], "little", signed=True)
            at += 1 + width


def _intset(data: bytes) -> t.Iterator[bytes]:
    width = int.from_bytes(data[:4], "little")
    if width not in (2, 4, 8) or len(data) % width:
        raise ValueError("numbers of no width that there is")
    for at in range(8, len(data), width):
        yield b"%d" % int.from_bytes(data[at : at + width], "little", signed=True)


def _packs(
    read: t.Callable[[bytes], t.Iterator[bytes]], count: int, arrange: t.Callable[..., tuple[t.Any, ...]]
) -> t.Callable[[RdbBytes], t.Iterator[tuple[t.Any, ...]]]:
    """A reader of one string with ``count`` strings an element."""

    def elements_of(data: RdbBytes) -> t.Iterator[tuple[t.Any, ...]]:
        try:
            strings = read(data.string())
            for group in zip(*[strings] * count, strict=True):
                yield arrange(*group)
        except (IndexError, KeyError, ValueError):
            raise data.damaged("the elements of a value make no sense") from None

    return elements_of


def _one(element: bytes) -> tuple[bytes]:
    return (element,)


def _score(member: bytes, score: bytes) -> tuple[bytes, bytes]:
    return score, member


def _field(field: bytes, value: bytes, expiry: bytes = b"0") -> tuple[bytes, bytes, Expiry]:
    return field, value, int(expiry) or None


def _singles(data: RdbBytes) -> t.Iterator[tuple[bytes]]:
    for _element in range(data.length()):
        yield (data.string(),)


def _scores(data: RdbBytes) -> t.Iterator[tuple[bytes, bytes]]:
    for _member in range(data.length()):
        member = data.string()
        # The shortest text that gives exactly this number again.
        yield repr(struct.unpack("<d", data.take(8))[0]).encode(), member


def _fields(data: RdbBytes) -> t.Iterator[tuple[bytes, bytes, Expiry]]:
    for _field_number in range(data.length()):
        yield data.string(), data.string(), None


def _fields_of_valkey(data: RdbBytes) -> t.Iterator[tuple[bytes, bytes, Expiry]]:
    for _field_number in range(data.length()):
        field, value = data.string(), data.string()
        expiry = int.from_bytes(data.take(8), "little", signed=True)
        yield field, value, None if expiry < 0 else expiry


def _fields_of_redis(data: RdbBytes) -> t.Iterator[tuple[bytes, bytes, Expiry]]:
    first = int.from_bytes(data.take(8), "little")
    for _field_number in range(data.length()):
        # Counted from the first expiry of all; 0 for none.
        since = data.length()
        yield data.string(), data.string(), first + since - 1 if since else None


def _timed_fields(data: RdbBytes) -> t.Iterator[tuple[t.Any, ...]]:
    data.skip(8)
    return _packs(listpack, 3, _field)(data)


def _nodes(data: RdbBytes) -> t.Iterator[tuple[t.Any, ...]]:
    for _node in range(data.length()):
        yield from _packs(_ziplist, 1, _one)(data)


def _nodes_or_plain(data: RdbBytes) -> t.Iterator[tuple[t.Any, ...]]:
    for _node in range(data.length()):
        if data.length() == 1:
            yield (data.string(),)
        else:
            yield from _packs(listpack, 1, _one)(data)


_READ: dict[int, t.Callable[[RdbBytes], t.Iterator[tuple[t.Any, ...]]]] = {
    1: _singles,
    2: _singles,
    4: _fields,
    5: _scores,
    10: _packs(_ziplist, 1, _one),
    11: _packs(_intset, 1, _one),
    12: _packs(_ziplist, 2, _score),
    13: _packs(_ziplist, 2, _field),
    14: _nodes,
    16: _packs(listpack, 2, _field),
    17: _packs(listpack, 2, _score),
    18: _nodes_or_plain,
    20: _packs(listpack, 1, _one),
    24: _fields_of_redis,
    25: _timed_fields,
}
