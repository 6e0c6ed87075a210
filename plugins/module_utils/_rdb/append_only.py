# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Append-only files, which are no backups although they may begin as an RDB file: the commands behind it count as well.

Redis 4 to 6 write both parts into one file, later servers into several of one directory, with a list of them.
"""

from __future__ import annotations

import re

from .._errors import RedisMigrationError

# The field at the beginning of an RDB file that says so, of Redis 4 to 6 and of later servers.
FIELDS = (b"aof-preamble", b"aof-base")

_COMMANDS = re.compile(rb"\*\d+\r\n\$|#TS:\d+\r\n")
_LIST = re.compile(rb"(#.*\n)*file \S+ seq \d+ type [bhi]")


def is_append_only(head: bytes) -> bool:
    """Whether ``head`` is the beginning of commands as a server appends them, or of the list of such files."""
    return bool(_COMMANDS.match(head) or _LIST.match(head))


def refusal(name: str) -> RedisMigrationError:
    """The exception for such a file; ``name`` is how messages call it."""
    return RedisMigrationError(
        f"{name} is an append-only file (AOF) or a part of one: what the server held shows only when all its commands "
        "are carried out, and its RDB part alone has old values and deleted keys.",
        hint="Load it into a server of its own, of the version that wrote it (since Redis 7 the whole directory of "
        "append-only files), and move the keys from there with redis_migrate_keys.",
    )
