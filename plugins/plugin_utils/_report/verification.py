# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the results of a verification prove, as findings: the comparison of keys, and the servers' own counters."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import count, keys, size

Finding = dict[str, str]

# A server without keys already takes a few MiB, buffers and tables come and go; below this, memory proves nothing.
_MEMORY_NOISE = 32 * 1024 * 1024

_PROVED = {
    "keys": "names",
    "metadata": "names, types and expiry times",
    "values": "names, types, expiry times and values",
}


def _finding(name: str, status: str, message: str, next_step: str = "") -> Finding:
    return {"name": name, "status": status, "message": message, "next_step": next_step}


def verification_findings(
    comparison: t.Mapping[str, t.Any],
    *,
    level: str,
    whole: bool,
    functions: str,
    allow_empty: bool,
    allow_extra: bool,
    memory_check: str,
    memory_tolerance_percent: float,
    shard: str = "",
) -> list[Finding]:
    """``comparison`` is a result of redis_key_diff.

    ``whole``: whether all keys of the compared databases were compared, so that the servers' counters can be too.
    ``functions``: what the migration does with libraries of functions, as in the role's option.
    ``allow_extra``: keys that only the target has are fine. ``memory_check`` is ``warn``, ``fail`` or ``ignore``.
    ``shard``: which share of the source was compared, such as ``1/2``; empty for all of it.
    Each finding has ``name``, ``status`` (ok, warn, fail), ``message`` and ``next_step``.
    """
    source, target = comparison["servers"]["source"], comparison["servers"]["target"]
    findings = [_keys_finding(comparison, level, allow_extra, shard), _empty_finding(comparison, allow_empty, shard)]
    findings += _functions_findings(comparison["functions"], functions)
    # With keys of its own the target's counters are not the source's, and rightly so.
    # Nor are those of one shard: the others may not be there yet.
    if whole and not shard and not (allow_extra and comparison["totals"]["extra"]):
        findings.append(_counts_finding(comparison, source, target))
        if memory_check != "ignore":
            findings.append(_memory_finding(source, target, memory_check, memory_tolerance_percent))
    return findings


def _keys_finding(comparison: t.Mapping[str, t.Any], level: str, allow_extra: bool, shard: str) -> Finding:
    totals = comparison["totals"]
    proved = _PROVED[level]
    compared = keys_of(totals["source_keys"], shard)
    if allow_extra and totals["extra"] and not (totals["missing"] or totals["different"]):
        return _finding(
            "keys",
            "ok",
            f"{compared} compared: equal in {proved}. "
            f"The target has {count(totals['extra'])} more of its own, as allowed.",
        )
    if "verified" in comparison:
        verified = comparison["verified"]
        return _finding(
            "keys",
            "ok",
            f"{keys(totals['source_keys'])}, equal in {_PROVED['values']}: {count(verified['unchanged_since'])} compared while"
            f" applications wrote and unchanged since, {count(verified['in_drain'])} compared after they had stopped.",
        )
    if comparison["identical"]:
        return _finding("keys", "ok", f"{compared} compared on both sides: equal in {proved}.")
    parts = [f"{count(totals[kind])} {kind}" for kind in ("missing", "extra", "different") if totals[kind]]
    listed = comparison["differences"]
    first = "; ".join(
        f"'{entry['key']}' in database {entry['database']}: {entry['kind']}"
        + (f" ({entry['detail']})" if entry["detail"] else "")
        for entry in listed[:3]
    )
    more = sum(totals[kind] for kind in ("missing", "extra", "different")) - min(3, len(listed))
    message = f"Of {compared} at the source: {', '.join(parts)} at the target. First: {first}"
    message += f"; and {count(more)} more." if more > 0 else "."
    steps = []
    if totals["missing"] or totals["different"]:
        steps.append("run the migration again, which moves just these")
    if totals["extra"] and not totals["source_keys"]:
        steps.append("are the two ends swapped? The source has none of the chosen keys")
    elif totals["extra"]:
        steps.append(
            "let the migration delete the extra keys with redis_migration_prune: true, or keep them with "
            "redis_migration_allow_extra: true"
        )
    steps.append("if they come back, something still writes to one of the two servers")
    step = "; ".join(steps)
    return _finding("keys", "fail", message, f"{step[0].upper()}{step[1:]}.")


def keys_of(number: int, shard: str) -> str:
    """How many keys, and of which shard, if of one."""
    return f"{keys(number)} of shard {shard}" if shard else keys(number)


def _empty_finding(comparison: t.Mapping[str, t.Any], allow_empty: bool, shard: str) -> Finding:
    totals = comparison["totals"]
    if shard and not (totals["source_keys"] or totals["target_keys"]) and comparison["servers"]["source"]["keys"]:
        # As where hash tags gather all keys in a few slots.
        return _finding(
            "not_empty", "ok", f"Neither side has keys of shard {shard}; all those of the source are in other shards."
        )
    empty = [end for end in ("source", "target") if not totals[f"{end}_keys"]]
    if not empty:
        return _finding("not_empty", "ok", "Neither side is empty.")
    which = "Both sides are" if len(empty) == 2 else f"The {empty[0]} is"
    if allow_empty:
        return _finding("not_empty", "ok", f"{which} empty, as allowed.")
    return _finding(
        "not_empty",
        "fail",
        f"{which} empty (of the keys chosen), so equality proves nothing.",
        "Check that these are the servers and databases you mean; if they are, set redis_migration_allow_empty: true.",
    )


