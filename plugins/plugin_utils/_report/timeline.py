# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When each phase of a migration worked. The modules' results say so (``times``): no task has to take the time."""

from __future__ import annotations

import typing as t

Data = dict[str, t.Any]
Variables = t.Mapping[str, t.Any]

# By phase, the names after ``__redis_migration_`` under which its tasks register results.
REGISTERED: dict[str, tuple[str, ...]] = {
    "credentials": (
        "created",
        "key",
        "created_keys",
        "backend_key",
        "opened",
        "bound",
        "bound_to_target",
        "rollback_target",
    ),
    "preflight": ("preflight",),
    "analyse": ("analysis", "fit"),
    "follow": ("started", "caught_up"),
    "wait": ("waited",),
    "isolate": (
        "target_settled",
        "unbound",
        "stopped",
        "still_there",
        "restarted",
        "pause",
        "isolate_result",
        "users",
    ),
    "backup": ("backup",),
    "migrate": ("migrate", "functions"),
    "drain": ("drained",),
    "verify": ("comparison",),
    "cutover": (
        "cutover_stopped",
        "cutover_running",
        "cutover_bound",
        "cutover_there",
        "states",
        "cutover_restaged",
        "cutover_started",
    ),
    "release": ("released",),
    "rollback": (
        "now",
        "on_target",
        "counted",
        "left_behind",
        "users_of_source",
        "back_stopped",
        "back_running",
        "off_target",
        "restored",
        "back",
        "left_on_target",
        "staying",
        "back_restarted",
        "rid_restarted",
        "cleared",
    ),
    "restore": ("restore",),
}


def spans_of(variables: Variables) -> list[tuple[str, float, float]]:
    """``(phase, began, ended)`` in seconds since 1970, in the order in which they began."""
    spans = [
        (phase, float(began), float(ended))
        for phase, names in REGISTERED.items()
        for name in names
        for began, ended in times_of(variables, name)
    ]
    return sorted(spans, key=lambda span: span[1])


def times_of(variables: Variables, name: str) -> list[list[float]]:
    """When the tasks that registered ``name`` ran; each item of a loop counts, and none of an earlier play."""
    result = variables.get(f"__redis_migration_{name}") or {}
    since = variables.get("__redis_migration_variables", {}).get("began", 0.0)
    found = [times for one in (result, *result.get("results", [])) for times in one.get("times", [])]
    return [times for times in found if times[1] >= since]


def timeline_of(variables: Variables, began: float, finished: float, stop: tuple[float, float] | None = None) -> Data:
    """The run of one migration: ``seconds``, and what they went into.

    ``phases``: each with its ``seconds`` and ``spans`` (seconds since ``began``, and how long). ``other_seconds``: Ansible
    itself, tasks that are not ours, and waiting for the other migrations. Together they are all. ``stop``: when nobody could
    write, in the same way.
    """
    seconds = round(max(0.0, finished - began), 2)
    phases: dict[str, list[list[float]]] = {}
    left = seconds
    for phase, start, end in spans_of(variables):
        took = min(left, round(max(0.0, end - start), 2))
        left -= took
        phases.setdefault(phase, []).append([_since(began, start, seconds - took), took])
    return {
        "seconds": seconds,
        "phases": [
            {"phase": phase, "seconds": round(sum(took for _at, took in spans), 2), "spans": spans}
            for phase, spans in phases.items()
        ],
        "other_seconds": round(max(0.0, left), 2),
        "stop": [_since(began, stop[0], seconds), round(min(stop[1] - stop[0], seconds), 2)] if stop else None,
    }


def _since(began: float, moment: float, most: float) -> float:
    return round(min(max(0.0, moment - began), max(0.0, most)), 2)
