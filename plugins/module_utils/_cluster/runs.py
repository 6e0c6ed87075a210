# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A migration or a comparison between whatever both ends are: servers, or clusters, in parts then.

An end is asked nothing more for this: what is run finds out by itself that an end is a node of a cluster.
"""

from __future__ import annotations

import typing as t

from .._compare.diff_progress import DiffPlan, DiffProgress
from .._compare.key_diff import KeyDiff
from .._errors import ClusterFound
from .._keys.slots import ALL_SLOTS
from .._migrate.migration import Migration
from .._migrate.progress import Plan, Progress
from .kinds import ComparisonInParts, Kind, MigrationInParts, P, Runner
from .parts import Whole
from .rounds import Rounds


class Run(t.Generic[P]):
    """Runs ``between_servers``, or ``in_parts`` where an end is a cluster."""

    def __init__(self, between_servers: Runner[P], in_parts: Rounds[P] | None, kind: Kind[P]) -> None:
        self._servers = between_servers
        self._parts = in_parts
        self._kind = kind
        if in_parts is None and (kind.source.nodes or kind.target.nodes or kind.shard != ALL_SLOTS):
            # It was said to be one, and the node that is named first may be away; or it is a part in any case.
            self._parts = Rounds(kind)

    @property
    def progress(self) -> P:
        return self._parts.progress if self._parts else self._servers.progress

    @property
    def state(self) -> P | Whole[P]:
        """For the next slice."""
        return self._parts.whole if self._parts else self._servers.progress

    def run(self, seconds: float | None = None) -> P:
        """Go on for about ``seconds`` (to the end, if None). Raises :class:`RedisMigrationError`."""
        if self._parts is None:
            try:
                return self._servers.run(seconds)
            except ClusterFound:
                self._parts = Rounds(self._kind)
        return self._parts.run(seconds)


def migration(plan: Plan, state: Progress | Whole[Progress] | None = None) -> Run[Progress]:
    """The run of ``plan``, or what goes on with it from ``state``."""
    kind = MigrationInParts(plan)
    if isinstance(state, Whole):
        return Run(Migration(plan), Rounds(kind, state), kind)
    return Run(Migration(plan, state), None, kind)


def comparison(plan: DiffPlan, state: DiffProgress | Whole[DiffProgress] | None = None) -> Run[DiffProgress]:
    """The comparison of ``plan``, or what goes on with it from ``state``."""
    kind = ComparisonInParts(plan)
    if isinstance(state, Whole):
        return Run(KeyDiff(plan), Rounds(kind, state), kind)
    return Run(KeyDiff(plan, state), None, kind)
