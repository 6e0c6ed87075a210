# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that a backup has twice, told from those that somebody else wrote meanwhile."""

from __future__ import annotations

import collections
import dataclasses

from .._keys.listing import Failure
from .._rdb.reader import RdbReader
from .restore_plan import RestorePlan
from .source import BackupSource

_DOUBLED = "the {} this key more than once; its first value was restored"
_DOUBLED_HINT = "A server would not load such a file. Find out what wrote it, or use another backup."


def name_doubled(plan: RestorePlan, failures: list[Failure]) -> None:
    """Say so in ``failures``."""
    taken = {failure.key for failure in failures if failure.reason.startswith("BUSYKEY")}
    if not taken:
        return
    found: collections.Counter[tuple[int, bytes]] = collections.Counter()
    for path in plan.src:
        with BackupSource(path, plan.password) as source:
            for entry in RdbReader(source.read, f"The backup {path}").entries():
                if entry.key in taken:
                    found[entry.database, entry.key] += 1
    reason = _DOUBLED.format("files have" if len(plan.src) > 1 else "file has")
    for at, failure in enumerate(failures):
        if failure.key in taken and found[failure.database, failure.key] > 1:
            failures[at] = dataclasses.replace(failure, reason=reason, hint=_DOUBLED_HINT)
