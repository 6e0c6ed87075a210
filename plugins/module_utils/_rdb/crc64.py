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
import typing as t

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
_SHORT = 160

# The most that is made one integer.
_BLOCK = 1024 * 1024

# Many short pieces are worked on side by side, those of about one length together; longer ones are folded.
_LONGEST_LANE = 2048
_FEWEST_LANES = 16


@functools.cache
def _table() -> list[int]:
    """What becomes of a byte."""
    table = []
    for byte in range(256):
        value = byte
        for _bit in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


@functools.cache
def _planes() -> list[bytes]:
    """The table for :meth:`bytes.translate`: each byte of its values by itself, the lowest first."""
    return [bytes([value >> 8 * plane & 255 for value in _table()]) for plane in range(8)]


def crc64(data: bytes | bytearray | memoryview, crc: int = 0) -> int:
    """The checksum of what gave ``crc`` followed by ``data``."""
    view = memoryview(data)
    for start in range(0, len(view), _BLOCK):
        block = view[start : start + _BLOCK]
        crc = _by_table(block, crc) if len(block) <= _SHORT else _by_folding(block, crc)
    return crc


def crc64_each(pieces: t.Sequence[bytes]) -> list[int]:
    """The checksum of every piece by itself; of many short ones some ten times faster than one after the other."""
    found = [0] * len(pieces)
    groups: dict[int, list[int]] = {}
    for position, piece in enumerate(pieces):
        groups.setdefault(len(piece).bit_length(), []).append(position)
    for positions in groups.values():
        group = [pieces[position] for position in positions]
        width = max(map(len, group))
        if len(group) < _FEWEST_LANES or width > _LONGEST_LANE:
            checksums = [crc64(piece) for piece in group]
        else:
            checksums = _side_by_side(group, width)
        for position, checksum in zip(positions, checksums):
            found[position] = checksum
    return found


def _by_table(data: bytes | memoryview, crc: int) -> int:
    table = _table()
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
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
    # Zero bits in front change nothing.
    padding = -length % 8
    return _by_table((number << padding).to_bytes((length + padding) // 8, "little"), 0)


def _side_by_side(pieces: list[bytes], width: int) -> list[int]:
    """The checksums of pieces of at most ``width`` bytes: byte by byte, but of all at once.

    The state is one integer: the lowest bytes of all checksums, then the next ones, and so on.
    """
    count = len(pieces)
    lines = b"".join([piece.rjust(width, b"\0") for piece in pieces])
    planes, lowest, number = _planes(), (1 << 8 * count) - 1, int.from_bytes
    state = 0
    for column in range(width):
        index = ((state & lowest) ^ number(lines[column::width], "little")).to_bytes(count, "little")
        state = (state >> 8 * count) ^ number(b"".join([index.translate(plane) for plane in planes]), "little")
    columns = state.to_bytes(8 * count, "little")
    return [number(columns[piece::count], "little") for piece in range(count)]
