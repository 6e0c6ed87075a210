# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of many keys an end does not have."""

from __future__ import annotations

from ._connection.commands import each, one
from ._pipeline.end import End
from ._pipeline.flow import Job


def absent(end: End, names: list[bytes]) -> Job:
    """Those of ``names`` that ``end`` does not have: one EXISTS for all, and one each only where some are missing."""
    if not names:
        return []
    (count,) = yield end.call(one(b"EXISTS", *names), 1)
    end.check([count], "EXISTS")
    if count == len(names):
        return []
    there = yield end.call(each(b"EXISTS", names), len(names))
    end.check(there, "EXISTS")
    return [name for name, found in zip(names, there) if not found]
