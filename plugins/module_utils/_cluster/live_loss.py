# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster that is followed lost keys while nobody looked: least of all must the target lose what the source lost."""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.identity import Identity
from .._errors import RedisMigrationError
from .._migrate.progress import Plan
from .._server.loss import Holding, holding_of
from .live_result import Part
from .topology import Topology


class Losses:
    """Compares what the source's primaries held before a change with what they hold after it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._held: Holding | None = None
        self._met: list[Identity] = []

    def remember(self, source: Topology, parts: t.Sequence[Part]) -> None:
        """Who served, and what they held when they were asked last."""
        self._met = [primary.server.identity for primary in source.primaries]
        held = {part.source.id: part.follower.lanes.progress.held for part in parts}
        known = [one for one in held.values() if one is not None]
        if known and len(known) == len(held):
            self._held = _sum(known)

    def check(self, source: Topology) -> None:
        """Raise :class:`RedisMigrationError` where too much is gone for which nobody gave a command."""
        if self._held is None or self._plan.prune_limit >= 1:
            return
        there = [primary.server.identity for primary in source.primaries]
        if all(any(_same(before, now) for now in there) for before in self._met):
            # What is gone is gone by commands, which are the will of applications.
            return
        now = _sum([holding_of(primary.server, primary.server.databases) for primary in source.primaries])
        lost = self._held.together.unexplained(now.together, max(0, now.expired - self._held.expired))
        if lost > (0 if self._plan.prune else self._held.tolerated(self._plan.prune_limit)):
            raise RedisMigrationError(
                f"The source cluster changed in the middle of the run and came back with {now.keys} keys ({self._held.keys} keys"
                " before). Nothing was deleted at the target because of that.",
                hint="Check what the source lost. If nothing that matters, run again.",
            )


def _same(before: Identity, now: Identity) -> bool:
    """Whether it is the same server with its data, whatever was flushed by a command."""
    known = before.replication_id is not None and now.replication_id is not None
    by_commands = dataclasses.replace(now, replacements=before.replacements)
    return known and before.same_process(now) and before.same_data(by_commands)


def _sum(holdings: t.Sequence[Holding]) -> Holding:
    keys, volatile = sum(one.keys for one in holdings), sum(one.volatile for one in holdings)
    return Holding(((0, keys, volatile),), sum(one.expired for one in holdings))
