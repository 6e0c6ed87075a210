# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether two servers, or a walk and a server, agree on how many keys there are.

A key that has expired is counted until the server has removed it, and is neither shown nor moved. So only those that never
expire are compared.
"""

from __future__ import annotations

import typing as t

from .info import Server
from .key_counts import Database

# So many, or this share of them, may come and go while all are walked.
_ALWAYS = 10
_SHARE = 0.1

# Keys that expire are looked for only where they live so long on average, and hardly any has expired meanwhile.
_FAR_MS = 600_000
_HARDLY_ANY = 0.01


class Side(t.NamedTuple):
    """A database as its server counts it."""

    server: Server
    counts: Database
    # How many temporary keys without an expiry are among them, as far as they were counted: no run moves them.
    temporary: int = 0

    @property
    def lasting(self) -> int | None:
        """Keys without an expiry that a run moves; None where the server does not tell."""
        return None if self.counts.lasting is None else max(0, self.counts.lasting - self.temporary)

    @property
    def unsure(self) -> int:
        """Hashes that go with their last field, at a moment of the server's choosing."""
        return self.counts.field_expires if self.server.supports_field_ttl() else 0


def apart(one: Side, other: Side) -> tuple[int, int] | None:
    """The keys without an expiry of both, where they cannot be those of equal databases."""
    mine, its = one.lasting, other.lasting
    if mine is None or its is None or abs(mine - its) <= max(one.unsure, other.unsure):
        return None
    return mine, its


def too_few(shown: int, before: Database, now: Side, writes: int | None) -> int | None:
    """How many keys a walk should have shown that came to its end after ``shown``, if that is too few.

    ``writes``: how many changes the server counts from before it began; None where that cannot be told. No more keys than
    that have come behind it.
    """
    if before.lasting is None or now.counts.lasting is None:
        return None
    # Both times there are at least so many: those in between may be others, but not all of them.
    there = min(before.lasting, now.counts.lasting) - now.unsure
    slack = max(_ALWAYS, int(there * _SHARE))
    # Some products always tell the same count of changes.
    if writes is not None and (writes or before.lasting == now.counts.lasting):
        slack = min(slack, writes)
    return there if shown < there - slack else None


def too_few_expiring(shown: int, before: Database, now: Side, writes: int | None, expired: int) -> int | None:
    """The same of all keys, where hardly any of those that expire can have: how many there are by the server's count.

    Half of them has to be missing, as an average says little of one key. ``expired``: how many keys the server
    saw expire meanwhile. A replica counts them longer than it shows them.
    """
    if not before.expires or not now.counts.expires or writes is None or now.server.role != "master":
        return None
    expiring = min(before.expires, now.counts.expires)
    if now.counts.avg_ttl < _FAR_MS or expired > expiring * _HARDLY_ANY:
        return None
    lasting = min(before.lasting or 0, now.counts.lasting or 0)
    enough = lasting + expiring // 2 - now.unsure - max(_ALWAYS, writes)
    return lasting + expiring if shown < enough else None
