# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keys of the source are like, from what preflight saw of some of them: rows for tables with bars."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.plot import BAR

Row = dict[str, t.Any]
Plan = t.Mapping[str, t.Any]

_LIFETIMES = {
    "under_1_minute": "under a minute",
    "under_1_hour": "under an hour",
    "under_1_day": "under a day",
    "under_30_days": "under 30 days",
    "longer": "30 days or longer",
    "never": "no expiry",
}


def _row(label: str, keys: float, size: float | None, sample: Plan, plan: Plan) -> Row:
    """``keys`` and ``bytes`` of all keys, if they are as those of the sample; ``bar``: the share, of memory if known."""
    of_keys = keys / sample["keys"] if sample["keys"] else 0.0
    if size is None:
        return {"label": label, "keys": of_keys * plan["keys"], "bar": round(of_keys * BAR), "share": of_keys}
    of_bytes = size / sample["bytes"] if sample["bytes"] else 0.0
    return {
        "label": label,
        "keys": of_keys * plan["keys"],
        "bytes": of_bytes * plan["bytes"],
        "bar": round(of_bytes * BAR),
        "share": of_bytes,
    }


def type_rows(plan: Plan) -> list[Row]:
    """By type, the one that takes most memory first."""
    sample = plan["sample"]
    rows = [_row(kind, seen["keys"], seen["bytes"], sample, plan) for kind, seen in sample["types"].items()]
    return sorted(rows, key=lambda row: -row["share"])


def prefix_rows(plan: Plan) -> list[Row]:
    """By prefix of the names, the one that takes most memory first; last all others. None where names have no prefixes."""
    sample = plan["sample"]
    named = [one for one in sample["prefixes"] if one["prefix"]]
    if not named:
        return []
    rows = [_row(one["prefix"], one["keys"], one["bytes"], sample, plan) for one in named]
    keys, size = (sample[what] - sum(one[what] for one in named) for what in ("keys", "bytes"))
    return [*rows, _row("", keys, size, sample, plan)] if keys else rows


def ttl_rows(plan: Plan) -> list[Row]:
    """By how long keys have to live; empty where nothing expires."""
    sample = plan["sample"]
    groups = sample["ttl"]
    if not any(count for name, count in groups.items() if name != "never"):
        return []
    return [_row(label, groups[name], None, sample, plan) for name, label in _LIFETIMES.items() if groups[name]]
