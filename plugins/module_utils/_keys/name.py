# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key names are bytes: how they are shown to people and kept exact in results."""

from __future__ import annotations

import base64
import re

# Longer names are cut for the eye; key_base64 stays exact.
_SHOWN_BYTES = 200


_NAMED = {0x07: "\\a", 0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r", 0x22: '\\"', 0x5C: "\\\\"}


def printable(key: bytes) -> str:
    """``key`` as redis-cli prints it, without the surrounding quotes: ``\\xNN`` escapes, ASCII only."""
    cut = len(key) > _SHOWN_BYTES
    shown = "".join(
        _NAMED.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}") for byte in key[:_SHOWN_BYTES]
    )
    return f"{shown}… ({len(key)} bytes)" if cut else shown


def key_fields(key: bytes) -> dict[str, str]:
    """The pair ``key`` and ``key_base64`` of a result; the latter is exact, whatever its size."""
    return {"key": printable(key), "key_base64": base64.b64encode(key).decode("ascii")}


_BYTES = {shown[1]: bytes([byte]) for byte, shown in _NAMED.items()}

_ESCAPE = re.compile(rb'\\(?:x([0-9a-fA-F]{2})|([abtnr"\\]))')


def as_name(text: str) -> bytes:
    r"""The bytes that ``text`` of an option stands for: UTF-8, and the escapes of :func:`printable`, as ``\xNN``."""
    return _ESCAPE.sub(
        lambda code: bytes([int(code[1], 16)]) if code[1] else _BYTES[code[2].decode("ascii")],
        text.encode("utf-8", "surrogateescape"),
    )
