# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether counts prove that the target holds no key that the source lacks, so that its keys need not be walked as well.

Every key of the source was found at the target. If both servers count exactly as many keys, and nothing was written, expired
or evicted at either from before the first key was looked at until after the last, the target has none beside these.
"""

from __future__ import annotations

import typing as t

from .._connection.replies import is_error, parse_info
from .._pipeline.end import End
from .._pipeline.job import Job
from .._server.info import ASK_CHANGES, changes_in
from .._server.key_counts import database_in
from .._server.loss import ASK
from .both_ends import Ask, together
from .diff_progress import DatabaseDiff

_ASK = b"*1\r\n$6\r\nDBSIZE\r\n" + ASK + ASK_CHANGES
_REPLIES = 4

# What a server has counted that any change of its keys alters; as plain data, from slice to slice. Empty where it does not
# say, or contradicts itself.
Count = list[t.Any]


def counts(source: End, target: End) -> Job[list[Count]]:
    """What both count now."""
    replies = yield from together(Ask(source, _ASK, _REPLIES), Ask(target, _ASK, _REPLIES))
    return [_count(end, said) for end, said in zip((source, target), replies)]


def _count(end: End, replies: t.Sequence[t.Any]) -> Count:
    size, *told = replies
    if not isinstance(size, int) or any(is_error(reply) or not isinstance(reply, bytes) for reply in told):
        return []
    keyspace, stats, persistence = told
    database, found = database_in(keyspace, end.database), parse_info(stats)
    gone = [found.get(name) for name in ("expired_keys", "evicted_keys")]
    changes = changes_in(parse_info(persistence))
    if database is None or database.keys != size or changes is None or None in gone:
        return []
    return [size, *changes, *gone]


def no_extra(seen: DatabaseDiff, before: t.Sequence[Count], after: t.Sequence[Count]) -> bool:
    """Whether the target holds no other keys than the source, of which all were ``seen`` between these counts."""
    if seen.missing or not before or not all(before) or list(before) != list(after):
        return False
    # A walk that showed a key twice has shown more than there are.
    return {count[0] for count in after} == {seen.source_keys}
