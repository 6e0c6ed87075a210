# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process behind a live run, whatever its ends are: servers, or clusters, in parts then."""

from __future__ import annotations

import typing as t

from .._errors import ClusterFound
from .._live.follow import Follower
from .._live.process import Run, run_process
from .._migrate.progress import Plan
from .live import ClusterFollower


def opened(plan: Plan, still_wanted: t.Callable[[], bool]) -> Run:
    """An open run of ``plan``. Raises :class:`RedisMigrationError`."""
    if not (plan.source.nodes or plan.target.nodes):
        follower = Follower(plan, still_wanted=still_wanted)
        try:
            follower.open()
        except ClusterFound:
            follower.close()
        else:
            return follower
    parts = ClusterFollower(plan, still_wanted)
    parts.open()
    return parts


def main(order: dict[str, t.Any]) -> None:
    """C(order) is an Order as a dictionary."""
    run_process(order, opened)
