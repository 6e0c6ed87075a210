# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an analysis of sources found, as data: picked field by field from what its role registered, never a secret."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis_findings import (
    analysis_findings,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.estimate import (
    NO_LIMITS,
    Limits,
    estimate,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import (
    count,
    duration,
    keys,
    size,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.verification import findings_lines

Data = dict[str, t.Any]
Variables = t.Mapping[str, t.Any]

ANALYSIS_VERSION = 1

_FIELDS = ("databases", "keys", "expires", "clients")
_MEMORY = ("used_memory", "maxmemory", "maxmemory_policy", "data_bytes")
# In a terminal; the page has the others.
_SHOWN = ("sample", "large_keys")
_FIT = ("passed", "summary", "findings", "left_out")


def analysis_of(result: Variables, fit: Variables | None = None, *, limits: Limits = NO_LIMITS) -> Data | None:
    """``result``: of redis_keyspace_info with a sample. ``fit``: of redis_preflight_info, if there is a target.

    None where there is no such result.
    """
    if "sample" not in result:
        return None
    found = dict(fit or {}) if "plan" in (fit or {}) else None
    plan = found["plan"] if found else {}
    there = plan.get("target", {}).get("round_trip_ms", 0.0)
    return {
        **{name: result[name] for name in _FIELDS},
        "memory": {name: result["memory"][name] for name in _MEMORY},
        "sample": _without_exact_names(result["sample"]),
        "estimate": estimate(
            result["sample"],
            strategy=plan.get("strategy") or None,
            round_trip_ms=result["sample"]["round_trip_ms"] + there,
            limits=limits,
        ),
        "findings": analysis_findings(result),
        "fit": {
            **{name: found[name] for name in _FIT},
            **{name: plan.get(name) or None for name in ("strategy", "strategy_reason")},
        }
        if found
        else None,
    }


def _without_exact_names(sample: Variables) -> Data:
    """Names of keys as people read them are bounded in length; exact ones are not."""
    return {
        name: [{field: one[field] for field in one if field != "key_base64"} for one in value]
        if name in ("largest", "hottest")
        else value
        for name, value in sample.items()
    }


def analysis_in(variables: Variables) -> Data | None:
    """The same of what the role analyse registered for a host. Where a variable was refused, it has registered nothing."""
    result = variables.get("__redis_migration_analysis", {})
    if "sample" not in result:
        return None
    limits = Limits(
        *(float(variables.get(f"redis_migration_max_{what}_per_second") or 0) for what in ("keys", "bytes"))
    )
    return analysis_of(result, variables.get("__redis_migration_fit"), limits=limits)


def build_analysis(report: Variables, hosts: t.Mapping[str, Variables]) -> Data:
    """``report``: what :func:`_report.data.build_report` made of ``hosts``."""
    migrations = [
        {
            **{name: one[name] for name in ("name", "status", "failure", "source", "target")},
            "analysis": analysis_in(hosts[one["name"]]),
        }
        for one in report["migrations"]
    ]
    found = [one["analysis"] for one in migrations if one["analysis"]]
    estimates = [one["estimate"] for one in found]
    return {
        "schema": "dataservices.redis_migration/analysis",
        "version": ANALYSIS_VERSION,
        **{name: report[name] for name in ("playbook", "started", "finished", "elapsed_seconds")},
        "summary": {
            "migrations": len(migrations),
            "analysed": len(found),
            "failed": report["summary"]["failed"],
            "keys": sum(one["keys"] for one in estimates),
            "memory_bytes": sum(one["memory_bytes"] for one in estimates),
            "payload_bytes": _sum(estimates, "payload_bytes"),
        },
        "migrations": migrations,
    }


def _sum(estimates: t.Iterable[Variables], name: str) -> dict[str, t.Any]:
    ranges = [one[name] for one in estimates]
    return {end: sum(one[end] for one in ranges) for end in ("least", "most")}


def between(found: t.Mapping[str, float], shown: t.Callable[[float], str]) -> str:
    """A range for people: ``4 min to 12 min``, or one of both where they read the same."""
    least, most = shown(found["least"]), shown(found["most"])
    return least if least == most else f"{least} to {most}"


def analysis_sentence(found: Variables) -> str:
    """An analysis in a line."""
    told = found["estimate"]
    about = "" if found["sample"]["complete"] else "about "
    warnings = sum(one["status"] == "warn" for one in found["findings"])
    return (
        f"{about}{keys(told['keys'])} in {size(told['memory_bytes'])} of memory, {between(told['payload_bytes'], size)} to move;"
        f" moving and comparing them may take {between(told['seconds'], duration)}"
        f"{f'; {count(warnings)} to look at' if warnings else ''}."
    )


def analysis_lines(result: Variables, fit: Variables | None = None) -> list[str]:
    """What a person in a terminal gets: the numbers, what there is to look at, and what preflight finds of the target."""
    found = analysis_of(result, fit)
    if found is None:
        return []
    sample = found["sample"]
    lines = [
        ", ".join(
            f"{kind} {count(one['keys'])} ({size(one['bytes'])})"
            for kind, one in sorted(sample["types"].items(), key=lambda item: -item[1]["bytes"])
        )
        or "no keys"
    ]
    lines += findings_lines(one for one in found["findings"] if one["status"] != "ok" or one["name"] in _SHOWN)
    if found["fit"]:
        notable = [one for one in found["fit"]["findings"] if one["status"] != "ok"]
        lines += [f"target: {line}" for line in findings_lines(notable)]
        lines.append(f"target: {found['fit']['summary']}")
    return lines
