# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the temporary keys (see :mod:`_keys.temporary`) that killed runs left in a database.

A server counts them as it counts any other key, and no run moves them.
"""

from __future__ import annotations

from .._connection.commands import each, pack
from .._connection.cursor import CursorWalk
from .._keys.temporary import PREFIX, is_temporary
from .end import End
from .job import Job

_PAGE = 2000

# PTTL's answer for a key without an expiry.
_LASTS = -1


def temporary_keys(end: End) -> Job[list[bytes]]:
    """The job that walks the end's database once for their names, those of the running run among them."""
    held = end.server.databases.get(end.database)
    walk = CursorWalk(end.endpoint, "SCAN", held.keys if held else 0)
    cursor, found = b"0", dict[bytes, None]()
    while True:
        replies = yield end.call(pack(b"SCAN", cursor, b"MATCH", PREFIX + b"*", b"COUNT", _PAGE), 1)
        end.check(replies, "SCAN")
        cursor, names = walk.checked_page(replies[0])
        found.update(dict.fromkeys(name for name in names if is_temporary(name)))
        if cursor == b"0":
            return list(found)


def count_lasting(end: End) -> Job[int]:
    """The job that counts those without an expiry. Most have one: see :data:`_keys.temporary.LIFETIME_MS`."""
    names = yield from temporary_keys(end)
    if not names:
        return 0
    replies = yield end.call(each(b"PTTL", names), len(names))
    end.check(replies, "PTTL")
    return sum(reply == _LASTS for reply in replies)