def _functions_findings(found: t.Mapping[str, t.Any], policy: str) -> list[Finding]:
    """None where there is nothing to say."""
    names, missing, different = found["source"], found["missing"], found["different"]
    if policy == "none" or names == []:
        return []
    if found["refusal"]:
        step = "Permit FUNCTION LIST at both ends, or leave functions out with redis_migration_functions: none."
        return [_finding("functions", "warn", f"Functions could not be compared. {found['refusal']}", step)]
    parts = [f"missing at the target: {', '.join(missing)}"] if missing else []
    parts += [f"with other code at the target: {', '.join(different)}"] if different else []
    if not parts:
        return [_finding("functions", "ok", f"Functions are equal: {', '.join(names)}.")]
    if not missing and policy == "skip":
        return [_finding("functions", "warn", f"Functions {parts[0]}.", "Nothing, if they are meant to differ.")]
    step = "Run the migration again, which moves just these; redis_migration_functions says what happens to them."
    return [_finding("functions", "fail", f"Functions {'; '.join(parts)}.", step)]


def _counts_finding(
    comparison: t.Mapping[str, t.Any], source: t.Mapping[str, t.Any], target: t.Mapping[str, t.Any]
) -> Finding:
    """INFO keyspace of both ends. It counts keys that have expired but were not removed yet, so keys with an expiry may
    differ for a while between equal servers; keys without one may not."""
    expiring, lasting = [], []
    compared = 0
    for number, counts in comparison["databases"].items():
        here = source["databases"].get(number, {"keys": 0, "expires": 0})
        there = target["databases"].get(str(counts["target_database"]), {"keys": 0, "expires": 0})
        compared += here["keys"]
        sentence = (
            f"database {number}: {count(here['keys'])} keys, {count(here['expires'])} expiring at the source, "
            f"{count(there['keys'])} and {count(there['expires'])} at the target"
        )
        if here["keys"] - here["expires"] != there["keys"] - there["expires"]:
            lasting.append(sentence)
        elif here["keys"] != there["keys"]:
            expiring.append(sentence)
    if lasting and comparison["identical"]:
        return _finding(
            "keyspace",
            "fail",
            "The servers' own counters (INFO keyspace) differ although the comparison found all equal: "
            f"{'; '.join(lasting)}.",
            "Something wrote to one of the servers after the comparison: find out what, stop it, and run again.",
        )
    if lasting:
        return _finding("keyspace", "fail", f"INFO keyspace differs: {'; '.join(lasting)}.", "See the finding 'keys'.")
    if expiring:
        return _finding(
            "keyspace",
            "warn",
            f"INFO keyspace differs in keys with an expiry only: {'; '.join(expiring)}. "
            "Servers count expired keys until they remove them.",
            "Nothing, unless it stays so.",
        )
    return _finding("keyspace", "ok", f"INFO keyspace agrees in every database ({keys(compared)}).")


def _memory_finding(
    source: t.Mapping[str, t.Any], target: t.Mapping[str, t.Any], check: str, tolerance_percent: float
) -> Finding:
    here, there = source["memory"]["used_memory"], target["memory"]["used_memory"]
    message = f"INFO memory: {size(here)} used at the source, {size(there)} at the target."
    if abs(here - there) <= max(_MEMORY_NOISE, max(here, there) * tolerance_percent / 100):
        return _finding("memory", "ok", message)
    return _finding(
        "memory",
        check,
        f"{message} That is more than {tolerance_percent:g} % apart.",
        "Versions store the same data differently. With equal values nothing is missing; otherwise compare with "
        "redis_migration_verify_level: values.",
    )


def findings_lines(findings: t.Iterable[Finding]) -> list[str]:
    """Findings as lines: what is wrong first, each with its next step."""
    order = {"fail": 0, "warn": 1, "ok": 2}
    lines = []
    for found in sorted(findings, key=lambda found: order[found["status"]]):
        step = f" -> {found['next_step']}" if found["status"] != "ok" and found["next_step"] else ""
        lines.append(f"{found['status']:<4}  {found['name']}: {found['message']}{step}")
    return lines


def findings_failure(findings: t.Iterable[Finding]) -> str:
    """The failed findings in one text, numbered if there are several; empty when there is none."""
    failed = [found for found in findings if found["status"] == "fail"]
    texts = [f"{found['message']} {found['next_step']}".strip() for found in failed]
    if len(texts) < 2:
        return "".join(texts)
    return " ".join(f"({number}) {found['name']}: {text}" for number, (found, text) in enumerate(zip(failed, texts), 1))
