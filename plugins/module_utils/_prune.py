# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes from the target what the source does not have (any more)."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.module_utils._commands import one
from ansible_collections.dataservices.redis_migration.plugins.module_utils._counters import LISTED, Change, Counters
from ansible_collections.dataservices.redis_migration.plugins.module_utils._existence import absent
from ansible_collections.dataservices.redis_migration.plugins.module_utils._flow import Job
from ansible_collections.dataservices.redis_migration.plugins.module_utils._scan import Chunk
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer import Lane


class Pruner:
    """Takes chunks of a scan of the target."""

    def __init__(self, lane: Lane, counters: Counters, changes: list[Change]) -> None:
        self._lane = lane
        self._counters = counters
        self._changes = changes

    def chunk(self, chunk: Chunk) -> t.Callable[[int], Job]:
        """The job that prunes among the keys of ``chunk``."""
        return lambda _attempt: self._prune(chunk.names)

    def _prune(self, names: list[bytes]) -> Job:
        source, target = self._lane.source, self._lane.target
        extra = yield from absent(source, names)
        if not extra:
            return
        if self._lane.check_mode:
            (gone,) = yield target.call(one(b"EXISTS", *extra), 1)
        else:
            (gone,) = yield target.call(one(b"UNLINK", *extra), 1)
        target.check([gone], "UNLINK")
        self._counters.pruned += gone
        room = max(0, LISTED - len(self._changes))
        self._changes.extend(Change(source.database, name, "pruned") for name in extra[:room])
