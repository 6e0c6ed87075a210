# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be read off a DUMP payload without decoding it: type, format version, and the part that is the value.

A payload is a type byte, the value, a 2-byte RDB version (little endian) and an 8-byte checksum.
"""

from __future__ import annotations

import typing as t

from .crc64 import crc64
from .format import MODULE

FOOTER_BYTES = 10

# Redis source, rdb.h: the type byte of each encoding. 22 to 25 are hashes whose fields can expire (22: Valkey 9).
HASHES_THAT_EXPIRE = frozenset((22, 23, 24, 25))
_TYPES = {
    **dict.fromkeys((0,), "string"),
    **dict.fromkeys((1, 10, 14, 18), "list"),
    **dict.fromkeys((2, 11, 20), "set"),
    **dict.fromkeys((3, 5, 12, 17), "zset"),
    **dict.fromkeys((4, 9, 13, 16, 22, 23, 24, 25), "hash"),
    **dict.fromkeys((15, 19, 21, 26), "stream"),
}

# Values of modules begin with a number of nine characters, six bits each, and a version.
_MODULE_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_NINE_BYTES = 0x81


def type_of(payload: bytes) -> str | None:
    """The Redis type of a payload, or None for an encoding this file does not know."""
    if payload[:2] == bytes((MODULE, _NINE_BYTES)) and len(payload) >= 10:
        return module_name(int.from_bytes(payload[2:10], "big"))
    return _TYPES.get(payload[0]) if payload else None


def module_name(number: int) -> str:
    """The name in the number under which a module writes."""
    return "".join([_MODULE_CHARACTERS[number >> shift & 63] for shift in range(58, 9, -6)])


def rdb_version(payload: bytes) -> int:
    """The RDB version in the footer."""
    return int.from_bytes(payload[-10:-8], "little")


def same_value(one: bytes, other: bytes) -> bool:
    """Whether two payloads carry the same encoded value; unequal bodies may still hold equal data."""
    return one[:-FOOTER_BYTES] == other[:-FOOTER_BYTES]


DAMAGED = "what DUMP gave for this key is no payload: its checksum is wrong"


def damaged(payloads: t.Sequence[bytes | None]) -> list[int]:
    """Positions of those that are no payloads, or whose checksum is not that of what stands before it.

    A payload with its checksum behind it leaves a remainder of 0, and so does one after the other: all are checked at once.
    """
    if not crc64(b"".join([payload for payload in payloads if payload])) and all(map(_has_footer, payloads)):
        return []
    return [at for at, payload in enumerate(payloads) if not _has_footer(payload) or (payload and crc64(payload))]


def _has_footer(payload: bytes | None) -> bool:
    """Whether it is long enough and names a version; zeros have a checksum of zeros. Nothing at all is no payload to check."""
    return payload is None or (len(payload) > FOOTER_BYTES and rdb_version(payload) > 0)
