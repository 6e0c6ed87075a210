# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many keys both servers count themselves, database by database: a look that owes nothing to what the run knows."""

from __future__ import annotations

from .._keys.selection import Selection
from .._server.agreement import Side, apart
from .._server.key_counts import held_in
from .lanes import Lanes
from .unnamed import Unnamed

Counts = dict[int, tuple[int, int]]


def counts(lanes: Lanes, unnamed: Unnamed) -> Counts:
    """Keys at the source and at the target, by the source's databases; nothing where one of them does not tell."""
    here, there = unnamed.keyspace, unnamed.keyspace_of_target
    if here is None or there is None:
        return {}
    found = {number: (held_in(here, number).keys, held_in(there, to).keys) for number, to in lanes.progress.pairs}
    return {number: both for number, both in found.items() if any(both)}


def difference(selection: Selection, lanes: Lanes, unnamed: Unnamed) -> str | None:
    """Where the counts cannot be those of equal databases, as a sentence; None if nothing speaks against it.

    A key that has expired is counted until the server has removed it, and it does not arrive at the other end. So only those
    that never expire are compared. With a selection or other names the counts say nothing, and nor do they where the target is
    known to hold keys of others or to lack some.
    """
    here, there = unnamed.keyspace, unnamed.keyspace_of_target
    if here is None or there is None or not selection.countable:
        return None
    if any(len(carrier.extra) or carrier.failures for carrier in lanes.carriers.values()):
        return None
    for number, to in lanes.progress.pairs:
        one, other = held_in(here, number), held_in(there, to)
        mine, its = Side(lanes.source, one), Side(lanes.target, other)
        if apart(mine, its):
            here_too, there_too = lanes.count_temporary(number)
            mine, its = mine._replace(temporary=here_too), its._replace(temporary=there_too)
        found = apart(mine, its)
        if found:
            where = f"database {number}" if number == to else f"database {number} (at the target {to})"
            return f"In {where} the source counts {found[0]} keys without an expiry, and the target {found[1]}."
    return None
