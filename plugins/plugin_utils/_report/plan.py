# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run in check mode would do, as data: numbers, findings, and what would change."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.apps import apps_sentences
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import count
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.sentences import (
    backup_lines,
    restore_summary,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._truth import is_true

Data = dict[str, t.Any]
Variables = t.Mapping[str, t.Any]

PLAN_VERSION = 1

_MOVED = ("copied", "updated", "unchanged", "skipped", "pruned", "failed", "bytes")


def build_plan(report: t.Mapping[str, t.Any], hosts: t.Mapping[str, Variables]) -> Data:
    """``report``: what :func:`_report.data.build_report` made of ``hosts`` in check mode."""
    migrations = [_migration(migration, hosts[migration["name"]]) for migration in report["migrations"]]
    totals = [migration["totals"] for migration in migrations if migration["totals"]]
    return {
        "schema": "dataservices.redis_migration/plan",
        "version": PLAN_VERSION,
        **{name: report[name] for name in ("playbook", "started", "finished")},
        "summary": {
            "migrations": len(migrations),
            "failed": sum(migration["failure"] is not None for migration in migrations),
            "changing": sum(bool(migration["changes"]) for migration in migrations),
            "keys": sum(one["copied"] + one["updated"] for one in totals),
            "bytes": sum(one["bytes"] for one in totals),
            "deleted": sum(one["pruned"] for one in totals),
        },
        "migrations": migrations,
    }


def _migration(migration: t.Mapping[str, t.Any], variables: Variables) -> Data:
    preflight = migration["preflight"]
    planned = preflight["plan"] if preflight else {}
    moved = migration["migrate"]
    return {
        **{name: migration[name] for name in ("name", "status", "rollback", "source", "target", "failure")},
        "keys": planned.get("keys"),
        "expires": planned.get("expires"),
        "memory_bytes": planned.get("bytes"),
        "strategy": (moved or planned).get("strategy"),
        "strategy_reason": (moved or planned).get("strategy_reason"),
        "totals": {name: moved["totals"][name] for name in _MOVED} if moved else None,
        "changes": changes(migration, variables),
        "checks": {
            status: sum(found["status"] == status for found in preflight["findings"])
            for status in ("ok", "warn", "fail")
        }
        if preflight
        else None,
        "findings": _notable(migration),
        "settings": planned.get("settings", {}).get("differences", []),
    }


def _notable(migration: t.Mapping[str, t.Any]) -> list[Data]:
    """Every finding that is not well, the failed ones first."""
    found = [*(migration["preflight"] or {}).get("findings", []), *(migration["verify"] or {}).get("findings", [])]
    return [dict(one) for status in ("fail", "warn") for one in found if one["status"] == status]


def changes(migration: t.Mapping[str, t.Any], variables: Variables) -> list[str]:
    """In sentences and in the order of a run, what a run would change. Empty if nothing, or where it would fail at once."""
    sentences = _before(variables)
    backup = migration["backup"]
    if backup and "totals" in backup:
        sentences += backup_lines(backup, check_mode=True)
    sentences += _isolation(variables)
    # Who is on the target is there already.
    sentences += apps_sentences({**migration["apps"], "on_target": []}, failed=False, planned=True)
    moved = migration["migrate"]
    libraries = (moved or {}).get("functions", {})
    if moved and (moved["changed"] or libraries.get("loaded") or libraries.get("replaced")):
        sentences.append(moved["summary"])
    if migration["restore"] and migration["restore"]["totals"]["restored"]:
        sentences.append(restore_summary(migration["restore"], check_mode=True))
    # A run that fails comes to no cutover.
    return sentences if migration["failure"] else [*sentences, *_cutover(variables)]


def _before(variables: Variables) -> list[str]:
    sentences = []
    created = variables.get("__redis_migration_created", {})
    if created.get("changed"):
        sentences.append(
            f"Would create the service instance {variables['redis_migration_target']['service_instance']}."
        )
    new_keys = [
        str(one["item"]["service_instance"])
        for one in variables.get("__redis_migration_key", {}).get("results", [])
        if one.get("changed")
    ]
    if new_keys:
        sentences.append(f"Would create service keys of {', '.join(new_keys)}.")
    waits = variables.get("__redis_migration_waited", {}).get("waits")
    if waits:
        sentences.append(f"Would wait {waits} before any application is stopped.")
    return sentences


def _isolation(variables: Variables) -> list[str]:
    sentences = []
    pause = variables.get("__redis_migration_pause", {})
    if not (pause.get("skipped") or pause.get("failed")) and "paused" in pause:
        sentences.append("Would hold back all writes to the source until the run ends.")
    clients = variables.get("__redis_migration_isolate_result", {}).get("clients", [])
    if clients:
        number = "one client has" if len(clients) == 1 else f"{count(len(clients))} clients have"
        sentences.append(f"Would wait until {number} gone from the source.")
    return sentences


def _cutover(variables: Variables) -> list[str]:
    """What a cutover would do. It registers nothing in check mode, so this is what its variables say."""
    chosen = set(variables.get("ansible_run_tags", ["all"])) & {"all", "tagged", "cutover"}
    skipped = "cutover" in variables.get("ansible_skip_tags", [])
    # Apps go where this very run moves the data.
    if (
        "__redis_migration_migrate" not in variables
        or variables.get("__redis_migration_moved")
        or skipped
        or not chosen
    ):
        return []
    sentences = []
    tasks = variables.get("redis_migration_cutover_tasks")
    if tasks:
        sentences.append(f"Would run the tasks in {tasks}.")
    if is_true(variables.get("redis_migration_cutover")):
        unbound = variables.get("__redis_migration_unbound", {})
        record = unbound.get("record", variables.get("__redis_migration_bound", {}).get("record")) or []
        names = list(dict.fromkeys(str(entry["app_name"]) for entry in record))
        target = variables.get("redis_migration_target", {}).get("service_instance")
        if names and target:
            sentences.append(f"Would bind to {target}, and start if they ran before: {', '.join(names)}.")
    return sentences
