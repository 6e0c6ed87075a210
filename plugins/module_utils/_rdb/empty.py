# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections without an element, which faulty servers have left in files and which no server keeps when it loads one."""

from __future__ import annotations

# Encodings that begin with the number of their elements.
_COUNTED = frozenset({1, 2, 3, 4, 5, 22})

# Those that are one string, and how long this is without an element: zipmap, ziplist, intset, listpack.
_SIZES = {9: 2, **dict.fromkeys((10, 12, 13), 11), 11: 8, **dict.fromkeys((16, 17, 20, 23), 7)}

# Hashes whose fields expire have a time in front.
_TIMED_COUNTED, _TIMED_LISTPACK = 24, 25
_TIME_BYTES = 8

# Lists of nodes, and what a node without an element is, up to its first eleven or seven bytes.
_NODES = {14: b"\x0b", 18: b"\x02\x07"}


def is_empty(kind: int, value: bytes) -> bool:
    """Whether ``value`` in the encoding ``kind`` is a collection that holds nothing. A stream may."""
    if kind in _COUNTED:
        return value[:1] == b"\0"
    if kind in _SIZES:
        size = _SIZES[kind]
        return value[0] == size and len(value) == 1 + size
    if kind in _NODES:
        return _no_nodes(_NODES[kind], value)
    if kind == _TIMED_COUNTED:
        return value[_TIME_BYTES : _TIME_BYTES + 1] == b"\0"
    if kind == _TIMED_LISTPACK:
        return is_empty(16, value[_TIME_BYTES:])
    return False


def _no_nodes(head: bytes, value: bytes) -> bool:
    # More of them than one byte can count is nothing that a server wrote.
    size = len(head) + head[-1]
    return len(value) == 1 + value[0] * size and all(value.startswith(head, at) for at in range(1, len(value), size))
