# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a live run did and proved, for the report and the phase that verifies."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import (
    count,
    duration,
    keys,
    size,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.rollback import turned_round

Data = dict[str, t.Any]

_FIELDS = (
    "proved",
    "reason",
    "strategy",
    "strategy_reason",
    "source_keys",
    "verified",
    "totals",
    "failures",
    "failures_not_listed",
    "extra",
    "extra_not_listed",
    "lag_over_time",
    "changes_per_second",
    "carried_per_second",
    "feeds",
    "restarts",
    "overflows",
    "evictions",
    "drain_seconds",
    "source_latency_ms",
)


def live_comparison(
    drained: t.Mapping[str, t.Any],
    functions: t.Mapping[str, t.Any],
    *,
    databases: t.Sequence[int],
    database_map: t.Mapping[str, t.Any],
) -> Data:
    """The proof of redis_live_sync as redis_key_diff would have it. ``functions``: the result of moving them after it.

    ``databases``, ``database_map``: which were compared, and where they are at the target, as in the roles' variables.
    """
    servers = drained["servers"]
    places = {str(here): int(there) for here, there in database_map.items()}
    origins = {str(there): here for here, there in places.items()}
    chosen = [str(number) for number in databases] or sorted(
        {*servers["source"]["databases"], *(origins.get(there, there) for there in servers["target"]["databases"])},
        key=int,
    )
    counted = {}
    for here in chosen:
        there = places.get(here, int(here))
        counted[here] = {
            "source_keys": servers["source"]["databases"].get(here, {"keys": 0})["keys"],
            "target_keys": servers["target"]["databases"].get(str(there), {"keys": 0})["keys"],
            **dict.fromkeys(("missing", "extra", "different"), 0),
            "target_database": there,
        }
    # Databases that are joined in one of the target are counted there together.
    at_target = {one["target_database"]: one["target_keys"] for one in counted.values()}
    totals = {
        "source_keys": sum(one["source_keys"] for one in counted.values()),
        "target_keys": sum(at_target.values()),
    }
    seconds = drained["drain_seconds"]
    return {
        "identical": True,
        "verified": drained["verified"],
        "databases": counted,
        "totals": {**totals, "source_keys": drained["source_keys"], "missing": 0, "extra": 0, "different": 0},
        "differences": [],
        "functions": _moved_since(drained["functions"], functions.get("libraries", {})),
        "servers": servers,
        "elapsed_seconds": seconds,
        "keys_per_second": round(drained["verified"]["in_drain"] / seconds, 1) if seconds else 0.0,
    }


def _moved_since(found: t.Mapping[str, t.Any], moved: t.Mapping[str, t.Any]) -> Data:
    """The comparison of functions, without those that were moved after it."""
    rest = dict(found)
    for state, verb in (("missing", "loaded"), ("different", "replaced")):
        if found[state]:
            rest[state] = [name for name in found[state] if name not in moved.get(verb, [])]
    return rest


def live_of(variables: t.Mapping[str, t.Any]) -> Data | None:
    """What a live run has to say, if there was one that came as far as the drain."""
    result = variables.get("__redis_migration_drained", {})
    if "verified" not in result:
        return None
    picked = {field: result[field] for field in _FIELDS if field in result}
    summary = live_summary(result, variables.get("__redis_migration_functions", {}))
    # A rollback stops apps, or waits for the operator to do so.
    back = "__redis_migration_data_from" in variables
    if back:
        summary = f"Brought back from the target to the source in a rollback. {turned_round(summary)}"
    kept_away = back or bool(
        variables.get("__redis_migration_pause", {}).get("paused")
        or variables.get("__redis_migration_isolate_result", {}).get("isolated")
    )
    if not kept_away and result["proved"]:
        summary += (
            " Nobody was kept away from the source: what was written there after the proof is missing at the target"
            " (redis_migration_isolate)."
        )
    return {**picked, "kept_away": kept_away, "summary": summary}


def live_summary(drained: t.Mapping[str, t.Any], functions: t.Mapping[str, t.Any] | None = None) -> str:
    """A result of redis_live_sync with state drained, and one of redis_functions if there is one, in one line."""
    totals, verified = drained["totals"], drained["verified"]
    deleted = f", deleted {count(totals['deleted'])}" if totals["deleted"] else ""
    again = [f"{count(drained[name])} {text}" for name, text in _AGAIN.items() if drained[name] > (name == "feeds")]
    libraries = (functions or {}).get("libraries", {})
    moved = [*libraries.get("loaded", []), *libraries.get("replaced", [])]
    # A drain that failed has not come to compare them.
    found = drained.get("functions", {})
    left = [name for name in [*(found.get("missing") or []), *(found.get("different") or [])] if name not in moved]
    return (
        f"Moved {keys(totals['moved'])} ({size(totals['bytes'])}) while applications wrote and after they had stopped{deleted},"
        f" by {drained['strategy']} ({drained['strategy_reason']})."
        f" {count(verified['unchanged_since'])} were compared before the stop and have not changed since,"
        f" {count(verified['in_drain'])} after it, in {duration(drained['drain_seconds'])}."
        + (f" Everything was compared anew: {', '.join(again)}." if again else "")
        + (f" Functions moved: {', '.join(moved)}." if moved else "")
        + (f" Functions left behind: {', '.join(left)}." if left else "")
    )


_AGAIN = {
    "feeds": "connections for changes were opened",
    "restarts": "servers were replaced",
    "overflows": "times there were too many changes at once",
    "evictions": "keys were evicted by the target",
}
