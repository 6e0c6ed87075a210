# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes the temporary keys that a killed run left at the target."""

from __future__ import annotations

from ..._connection.commands import one, pack
from ..._connection.cursor import CursorWalk
from ..._keys.temporary import PREFIX, TemporaryNames, is_temporary
from ..._pipeline.end import End
from ..._pipeline.job import Job

_PAGE = 2000


def remove_leftovers(target: End, ours: TemporaryNames) -> Job[None]:
    """The job that walks the target's database once. What is named by ``ours`` is being built right now and stays."""
    held = target.server.databases.get(target.database)
    walk = CursorWalk(target.endpoint, "SCAN", held.keys if held else 0)
    cursor = b"0"
    while True:
        replies = yield target.call(pack(b"SCAN", cursor, b"MATCH", PREFIX + b"*", b"COUNT", _PAGE), 1)
        target.check(replies, "SCAN")
        cursor, names = walk.checked_page(replies[0])
        leftovers = [name for name in names if is_temporary(name) and not ours.owns(name)]
        if leftovers:
            gone = yield target.call(one(b"UNLINK", *leftovers), 1)
            target.check(gone, "UNLINK")
        if cursor == b"0":
            return
