# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes and encodings of the RDB format: what an RDB file and a DUMP payload have in common."""

from __future__ import annotations

import re

# What may stand where a key's type stands.
FUNCTION = 245
MODULE_AUX = 247
IDLE = 248
FREQUENCY = 249
AUX = 250
RESIZE_DATABASE = 251
EXPIRY_MS = 252
EXPIRY_SECONDS = 253
SELECT_DATABASE = 254
END = 255
SLOT_INFO = 244

# Types of values, as far as this collection writes them itself.
STRING = 0
LIST = 1
SET = 2
HASH = 4
ZSET = 5
STREAM = 15
STREAM_COUNTED = 19
STREAM_ACTIVE = 21
HASH_EXPIRING_VALKEY = 22
HASH_EXPIRING_REDIS = 24

# A value of a module, the only kind of them since Redis 4.
MODULE = 7

HEADER_BYTES = 9

# Valkey left the common numbering with 80; what Redis numbered after the fork it does not read.
_FIRST_VALKEY = 80


def is_valkey(version: int) -> bool:
    """Whether a file of this RDB version follows the numbering of Valkey."""
    return version >= _FIRST_VALKEY


def header(version: int) -> bytes:
    """The first nine bytes of a file of this RDB version."""
    return b"VALKEY%03d" % version if is_valkey(version) else b"REDIS%04d" % version


def version_of(head: bytes) -> int | None:
    """The RDB version in the first nine bytes of a file, or None when this is no RDB file."""
    match = re.fullmatch(rb"REDIS(\d{4})|VALKEY(\d{3})", head)
    return int(match[1] or match[2]) if match else None


def length(number: int) -> bytes:
    """A length as the format has it: 1, 2, 5 or 9 bytes."""
    if number < 1 << 6:
        return bytes((number,))
    if number < 1 << 14:
        return (0x4000 | number).to_bytes(2, "big")
    if number < 1 << 32:
        return b"\x80" + number.to_bytes(4, "big")
    return b"\x81" + number.to_bytes(8, "big")


def string(value: bytes) -> bytes:
    """A string as the format has it, not compressed."""
    return length(len(value)) + value


# The first RDB version that has an encoding: 14 list nodes, 16 to 19 listpacks, 20 and 21 Redis 7.2, 22 Valkey 9,
# 23 to 25 hashes whose fields expire, 26 streams of Redis 8.6.
_SINCE = {
    **dict.fromkeys(range(16), 9),
    **dict.fromkeys((16, 17, 18, 19), 10),
    **dict.fromkeys((20, 21), 11),
    **dict.fromkeys((23, 24, 25), 12),
}


def oldest_version(kind: int, written: int) -> int:
    """The lowest RDB version that knows the encoding ``kind``, for a payload out of a file of version ``written``.

    A payload that claims no more than it needs is taken by older servers too, and by Redis what Valkey wrote.
    """
    return min(_SINCE.get(kind, written), written)
