# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redis' own glob patterns over bytes, as KEYS and SCAN MATCH understand them."""

from __future__ import annotations

import functools
import re
import typing as t


@functools.lru_cache(maxsize=256)
def compile_glob(pattern: bytes) -> re.Pattern[bytes]:
    """A compiled matcher for ``*``, ``?``, ``[a-z]``, ``[^x]`` and backslash escapes, matching the whole name."""
    parts: list[list[bytes]] = [[]]
    position = 0
    while position < len(pattern):
        char = pattern[position : position + 1]
        position += 1
        if char == b"*":
            parts.append([])
        elif char == b"?":
            parts[-1].append(b".")
        elif char == b"\\" and position < len(pattern):
            parts[-1].append(re.escape(pattern[position : position + 1]))
            position += 1
        elif char == b"[":
            text, position = _char_class(pattern, position)
            parts[-1].append(text)
        else:
            parts[-1].append(re.escape(char))
    first, *others = (b"".join(part) for part in parts)
    # What stands between two stars matches where it first can, and no other place is tried: a long name costs no more.
    text = (
        first
        + b"".join(b"(?>.*?%b)" % part for part in others[:-1] if part)
        + b"".join(b".*%b" % part for part in others[-1:])
    )
    if pattern not in (b"", b"*"):
        # The empty name is matched by nothing else, not even by two stars.
        text = b"(?=.)" + text
    return re.compile(text, re.DOTALL)


def _char_class(pattern: bytes, position: int) -> tuple[bytes, int]:
    negated = pattern[position : position + 1] == b"^"
    position += negated
    members: list[bytes] = []
    while position < len(pattern) and pattern[position : position + 1] != b"]":
        if pattern[position : position + 1] == b"\\" and position + 1 < len(pattern):
            members.append(re.escape(pattern[position + 1 : position + 2]))
            position += 2
        elif pattern[position + 1 : position + 2] == b"-" and position + 2 < len(pattern):
            low, high = sorted((pattern[position], pattern[position + 2]))
            members.append(re.escape(bytes([low])) + b"-" + re.escape(bytes([high])))
            position += 3
        else:
            members.append(re.escape(pattern[position : position + 1]))
            position += 1
    if not members:
        # An empty class matches nothing, its negation everything.
        return (b"." if negated else b"(?!)"), position + 1
    return (b"[^" if negated else b"[") + b"".join(members) + b"]", position + 1


def as_bytes(pattern: str) -> bytes:
    """A pattern from the inventory as bytes; ``\\xNN`` in it stands for that byte, as redis-cli prints names."""
    encoded = pattern.encode("utf-8", "surrogateescape")
    # Pair by pair, so that an escaped backslash before an x stays one.
    return re.sub(
        rb"\\(?:x([0-9a-fA-F]{2})|.)",
        lambda code: code[0] if code[1] is None else _literal(bytes([int(code[1], 16)])),
        encoded,
        flags=re.DOTALL,
    )


def prefix_pattern(prefix: bytes) -> str:
    """The pattern of an option that matches the names which begin with ``prefix``."""
    shown = (
        f"\\{chr(byte)}" if byte in b"*?[]\\^-" else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
        for byte in prefix
    )
    return "".join(shown) + "*"


def _literal(char: bytes) -> bytes:
    return b"\\" + char if char in b"*?[]\\^-" else char


def matcher(match: t.Sequence[str], exclude: t.Sequence[str]) -> t.Callable[[bytes], bool] | None:
    """Whether a name is wanted: it matches one of ``match`` (if any) and none of ``exclude``. None if all are."""
    wanted = [compile_glob(as_bytes(pattern)).fullmatch for pattern in match]
    unwanted = [compile_glob(as_bytes(pattern)).fullmatch for pattern in exclude]
    if not wanted and not unwanted:
        return None

    def chosen(key: bytes) -> bool:
        if wanted and not any(test(key) for test in wanted):
            return False
        return not any(test(key) for test in unwanted)

    return chosen
