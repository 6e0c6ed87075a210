# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the keys of the source are like, from what preflight saw of some of them: rows for tables with bars."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.plot import BAR

Row = dict[str, t.Any]
Sample = t.Mapping[str, t.Any]

_LIFETIMES = {
    "under_1_minute": "under a minute",
    "under_1_hour": "under an hour",
    "under_1_day": "under a day",
    "under_30_days": "under 30 days",
    "longer": "30 days or longer",
    "never": "no expiry",
}


def _row(label: str, keys: int, size: int | None, sample: Sample) -> Row:
    """``bar``: its share, of memory if that is known, and ``share`` the same as a number."""
    part, whole = (keys, sample["stands_for"]) if size is None else (size, sample["bytes"])
    share = part / whole if whole else 0.0
    row = {"label": label, "keys": keys, "bar": round(share * BAR), "share": share}
    return row if size is None else {**row, "bytes": size}


def type_rows(sample: Sample) -> list[Row]:
    """By type, the one that takes most memory first."""
    rows = [_row(kind, seen["keys"], seen["bytes"], sample) for kind, seen in sample["types"].items()]
    return sorted(rows, key=lambda row: -row["share"])


def encoding_rows(sample: Sample) -> list[Row]:
    """By type and encoding, the one that takes most memory first; empty where it is not known."""
    found = sample.get("encodings", [])
    rows = [_row(f"{one['type']}, {one['encoding']}", one["keys"], one["bytes"], sample) for one in found]
    return sorted(rows, key=lambda row: -row["share"])


def prefix_rows(sample: Sample) -> list[Row]:
    """By prefix of the names, the one that takes most memory first; last all others. None where names have no prefixes."""
    named = [one for one in sample["prefixes"] if one["prefix"]]
    if not named:
        return []
    rows = [_row(one["prefix"], one["keys"], one["bytes"], sample) for one in named]
    keys = sample["stands_for"] - sum(one["keys"] for one in named)
    size = sample["bytes"] - sum(one["bytes"] for one in named)
    return [*rows, _row("", keys, max(0, size), sample)] if keys > 0 else rows


def ttl_rows(sample: Sample) -> list[Row]:
    """By how long keys have to live; empty where nothing expires."""
    groups = sample["ttl"]
    if not any(count for name, count in groups.items() if name != "never"):
        return []
    return [_row(label, groups[name], None, sample) for name, label in _LIFETIMES.items() if groups[name]]
