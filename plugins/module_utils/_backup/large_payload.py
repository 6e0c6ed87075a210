# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the payload of one large key as it arrives: it may not fit into memory."""

from __future__ import annotations

from .._connection.line import Line
from .._pipeline.expiry import Expiry
from .._rdb.crc64 import crc64
from .._rdb.payload import FOOTER_BYTES
from .throttled_writer import ThrottledWriter


class Damaged(Exception):
    """What came is no payload: its checksum is wrong. It has been written all the same."""


def write_payload(line: Line, writer: ThrottledWriter, key: bytes, expiry: Expiry) -> bool:
    """Write ``key`` by DUMP; whether it was there. Raises :class:`Damaged`."""
    held = b""
    kind: int | None = None
    crc = 0
    for piece in line.download(b"DUMP", key):
        crc = crc64(piece, crc)
        held += piece
        if kind is None:
            kind, held = held[0], held[1:]
            writer.key(key, expiry, kind)
        writer.put(held[:-FOOTER_BYTES])
        held = held[-FOOTER_BYTES:]
    # With its checksum behind it a payload leaves a remainder of 0; zeros do too, and they name no version.
    if kind is not None and (crc or len(held) < FOOTER_BYTES or not any(held[:2])):
        raise Damaged()
    return kind is not None
