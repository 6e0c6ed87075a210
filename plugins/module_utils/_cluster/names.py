# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before anything is written: whether two keys of a whole cluster would get one name. See :mod:`_migrate.names`."""

from __future__ import annotations

import time
import typing as t

from .._keys.selection import Selection
from .._migrate.names import check_names
from .topology import Topology


def check_all_names(
    source: Topology,
    selection: Selection,
    pairs: t.Sequence[tuple[int, int]],
    *,
    seconds: float | None = None,
    round_trip_us: float = 0,
    timeout: float | None = None,
) -> bool:
    """:func:`check_names` of each primary of ``source``, which asks the others for what they have."""
    deadline = None if seconds is None else time.monotonic() + seconds
    complete = True
    for primary in source.primaries if selection.renames else ():
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        looked = check_names(
            source.node(primary),
            primary.server,
            selection,
            pairs,
            seconds=left,
            round_trip_us=round_trip_us,
            timeout=timeout,
            others=source.others(primary.slots),
        )
        complete = looked and complete
    return complete
