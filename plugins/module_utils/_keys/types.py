# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands for each type of key, by the name that TYPE gives it."""

from __future__ import annotations

# How many elements a key holds, or bytes.
LENGTH = {
    b"string": b"STRLEN",
    b"list": b"LLEN",
    b"set": b"SCARD",
    b"hash": b"HLEN",
    b"zset": b"ZCARD",
    b"stream": b"XLEN",
}

# Types whose elements have no order to read them by.
SCAN = {b"set": b"SSCAN", b"hash": b"HSCAN", b"zset": b"ZSCAN"}
