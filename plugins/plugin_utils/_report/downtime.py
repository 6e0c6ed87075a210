# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For how long applications could not write, and what that time went into."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import duration

Variables = t.Mapping[str, t.Any]


def downtime_of(variables: Variables) -> dict[str, t.Any] | None:
    """``seconds``, and ``parts``, each with its ``phase`` and ``seconds``. None where this run did not both stop and start.

    Apps: from before the first is stopped until all run on the target. A pause: from before it until writes are let through.
    """
    moments = variables.get("__redis_migration_moments", [])
    last = _last_phase(variables)
    phases = [phase for phase, _at in moments]
    if not last or last not in phases:
        return None
    moments = moments[: phases.index(last) + 1]
    parts = [
        {"phase": phase, "seconds": round(max(0.0, at - before), 2)}
        for (_phase, before), (phase, at) in itertools.pairwise(moments)
    ]
    return {"seconds": round(max(0.0, moments[-1][1] - moments[0][1]), 2), "parts": parts}


def _last_phase(variables: Variables) -> str:
    """The phase that ends the stop of writes which this run has begun; empty if none does."""
    if variables.get("__redis_migration_pause", {}).get("paused"):
        return "release"
    stopped = any(variables.get(f"__redis_migration_{name}", {}).get("changed") for name in ("unbound", "stopped"))
    started = variables.get("__redis_migration_cutover_started", {})
    return "cutover" if stopped and started.get("apps") and not started.get("failed") else ""


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
        f"{part['phase']} {duration(part['seconds'])}" for part in downtime["parts"] if part["seconds"] >= 0.05
    )
    return f"Writes stood still for {duration(downtime['seconds'])}{f' ({parts})' if parts else ''}."
