# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For how long applications could not write, and what that time went into."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import duration
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.timeline import spans_of, times_of

Variables = t.Mapping[str, t.Any]

# What moves data is one part, whichever way it goes.
_PARTS = {"migrate": "move", "drain": "move", "follow": "move"}
_ANSIBLE = "ansible"


def stop_of(variables: Variables) -> tuple[float, float] | None:
    """When writes stopped and when they could go on, in seconds since 1970. None where this run did not do both.

    Apps: from before the first is stopped until all run on the target. A pause: from before it until writes are let through.
    """
    if variables.get("__redis_migration_pause", {}).get("paused"):
        stops, starts = ["pause"], "released"
    else:
        stops = [
            name for name in ("unbound", "stopped") if variables.get(f"__redis_migration_{name}", {}).get("changed")
        ]
        started = variables.get("__redis_migration_cutover_started", {})
        starts = "cutover_started" if started.get("apps") and not started.get("failed") else ""
    began = [times[0] for name in stops for times in times_of(variables, name)]
    ended = [times[1] for times in times_of(variables, starts)] if starts else []
    return (min(began), max(min(began), *ended)) if began and ended else None


def downtime_of(variables: Variables) -> dict[str, t.Any] | None:
    """``seconds``, and ``parts``, each with its ``phase`` and ``seconds``; None as in :func:`stop_of`.

    The part ``ansible`` is what no phase worked in. ``since_last_change``: how many of the seconds came after the last change
    that the source named; None where nobody followed it.
    """
    stop = stop_of(variables)
    if stop is None:
        return None
    seconds = round(stop[1] - stop[0], 2)
    parts: dict[str, float] = {}
    for phase, began, ended in spans_of(variables):
        if ended > stop[0] and began < stop[1]:
            name = _PARTS.get(phase, phase)
            parts[name] = parts.get(name, 0.0) + min(ended, stop[1]) - max(began, stop[0])
    parts[_ANSIBLE] = max(0.0, seconds - sum(parts.values()))
    last = variables.get("__redis_migration_drained", {}).get("last_change")
    return {
        "seconds": seconds,
        "since_last_change": None if last is None else round(min(max(0.0, stop[1] - last), seconds), 2),
        "parts": [{"phase": phase, "seconds": round(spent, 2)} for phase, spent in parts.items()],
    }


def waiting_of(variables: Variables) -> list[str]:
    """The addresses of clients that were let through, at the source, with a command that may have been held back."""
    return [one["address"] for one in variables.get("__redis_migration_released", {}).get("waiting", [])]


def waiting_sentence(waiting: t.Sequence[str]) -> str:
    """The same for people."""
    more = f" and {len(waiting) - 5} more" if len(waiting) > 5 else ""
    return (
        f"WARNING: clients were waiting with a command when the pause ended, which then ran at the source: {', '.join(waiting[:5])}"
        f"{more}. If it writes, that is missing at the target; redis_migration_isolate_disconnect drops such commands."
    )


def downtime_sentence(downtime: Variables) -> str:
    """The same for people; what took no time worth speaking of is left out."""
    parts = ", ".join(
        f"{'Ansible itself' if part['phase'] == _ANSIBLE else part['phase']} {duration(part['seconds'])}"
        for part in downtime["parts"]
        if part["seconds"] >= 0.05
    )
    last = downtime["since_last_change"]
    after = f", {duration(last)} of it after the last change" if last is not None else ""
    return f"Writes stood still for {duration(downtime['seconds'])}{after}{f' ({parts})' if parts else ''}."
