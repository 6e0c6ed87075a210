# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run in a few numbers: what AWX is given, and what the list of runs is made of."""

from __future__ import annotations

import typing as t

Data = dict[str, t.Any]

SUMMARY_VERSION = 1


def run_summary(report: t.Mapping[str, t.Any], *, analysis: bool = False) -> Data:
    """What each run keeps beside its report, for the list of runs. Numbers and names of the inventory, no other text."""
    return {
        "schema": "dataservices.redis_migration/summary",
        "version": SUMMARY_VERSION,
        **{name: report[name] for name in ("playbook", "check_mode", "started", "finished", "elapsed_seconds")},
        "analysis": analysis,
        "summary": report["summary"],
        "migrations": [
            {
                "name": migration["name"],
                "status": migration["status"],
                **dict(zip(("keys_moved", "bytes_moved"), moved_of(migration))),
            }
            for migration in report["migrations"]
        ],
    }


def run_stats(report: t.Mapping[str, t.Any], run: str) -> Data:
    """What the next step of a workflow gets. Numbers and names only: such values become variables, which are templates."""
    return {
        "run": run,
        **{name: report[name] for name in ("playbook", "check_mode", "elapsed_seconds")},
        **report["summary"],
        "failed_migrations": [one["name"] for one in report["migrations"] if one["status"] == "failed"],
    }


def moved_of(migration: t.Mapping[str, t.Any]) -> tuple[int, int]:
    """Keys and bytes that were written to the target; in a live run each time counts."""
    if migration["live"]:
        return migration["live"]["totals"]["moved"], migration["live"]["totals"]["bytes"]
    totals = migration["migrate"]["totals"] if migration["migrate"] else {"copied": 0, "updated": 0, "bytes": 0}
    return totals["copied"] + totals["updated"], totals["bytes"]
