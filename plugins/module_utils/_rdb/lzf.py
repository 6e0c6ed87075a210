# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LZF, the compression of strings in RDB files: literal bytes and repetitions of what stands up to 8 KiB before."""

from __future__ import annotations


def decompress(packed: bytes, size: int) -> bytes:
    """The ``size`` bytes that ``packed`` stands for. Raises :class:`ValueError` when it makes no sense."""
    plain = bytearray()
    position, end = 0, len(packed)
    try:
        while position < end:
            control = packed[position]
            position += 1
            if control < 32:
                plain += packed[position : position + control + 1]
                position += control + 1
                continue
            count = control >> 5
            if count == 7:
                count += packed[position]
                position += 1
            start = len(plain) - ((control & 31) << 8) - packed[position] - 1
            position += 1
            count += 2
            if start < 0 or len(plain) + count > size:
                raise ValueError("a repetition of nothing")
            piece = plain[start : start + count]
            # A repetition may overlap with what it makes.
            while len(piece) < count:
                piece += piece[: count - len(piece)]
            plain += piece
    except IndexError:
        raise ValueError("the compressed bytes end early") from None
    if len(plain) != size:
        raise ValueError("the size is wrong")
    return bytes(plain)
