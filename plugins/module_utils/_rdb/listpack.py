# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listpacks, as far as streams need them: a run of entries becomes one, as a server holds them in memory and in RDB."""

from __future__ import annotations

import typing as t

from .stream_id import parse_id

Entry = tuple[bytes, list[bytes]]
"""The ID as a server says it, and field, value, field, value, …"""

_HEADER_BYTES = 6
_END = b"\xff"
_COUNT_UNKNOWN = 0xFFFF

_SAME_FIELDS = 2


def node(entries: t.Sequence[Entry]) -> bytes:
    """A stream's node of ``entries``: its key, the ID of the first one, and its listpack, each as an RDB string is."""
    base = parse_id(entries[0][0])
    fields = entries[0][1][::2]
    parts = [integer(len(entries)), integer(0), integer(len(fields)), *map(text, fields), integer(0)]
    for name, items in entries:
        milliseconds, sequence = parse_id(name)
        # IDs have 64 bits without a sign, their differences 64 bits with one.
        since = integer(_signed(milliseconds - base[0])) + integer(_signed(sequence - base[1]))
        if items[::2] == fields:
            said = list(map(text, items[1::2]))
            parts += [integer(_SAME_FIELDS), since, *said, integer(len(said) + 3)]
        else:
            parts += [integer(0), since, integer(len(items) // 2), *map(text, items), integer(len(items) + 4)]
    return _listpack(parts, _elements(entries, fields))


def _elements(entries: t.Sequence[Entry], fields: list[bytes]) -> int:
    told = sum(len(items) // 2 + 4 if items[::2] == fields else len(items) + 5 for _name, items in entries)
    return 4 + len(fields) + told


def _listpack(parts: list[bytes], count: int) -> bytes:
    body = b"".join(parts)
    size = _HEADER_BYTES + len(body) + len(_END)
    return size.to_bytes(4, "little") + min(count, _COUNT_UNKNOWN).to_bytes(2, "little") + body + _END


def _signed(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


def text(value: bytes) -> bytes:
    """An element, as a number where it is the shortest way to write one, as servers do."""
    size = len(value)
    if 0 < size <= 20 and value[-1] in b"0123456789" and (value.isdigit() or value[:1] == b"-"):
        number = _number(value)
        if number is not None:
            return integer(number)
    if size < 64:
        return bytes((0x80 | size,)) + value + _length_behind(size + 1)
    if size < 4096:
        return (0xE000 | size).to_bytes(2, "big") + value + _length_behind(size + 2)
    return b"\xf0" + size.to_bytes(4, "little") + value + _length_behind(size + 5)


def _number(value: bytes) -> int | None:
    try:
        number = int(value)
    except ValueError:
        return None
    return number if -(2**63) <= number < 2**63 and b"%d" % number == value else None


def integer(number: int) -> bytes:
    """An element that is a number of 64 bits with a sign."""
    return _SMALL[number] if 0 <= number < 128 else _integer(number)


def _integer(number: int) -> bytes:
    if 0 <= number < 128:
        body = bytes((number,))
    elif -4096 <= number < 4096:
        body = (0xC000 | number & 0x1FFF).to_bytes(2, "big")
    else:
        size, mark = next((size, mark) for size, mark in _SIZES if -(1 << 8 * size - 1) <= number < 1 << 8 * size - 1)
        body = mark + number.to_bytes(size, "little", signed=True)
    return body + _length_behind(len(body))


_SIZES = ((2, b"\xf1"), (3, b"\xf2"), (4, b"\xf3"), (8, b"\xf4"))


def _length_behind(size: int) -> bytes:
    """The length of an element, to be read from its end: groups of 7 bits, the highest first."""
    if size < 128:
        return bytes((size,))
    groups = [size & 127 | 128]
    size >>= 7
    while size >= 128:
        groups.append(size & 127 | 128)
        size >>= 7
    return bytes((size, *reversed(groups)))


_SMALL = tuple(_integer(number) for number in range(128))
