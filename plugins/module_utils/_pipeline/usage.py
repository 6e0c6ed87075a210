# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a key was used, by which a full server chooses what it evicts: idle seconds for LRU, a frequency for LFU.

A server keeps one of the two, by its ``maxmemory-policy``, and RESTORE takes it along with the value.
"""

from __future__ import annotations

from .._connection.commands import each
from .._server.info import Server
from .chunk import Chunk
from .end import End
from .job import Job

IDLETIME = b"IDLETIME"
FREQ = b"FREQ"


def kept_by(server: Server) -> bytes | None:
    """What ``server`` keeps of its keys, as RESTORE calls it; None where it does not say by which policy it evicts."""
    if not server.maxmemory_policy:
        return None
    # All other policies keep idle times, also those that make no use of them.
    return FREQ if server.maxmemory_policy.endswith("-lfu") else IDLETIME


def read_usage(end: End, kind: bytes, chunk: Chunk) -> Job[None]:
    """Have ``chunk`` know the use of its keys. Before their values are read: without NO-TOUCH that is a use."""
    replies = yield end.call(each(b"OBJECT " + kind, chunk.names), len(chunk))
    end.check(replies, "OBJECT", kind.decode("ascii"))
    chunk.usages = [None if number is None else (kind, number) for number in replies]
