# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets, hashes and sorted sets in pieces, by cursors. What a cursor shows twice is written twice, to no harm."""

from __future__ import annotations

import typing as t

from ..._connection.commands import pack
from ..._connection.cursor import CursorWalk
from ..._keys.types import SCAN
from ..._pipeline.job import Job
from ..._pipeline.pipe import ReplyTooLarge
from ..._pipeline.stride import Stride
from ..._server.info import ASK_FIELD_EXPIRY
from .field_ttls import FieldTtls
from .key_build import KeyBuild, Write, piece


def scanned_in_pieces(build: KeyBuild, kind: str, length: int, ttls: FieldTtls) -> Job[bool]:
    """Write all elements to the temporary key. Whether any fields of the database expire."""
    stride = Stride(build.size, length)
    proof = ASK_FIELD_EXPIRY if kind == "hash" and ttls.possible else b""
    write: Write | None = None
    walk = CursorWalk(build.lane.source.endpoint, SCAN[kind.encode()].decode(), 2 * length)
    cursor = b"0"
    timed = kept = False
    while True:
        command = proof + pack(SCAN[kind.encode()], build.key, cursor, b"COUNT", stride.elements) + proof
        try:
            replies = yield from build.exchange(piece(command, stride, 3 if proof else 1), write)
        except ReplyTooLarge:
            if not stride.shorten():
                raise
            write = None
            continue
        cursor, elements = walk.checked_page(replies[1 if proof else 0])
        expiries: dict[int, list[bytes]] = {}
        if proof and not ttls.none(replies[0], replies[2]):
            timed = True
            if elements:
                elements, expiries = yield from ttls.in_pieces(build, elements)
        write = None
        if expiries:
            kept = True
            write = _expiring_part([*elements, ttls.keeper, b""], expiries)
        elif elements:
            write = _PART[kind](elements)
        if cursor == b"0":
            break
    if write:
        yield from build.write(write)
    if kept:
        # A time in the past deletes the field, and needs no further permission.
        yield from build.write(Write(lambda name: pack(b"HPEXPIREAT", name, 1, b"FIELDS", 1, ttls.keeper)))
    return timed


def _set_part(members: list[bytes]) -> Write:
    return Write(lambda name: pack(b"SADD", name, *members))


def _zset_part(elements: list[bytes]) -> Write:
    # ZSCAN shows member and score, ZADD takes score and member; the text of a score is exact.
    args: list[t.Any] = [b""] * len(elements)
    args[::2], args[1::2] = elements[1::2], elements[::2]
    return Write(lambda name: pack(b"ZADD", name, *args))


def _hash_part(elements: list[bytes]) -> Write:
    return Write(lambda name: pack(b"HSET", name, *elements))


def _expiring_part(elements: list[bytes], expiries: dict[int, list[bytes]]) -> Write:
    def commands(name: bytes) -> bytes:
        return pack(b"HSET", name, *elements) + FieldTtls.commands(name, expiries)

    return Write(commands, 1 + len(expiries))


_PART = {"set": _set_part, "hash": _hash_part, "zset": _zset_part}
