# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checksum of RDB files and DUMP payloads, in Python alone and fast enough for gigabytes.

It is the remainder of a polynomial division over GF(2): the polynomial that Redis uses, bits reflected, from 0.
Long data is shortened first: x**distance leaves a remainder with few terms for the distances below, so what lies that
far from the end can be moved towards it by a few shifts of one long integer: some ten times faster than a table.
"""

from __future__ import annotations

import functools
import struct

_POLYNOMIAL = 0x95AC9329AC4BC9B5

# (distance in bits, x**distance mod the polynomial, bit n for x**n), far to near: in each octave the remainder with the
# fewest terms.
_FOLDS = (
    (4169386, 0xA2080040D4232001),
    (2091772, 0x881020010CC0821E),
    (1013629, 0xC440018C22121381),
    (520247, 0xB1814E4100600604),
    (259415, 0x8003A2384E490110),
    (129456, 0xC020C02893B42101),
    (57699, 0x80D04195AC0A0022),
    (32024, 0x8189160488850C15),
    (16346, 0xA44B4848200E0E07),
    (7007, 0xC24144C114010928),
    (3958, 0x888F388420B29418),
    (2034, 0xF27400C582A00125),
    (923, 0xC180DB90908298F2),
    (503, 0x96A189C3E0083C30),
)
_SHIFTS = tuple((distance, tuple(63 - term for term in range(64) if rest >> term & 1)) for distance, rest in _FOLDS)

# Shorter data is not worth the shifting.
_SHORT = 400

# The most that is made one integer.
_BLOCK = 1024 * 1024


@functools.cache
def _table() -> list[int]:
    """What becomes of two bytes; made when first needed (some 20 ms, 3 MiB)."""
    one = []
    for byte in range(256):
        value = byte
        for _bit in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        one.append(value)
    return [one[(one[pair & 255] ^ (pair >> 8)) & 255] ^ (one[pair & 255] >> 8) for pair in range(65536)]


def crc64(data: bytes | bytearray | memoryview, crc: int = 0) -> int:
    """The checksum of what gave ``crc`` followed by ``data``."""
    size = len(data)
    if size <= _SHORT:
        return _by_table(data, crc)
    view = memoryview(data)
    for start in range(0, size, _BLOCK):
        crc = _by_folding(view[start : start + _BLOCK], crc)
    return crc


def _by_table(data: bytes | bytearray | memoryview, crc: int) -> int:
    table = _table()
    if len(data) % 2:
        # Zero bits in front change nothing, so that an odd byte is the second of a pair.
        crc ^= data[0]
        crc = table[crc << 8 & 0xFFFF] ^ (crc >> 8)
        data = memoryview(data)[1:]
    for pair in struct.unpack(f"<{len(data) // 2}H", data):
        crc = table[(crc ^ pair) & 0xFFFF] ^ (crc >> 16)
    return crc


def _by_folding(data: memoryview, crc: int) -> int:
    # The first bit of the data is the lowest of the integer and the highest power of the polynomial.
    length = len(data) * 8
    number = int.from_bytes(data, "little") ^ crc
    for distance, shifts in _SHIFTS:
        while length > distance + 64:
            size = min(length - distance, distance - 64)
            far = number & ((1 << size) - 1)
            number >>= size
            length -= size
            moved = 0
            for shift in shifts:
                moved ^= far << shift
            offset = distance - size - 63
            number ^= moved << offset if offset >= 0 else moved >> -offset
    padding = -length % 16
    return _by_table((number << padding).to_bytes((length + padding) // 8, "little"), 0)
