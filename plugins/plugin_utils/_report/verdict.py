# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a run, in a line, and what of it to look at first."""

from __future__ import annotations

import typing as t

# What people are shown first, first.
LABELS = {
    "failed": "failed",
    "not_run": "not run",
    "planned": "planned",
    "done": "done",
    "proved": "proved equal",
}

_ORDER = tuple(LABELS)


def verdict(summary: t.Mapping[str, int]) -> str:
    """The title of a report. ``summary``: as in the report."""
    migrations = summary["migrations"]
    noun = "migration" if migrations == 1 else "migrations"
    if not migrations:
        return "No migrations"
    if summary["failed"]:
        return f"{summary['failed']} of {migrations} {noun} failed"
    if summary["proved"] == migrations:
        if summary.get("proved_in_part"):
            return "Proved equal, but only in part: other shards of the source were not in this run"
        return (
            "Everything arrived: the migration is proved equal"
            if migrations == 1
            else f"Everything arrived: all {migrations} migrations are proved equal"
        )
    if summary["not_run"] == migrations:
        return "Nothing was run"
    if summary["planned"] == migrations:
        return "A plan: nothing was changed"
    counted = [f"{summary[status]} {LABELS[status]}" for status in reversed(_ORDER) if summary[status]]
    return (
        f"None of {migrations} {noun} failed: {', '.join(counted)}" if migrations > 1 else "Done, without a comparison"
    )


def worst_first(migrations: t.Iterable[t.Mapping[str, t.Any]]) -> list[t.Mapping[str, t.Any]]:
    """Failed migrations first, those that are proved last; by name within each."""
    return sorted(migrations, key=lambda one: (_ORDER.index(one["status"]), one["name"]))


def failed_findings(migration: t.Mapping[str, t.Any]) -> list[t.Mapping[str, str]]:
    """The findings that made it fail, if it was findings that did: the message of the failure is made of them."""
    failure = migration["failure"]
    if not failure or failure["phase"] not in ("preflight", "verify"):
        return []
    result = migration[failure["phase"]]
    failed = [one for one in (result["findings"] if result else []) if one["status"] == "fail"]
    return failed if all(one["message"] in failure["message"] for one in failed) else []
