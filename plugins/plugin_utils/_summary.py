# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line about one migration."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._words import count, duration, keys, size


def migration_summary(result: t.Mapping[str, t.Any], *, check_mode: bool = False) -> str:
    """What a result of redis_migrate_keys says, in one line."""
    totals = result["totals"]
    written = totals["copied"] + totals["updated"]
    took = duration(result["elapsed_seconds"])
    if not result["changed"] and not totals["failed"]:
        rest = _rest(totals, without_unchanged=True)
        return f"Nothing to do: {keys(totals['unchanged'])} of the source are equal at the target ({took}){rest}."
    verb = "Would move" if check_mode else "Moved"
    rates = f"{count(result['keys_per_second'])} keys/s, {size(result['bytes_per_second'])}/s"
    speed = "" if check_mode else f" in {took} ({rates})"
    return (
        f"{verb} {keys(written)} ({size(totals['bytes'])}){speed} by {result['strategy']} ({result['strategy_reason']})"
        f"{_rest(totals, without_unchanged=False)}."
    )


def _rest(totals: t.Mapping[str, int], *, without_unchanged: bool) -> str:
    words = {
        "updated": "of them updated",
        "unchanged": "already equal",
        "skipped": "left as they were",
        "vanished": "expired on the way",
        "pruned": "deleted at the target",
        "failed": "FAILED",
    }
    if without_unchanged:
        del words["unchanged"]
    parts = [f"{count(totals[name])} {text}" for name, text in words.items() if totals[name]]
    return f"; {', '.join(parts)}" if parts else ""
