# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the shards that a run has proved are all of their source."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.slots import (
    ALL_SLOTS,
    NO_SLOTS,
    either,
    shard,
)


def proved_in_part(migrations: t.Sequence[t.Mapping[str, t.Any]]) -> int:
    """How many of ``migrations``, as in a report, are proved, while other shards of their source are not."""
    slots: dict[t.Any, bytes] = {}
    shared = [one for one in migrations if one["status"] == "proved" and one["verify"]["shard"]]
    for one in shared:
        number, count = map(int, one["verify"]["shard"].split("/"))
        slots[_ends(one)] = either(slots.get(_ends(one), NO_SLOTS), shard(number, count))
    return sum(slots[_ends(one)] != ALL_SLOTS for one in shared)


def _ends(migration: t.Mapping[str, t.Any]) -> t.Any:
    """What is the same for all shards of one source."""
    return (
        migration["source"]["address"],
        migration["target"]["address"],
        tuple(sorted(migration["verify"]["databases"])),
    )
