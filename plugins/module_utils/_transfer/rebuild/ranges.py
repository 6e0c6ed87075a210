# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strings and lists in pieces, by ranges."""

from __future__ import annotations

from ..._connection.commands import pack
from ..._pipeline.job import Job
from ..._pipeline.pipe import ReplyTooLarge
from ..._pipeline.stride import PIECE_BYTES, Stride
from .key_build import KeyBuild, Length, Read, Write, piece


def string_in_pieces(build: KeyBuild, length: int) -> Job[None]:
    """Write the string of ``length`` bytes to the temporary key."""
    # The whole length at once: growing piece by piece would have the target copy the string again and again.
    # Meanwhile it may be empty, or gone.
    write = Write(lambda name: pack(b"SETRANGE", name, length - 1, b"\0") if length else pack(b"SET", name, b""))
    for start in range(0, length, PIECE_BYTES):
        ask = Read(pack(b"GETRANGE", build.key, start, start + PIECE_BYTES - 1), 1, 1, PIECE_BYTES)
        (part,) = yield from build.exchange(ask, write)
        write = _string_part(start, part)
    yield from build.write(write)


def _string_part(start: int, part: bytes) -> Write:
    return Write(lambda name: pack(b"SETRANGE", name, start, part))


def list_in_pieces(build: KeyBuild, length: int) -> Job[None]:
    """Push the elements of the list of ``length`` to the temporary key."""
    stride = Stride(build.size, length)
    write: Write | None = None
    start = 0
    while start < length:
        command = pack(b"LRANGE", build.key, start, start + stride.elements - 1)
        try:
            (elements,) = yield from build.exchange(piece(command, stride), write)
        except ReplyTooLarge:
            if not stride.shorten():
                raise
            write = None
            continue
        if not elements:
            return
        write = _list_part(start, elements)
        start += len(elements)
    if write:
        yield from build.write(write)


def _list_part(start: int, elements: list[bytes]) -> Write:
    # RPUSH twice would double the elements: the length tells whether it was carried out.
    return Write(lambda name: pack(b"RPUSH", name, *elements), length=Length(b"LLEN", start, start + len(elements)))
