# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to know of a source before it is moved, in findings: ``ok``, or ``warn`` with what to do about it.

Each is a function of the result of redis_keyspace_info with a sample, and stands in the list at the end.
"""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import (
    count,
    duration,
    keys,
    size,
)

Finding = dict[str, str]
Result = t.Mapping[str, t.Any]

# Types that every server of these flavors knows.
_TYPES = ("string", "list", "set", "zset", "hash", "stream")
# A target with less to spare is warned of by preflight.
_HEADROOM = 1.25
# Servers use memory beside keys, and a sample is one; what differs by less says nothing.
_UNEXPLAINED_TIMES = 1.5
_UNEXPLAINED_BYTES = 32 * 1024 * 1024
_EXPIRING_SHARE = 0.01


def analysis_findings(result: Result) -> list[Finding]:
    """Those that there is something to say of, warnings first."""
    found = [one for look in _LOOKS if (one := look(result))]
    return sorted(found, key=lambda one: one["status"] != "warn")


def _ok(name: str, message: str) -> Finding:
    return {"name": name, "status": "ok", "message": message, "next_step": ""}


def _warn(name: str, message: str, next_step: str) -> Finding:
    return {"name": name, "status": "warn", "message": message, "next_step": next_step}


def _sample(result: Result) -> Finding:
    sample = result["sample"]
    cost = (
        f"That took {duration(sample['seconds'])}, and no batch kept the source busy for more than"
        f" {sample['longest_batch_ms']:.1f} ms."
    )
    unseen = [number for number, one in sample["databases"].items() if one["keys"] and not one["looked_at"]]
    if unseen:
        return _warn(
            "sample",
            f"Time was up before a key of database {', '.join(unseen)} was looked at. {cost}",
            "Raise redis_migration_analyse_seconds, or name databases in redis_migration_databases.",
        )
    if sample["complete"]:
        return _ok("sample", f"All keys were looked at: {keys(sample['keys'])}. {cost}")
    looked = sum(one["looked_at"] for one in sample["databases"].values())
    there = sum(one["keys"] for one in sample["databases"].values())
    return _ok(
        "sample",
        f"{count(looked)} of {keys(there)} were looked at, a random choice: numbers are estimates, and a single large key"
        f" may be missing. {cost} redis_migration_analyse_sample looks at more.",
    )


def _unexplained(result: Result) -> Finding | None:
    sample, there = result["sample"], result["memory"]["data_bytes"]
    everything = {number: one["keys"] for number, one in sample["databases"].items()}
    # Where only some keys were meant, nothing is known of the others.
    if everything != {number: one["keys"] for number, one in result["databases"].items()}:
        return None
    if sample["complete"] or sample["stands_for"] < 0.99 * sum(everything.values()):
        return None
    if there < _UNEXPLAINED_TIMES * sample["bytes"] or there - sample["bytes"] < _UNEXPLAINED_BYTES:
        return None
    return _warn(
        "memory",
        f"The source uses about {size(there)} for its keys, and the sample accounts for {size(sample['bytes'])} of it: a few"
        " keys that it does not have are probably much larger than those that it has.",
        "Raise redis_migration_analyse_sample, up to all keys, to find them.",
    )


def _large(result: Result) -> Finding | None:
    large = result["sample"].get("large")
    if not large:
        return None
    limit = size(large["above_bytes"])
    if not large["types"]:
        return _ok("large_keys", f"No key that was looked at takes more than {limit}.")
    kinds = ", ".join(f"{count(one['keys'])} of type {kind}" for kind, one in large["types"].items())
    number, memory, seen = (sum(one[name] for one in large["types"].values()) for name in ("keys", "bytes", "seen"))
    about, of_these = ("", "") if result["sample"]["complete"] else ("About ", f", {count(seen)} of which were seen,")
    verb = "takes" if number == 1 else "take"
    return _ok(
        "large_keys",
        f"{about}{keys(number)} ({kinds}; {size(memory)} together){of_these} {verb} more than {limit} each and will be rebuilt in"
        " pieces, so that neither server is held up.",
    )


def _target_memory(result: Result) -> Finding:
    sample, there = result["sample"], result["memory"]["data_bytes"]
    # INFO knows better, of all keys.
    whole = sample["stands_for"] >= 0.99 * result["keys"]
    needed = max(sample["bytes"], there) if whole else sample["bytes"]
    return _ok(
        "target_memory",
        f"The keys take about {size(needed)}. A target with maxmemory needs {size(needed * _HEADROOM)} of it free, a quarter"
        " more, as servers of other versions may take more for the same.",
    )


def _formats(result: Result) -> Finding:
    server, read_by = result["server"], result["sample"]["read_by"]
    name = {"redis": "Redis", "valkey": "Valkey"}
    product = f"{name.get(server['flavor'], server['flavor'])} {server['version']}"
    readers = [f"{name[flavor]} {release}" for flavor, release in read_by.items() if release]
    others = [name[flavor] for flavor, release in read_by.items() if not release]
    to_others = f" and to {others[0]}" if others else ""
    return _ok(
        "formats",
        f"Payloads of {product} are read by {' and '.join(readers)} and newer ones. To an older one{to_others} keys are rebuilt"
        " by ordinary commands, which takes longer.",
    )


def _databases(result: Result) -> Finding | None:
    numbers = sorted(int(number) for number in result["databases"])
    if not numbers or numbers == [0]:
        return None
    listed = ", ".join(map(str, numbers))
    return _ok(
        "databases",
        f"Logical {'database' if len(numbers) == 1 else 'databases'} {listed} hold keys: the target needs {numbers[-1] + 1} or"
        " more (setting databases; one in cluster mode has 1), or redis_migration_database_map, with"
        " redis_migration_database_prefix to join several in one.",
    )


def _expiring(result: Result) -> Finding | None:
    sample = result["sample"]
    soon = sample["ttl"]["under_1_minute"] + sample["ttl"]["under_1_hour"]
    if soon <= _EXPIRING_SHARE * sample["stands_for"]:
        return None
    return _ok(
        "expiring",
        f"About {keys(soon)} ({100 * soon / sample['stands_for']:.0f} %) expire within an hour. What expires on the way has"
        " vanished, and is no failure.",
    )


def _types(result: Result) -> Finding | None:
    others = [kind for kind in result["sample"]["types"] if kind not in _TYPES]
    if not others:
        return None
    return _warn(
        "types",
        f"There are keys of types that not every server has: {', '.join(others)}.",
        "Choose a target that has them: vectorset needs Redis 8, others their module.",
    )


def _eviction(result: Result) -> Finding | None:
    memory = result["memory"]
    policy = memory["maxmemory_policy"]
    if not policy or policy == "noeviction":
        return None
    used = f", of which {size(memory['used_memory'])} are in use" if memory["maxmemory"] else ""
    limit = f"at {size(memory['maxmemory'])}{used}" if memory["maxmemory"] else "though it sets itself no limit"
    carried = (
        " redis_migration_eviction_data: true carries along how keys were used."
        if policy.endswith(("-lru", "-lfu"))
        else ""
    )
    return _ok("eviction", f"The source evicts keys when it is full ({policy}), {limit}.{carried}")


def _role(result: Result) -> Finding | None:
    if result["server"]["role"] == "master":
        return None
    return _ok("role", "This is a replica. It can be read from; what its primary holds may be ahead of it.")


def _refused(result: Result) -> Finding | None:
    refused = result["sample"]["refused"]
    if not refused:
        return None
    return _warn(
        "permissions",
        f"{' '.join(one['reason'] for one in refused)}",
        f"What {', '.join(one['command'] for one in refused)} tells is not in this analysis. Permit it, if you need that.",
    )


_LOOKS: tuple[t.Callable[[Result], Finding | None], ...] = (
    _sample,
    _unexplained,
    _large,
    _target_memory,
    _formats,
    _databases,
    _expiring,
    _types,
    _eviction,
    _role,
    _refused,
)
