# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations in a line."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import (
    count,
    duration,
    keys,
    size,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.verification import findings_lines


def migration_summary(
    result: t.Mapping[str, t.Any], functions: t.Mapping[str, t.Any] | None = None, *, check_mode: bool = False
) -> str:
    """What a result of redis_migrate_keys says, and one of redis_functions if there is one, in one line."""
    return f"{_keys_summary(result, check_mode)}{_functions_sentence(functions or {}, check_mode)}"


def _functions_sentence(result: t.Mapping[str, t.Any], check_mode: bool) -> str:
    libraries = result.get("libraries", {})
    labels = {"loaded": "new", "replaced": "replaced", "skipped": "left as they were", "failed": "FAILED"}
    parts = []
    for name, text in labels.items():
        names = [entry["library"] if name == "failed" else entry for entry in libraries.get(name, [])]
        parts += [f"{', '.join(names)} {text}"] if names else []
    return f" Functions{' (would be)' if check_mode else ''}: {'; '.join(parts)}." if parts else ""


def _keys_summary(result: t.Mapping[str, t.Any], check_mode: bool) -> str:
    totals = result["totals"]
    written = totals["copied"] + totals["updated"]
    took = duration(result["elapsed_seconds"])
    if not result["changed"] and not totals["failed"]:
        rest = _rest(totals, without_unchanged=True)
        verb = "is" if totals["unchanged"] == 1 else "are"
        equal = f"{keys(totals['unchanged'])} of the source {verb} equal at the target"
        return f"Nothing to do: {equal} ({took}){rest}.{_drift(result, check_mode)}"
    verb = "Would move" if check_mode else "Moved"
    # Keys that were only compared have a speed, too, but it is none of moving.
    rates = f" ({count(result['keys_per_second'])} keys/s, {size(result['bytes_per_second'])}/s)" if written else ""
    speed = "" if check_mode else f" in {took}{rates}"
    return (
        f"{verb} {keys(written)} ({size(totals['bytes'])}){speed} by {result['strategy']} ({result['strategy_reason']})"
        f"{_rest(totals, without_unchanged=False)}.{_drift(result, check_mode)}"
    )


def _drift(result: t.Mapping[str, t.Any], check_mode: bool) -> str:
    if not result.get("drift"):
        return ""
    if check_mode:
        return " The source was written to meanwhile, so these numbers have changed since."
    return " The source was written to meanwhile: run again to move what changed."


def _rest(totals: t.Mapping[str, int], *, without_unchanged: bool) -> str:
    labels = {
        "updated": "of them updated",
        "unchanged": "already equal",
        "skipped": "left as they were",
        "vanished": "expired or deleted on the way",
        "pruned": "deleted at the target",
        "failed": "FAILED",
    }
    if without_unchanged:
        del labels["unchanged"]
    parts = [f"{count(totals[name])} {text}" for name, text in labels.items() if totals[name]]
    return f"; {', '.join(parts)}" if parts else ""


def plan_lines(result: t.Mapping[str, t.Any]) -> list[str]:
    """What a result of redis_preflight_info says of the run, and every finding that is not well."""
    plan = result["plan"]
    lines = []
    if "databases" in plan:
        ends = " to ".join(f"{plan[end]['product']} at {plan[end]['address']}" for end in ("source", "target"))
        trips = " and ".join(f"{plan[end]['round_trip_ms']:.1f}" for end in ("source", "target"))
        lines.append(f"{ends} (round trips of {trips} ms)")
        for database in plan["databases"]:
            place = "" if database["source"] == database["target"] else f" to database {database['target']}"
            there = f", {count(database['target_keys'])} there now" if database["target_keys"] else ""
            amount = f"{keys(database['keys'])}, {count(database['expires'])} of them expiring"
            lines.append(f"database {database['source']}{place}: {amount}{there}")
        lines.append(f"together {keys(plan['keys'])}, about {size(plan['bytes'])} of memory at the source")
        if "strategy" in plan:
            lines.append(f"strategy {plan['strategy']} ({plan['strategy_reason']})")
    lines += findings_lines(found for found in result["findings"] if found["status"] != "ok")
    lines.append(result["summary"])
    if not result["passed"]:
        lines.append(
            "Nothing has been changed. Options above are inventory variables with redis_migration_ before their name;"
            " what you accept goes into redis_migration_preflight_ignore, by the name before the colon."
        )
    return lines


def _place(result: t.Mapping[str, t.Any]) -> str:
    """Where a backup is: its file, or the first and last of those of a cluster."""
    paths = [one["path"] for one in result.get("files") or []]
    if len(paths) < 2:
        return str(paths[0] if paths else result["dest"])
    return f"{paths[0]} to {paths[-1].removeprefix(result['dest'])}"


def backup_lines(result: t.Mapping[str, t.Any], *, check_mode: bool = False) -> list[str]:
    """What a result of redis_backup says: the file, and how to open it."""
    if "totals" not in result:
        return [f"{_place(result)} ({size(result['size'])}) is there already, and is kept."]
    amount = keys(result["totals"]["keys"])
    if check_mode:
        return [f"Would save {amount} to {_place(result)}."]
    took = duration(result["elapsed_seconds"])
    lines = [f"Saved {amount} of {result['server']} to {_place(result)} ({size(result['size'])}) in {took}."]
    if result.get("decrypt_command"):
        lines.append(f"To decrypt it: {result['decrypt_command']}")
    return lines


def restore_summary(result: t.Mapping[str, t.Any], *, check_mode: bool = False) -> str:
    """What a result of redis_restore says, in one line."""
    totals = result["totals"]
    labels = {"skipped": "there already", "expired": "expired since", "empty": "without an element", "failed": "FAILED"}
    rest = [f"{count(totals[name])} {text}" for name, text in labels.items() if totals.get(name)]
    verb = "Would restore" if check_mode else "Restored"
    return f"{verb} {keys(totals['restored'])}{'; ' if rest else ''}{', '.join(rest)}."


def file_sentences(
    backup: t.Mapping[str, t.Any] | None, restored: t.Mapping[str, t.Any] | None, *, planned: bool
) -> list[str]:
    """What the report's parts ``backup`` and ``restore`` come to, in short."""
    sentences = []
    if backup and (planned or "totals" not in backup):
        sentences += backup_lines(backup, check_mode=planned)
    elif backup:
        sentences.append(f"Saved {keys(backup['totals']['keys'])} to {_place(backup)} ({size(backup['size'])}).")
    if restored:
        sentences.append(restore_summary(restored, check_mode=planned))
    return sentences
