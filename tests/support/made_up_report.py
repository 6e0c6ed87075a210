# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report that is made up, but complete: what the roles would have registered in a run of many migrations."""

from __future__ import annotations

import base64
import math
from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import build_report

Variables = dict[str, Any]

BEGAN = 1_780_000_000.0
FINISHED = BEGAN + 412.6

# What a key may be named: nothing of it may run, load or change the page.
HOSTILE = [
    "<script>window.hacked = 1</script>",
    '"><img src=x onerror="window.hacked = 1">',
    "</style></script><svg onload=window.hacked=1>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.hacked=1//\\x00\\xff",
    "k" * 300,
]


def ran(at: float, seconds: float, **result: Any) -> Variables:
    return {"times": [[BEGAN + at, BEGAN + at + seconds]], **result}


def ends(name: str) -> Variables:
    return {
        "__redis_migration_variables": {"began": BEGAN},
        "__redis_migration_source": {"url": f"rediss://{name}:s3cret@red140220-{name}.data.example:49620"},
        "__redis_migration_target": {"url": f"rediss://{name}:s3cret@red297348-{name}.data.example:49621"},
    }


def server(version: str, keys: dict[str, tuple[int, int]], memory: int) -> Variables:
    return {
        "server": {"flavor": "redis", "version": version},
        "databases": {number: {"keys": count, "expires": expires} for number, (count, expires) in keys.items()},
        "memory": {"used_memory": memory},
    }


def samples(keys: int, size: int, seconds: float) -> list[list[float]]:
    """A run that is slow in the beginning, stands still for a moment, and goes on."""
    points, at, done = [], 0.25, 0.0
    while at < seconds:
        speed = (
            min(1.0, at / seconds * 4) * (0.15 if 0.55 < at / seconds < 0.62 else 1) * (1 + 0.15 * math.sin(at * 1.7))
        )
        step = max(0.25, at * 0.02)
        done = min(1.0, done + speed * step / seconds * 1.215)
        if at + max(0.25, at * 0.02) >= seconds:
            done = 1.0
        points.append(
            [round(at, 2), round(keys * done), round(size * done), round(1.2 + 1.4 * abs(math.sin(at * 2.3)), 2)]
        )
        at += step
    return points


def preflight(at: float, keys: int, size: int, *failed: str, largest: str = "feed:global") -> Variables:
    half = keys // 2
    findings = [
        {"name": "source_reachable", "status": "ok", "message": "The source answers.", "next_step": ""},
        {
            "name": "source_clients",
            "status": "warn",
            "message": "12 clients are connected to the source and may write.",
            "next_step": "Stop them before the last run, or let the data follow them with redis_migration_live.",
        },
    ]
    findings += [
        {
            "name": name,
            "status": "fail",
            "message": "About 3.1 GiB of keys are to be moved; the target has 1.0 GiB free of 2.0 GiB (maxmemory).",
            "next_step": "Use a larger plan or raise maxmemory to 4.9 GiB or more, or move less.",
        }
        for name in failed
    ]
    plan = {
        "source": {"product": "Redis 6.2.5", "used_memory": size},
        "target": {"product": "Redis 8.2.1", "used_memory": 900_000},
        "databases": [
            {"source": 0, "target": 0, "keys": keys - half, "expires": half // 3, "target_keys": 0},
            {"source": 3, "target": 1, "keys": half, "expires": half // 2, "target_keys": 0},
        ],
        "keys": keys,
        "expires": half // 3 + half // 2,
        "bytes": size,
        "sample": {
            "keys": 2000,
            "stands_for": keys,
            "bytes": size,
            "types": {
                "string": {"keys": keys * 1180 // 2000, "bytes": size * 410_000 // 1_900_000, "largest_bytes": 12_000},
                "hash": {"keys": keys * 560 // 2000, "bytes": size * 720_000 // 1_900_000, "largest_bytes": 51_000},
                "zset": {"keys": keys * 160 // 2000, "bytes": size * 590_000 // 1_900_000, "largest_bytes": 262_144},
                "stream": {"keys": keys * 100 // 2000, "bytes": size * 180_000 // 1_900_000, "largest_bytes": 64_000},
            },
            "prefixes": [
                {"prefix": "session:", "keys": keys * 900 // 2000, "bytes": size * 700_000 // 1_900_000},
                {"prefix": "feed:", "keys": keys * 160 // 2000, "bytes": size * 590_000 // 1_900_000},
                {"prefix": "user:", "keys": keys * 640 // 2000, "bytes": size * 380_000 // 1_900_000},
                {"prefix": "<b>x</b>:", "keys": keys * 100 // 2000, "bytes": size * 90_000 // 1_900_000},
                {"prefix": "", "keys": keys * 80 // 2000, "bytes": size * 60_000 // 1_900_000},
            ],
            "largest": [
                {"database": 0, "key": largest, "type": "zset", "bytes": 262_144},
                {"database": 3, "key": "events", "type": "stream", "bytes": 64_000},
                {"database": 0, "key": "user:18", "type": "hash", "bytes": 51_000},
            ],
            "ttl": {
                "never": keys * 1170 // 2000,
                "under_1_minute": keys * 20 // 2000,
                "under_1_hour": keys * 310 // 2000,
                "under_1_day": keys * 400 // 2000,
                "under_30_days": keys * 100 // 2000,
                "longer": 0,
            },
        },
        "settings": {
            "differences": [
                {
                    "setting": "notify-keyspace-events",
                    "source": "Ex",
                    "target": "",
                    "meaning": "Which events of keys are published.",
                }
            ]
        },
    }
    summary = f"34 checks: {f'1 failure ({failed[0]}), ' if failed else ''}1 warning (source_clients)."
    result = {"passed": not failed, "summary": summary, "findings": findings, "left_out": [], "plan": plan}
    return {"__redis_migration_preflight": ran(at, 1.9, **result)}


def counters(keys: int, size: int, **more: int) -> Variables:
    names = ("updated", "unchanged", "skipped", "vanished", "pruned", "failed", "rebuilt")
    return {"scanned": keys, "copied": keys - sum(more.values()), **dict.fromkeys(names, 0), "bytes": size, **more}


def migrated(at: float, seconds: float, keys: int, size: int, **changed: Any) -> Variables:
    half = keys // 2
    result = {
        "changed": True,
        "strategy": "copy",
        "strategy_reason": "both speak one format, and the worker is near",
        "databases": {
            "0": {**counters(keys - half, size - size // 2), "target_database": 0},
            "3": {**counters(half, size // 2), "target_database": 1},
        },
        "totals": counters(keys, size),
        "failures": [],
        "elapsed_seconds": seconds,
        "keys_per_second": keys / seconds,
        "bytes_per_second": size / seconds,
        "reconnects": 0,
        "drift": False,
        "source_writes": 0,
        "progress_over_time": samples(keys, size, seconds),
    }
    return {"__redis_migration_migrate": ran(at, seconds + 0.8, **{**result, **changed})}


def verified(at: float, seconds: float, keys: int, *differences: Variables) -> Variables:
    half = keys // 2
    kinds = [one["kind"] for one in differences]
    counted = {"missing": kinds.count("missing"), "extra": kinds.count("extra"), "different": kinds.count("value")}
    none = dict.fromkeys(counted, 0)
    missing = counted["missing"]
    comparison = {
        "identical": not differences,
        "databases": {
            "0": {
                "source_keys": keys - half,
                "target_keys": keys - half - missing,
                **counted,
                "target_database": 0,
            },
            "3": {"source_keys": half, "target_keys": half, **none, "target_database": 1},
        },
        "totals": {"source_keys": keys, "target_keys": keys - missing, **counted},
        "differences": list(differences),
        "functions": {},
        "elapsed_seconds": seconds,
        "keys_per_second": keys / seconds,
        "progress_over_time": [[at, count, 0, 0.0] for at, count, *_rest in samples(keys, 0, seconds)],
        "servers": {
            "source": server("6.2.5", {"0": (keys - half, 10), "3": (half, 5)}, keys * 900),
            "target": server("8.2.1", {"0": (keys - half, 10), "1": (half, 5)}, keys * 870),
        },
    }
    findings = [
        {
            "name": "keys",
            "status": "ok",
            "message": f"{keys:,} keys compared on both sides: equal in names, types, expiry times and values.",
            "next_step": "",
        },
        {"name": "keyspace", "status": "ok", "message": "INFO keyspace agrees in every database.", "next_step": ""},
    ]
    if differences:
        told = ", ".join(f"{count} {kind}" for kind, count in counted.items() if count)
        findings[0] = {
            "name": "keys",
            "status": "fail",
            "message": f"Of {keys:,} keys at the source: {told} at the target.",
            "next_step": "Run the migration again, which moves just these; if they come back, something still writes to"
            " one of the two servers.",
        }
    return {
        "__redis_migration_comparison": ran(at, seconds + 0.7, **comparison),
        "__redis_migration_verification": findings,
    }


def moved_apps(at: float, until: float) -> Variables:
    """Two apps, off the source at one moment and on the target at another."""
    record = [{"app_name": name, "app_guid": name} for name in ("shop", "shop-worker")]
    bound = [{"app": {"guid": one["app_guid"], "name": one["app_name"]}, "operation": "create"} for one in record]
    return {
        "__redis_migration_unbound": ran(at, 6.1, changed=True, record=record, bindings=[], apps=["shop"]),
        "__redis_migration_stopped": ran(at + 6.8, 4.4, changed=True),
        "__redis_migration_isolate_result": ran(at + 12.0, 3.2, isolated=True),
        "__redis_migration_cutover_bound": ran(until - 18.0, 7.5, record=record),
        "__redis_migration_cutover_there": ran(until - 10.0, 0.4, record=record, bindings=bound),
        "__redis_migration_cutover_started": ran(until - 9.2, 9.2, apps=[{"name": "shop"}]),
    }


def followed(at: float, keys: int, size: int) -> Variables:
    """A live run: writes are held back for two seconds."""
    lag = [
        [step * 2.0, round(900 * abs(math.sin(step / 9)) * (1 - step / 160)), 0.4 - step / 500] for step in range(150)
    ]
    drained = {
        "proved": True,
        "reason": "",
        "strategy": "copy",
        "strategy_reason": "as told",
        "source_keys": keys,
        "verified": {"unchanged_since": keys - 812, "in_drain": 812},
        "totals": {"compared": keys, "moved": keys + 44_310, "deleted": 512, "rebuilt": 0, "bytes": size, "failed": 0},
        "failures": [],
        "failures_not_listed": 0,
        "extra": [],
        "extra_not_listed": 0,
        "lag_over_time": lag,
        "changes_per_second": 812.4,
        "carried_per_second": 2400.0,
        "feeds": 1,
        "restarts": 0,
        "overflows": 0,
        "evictions": 0,
        "drain_seconds": 0.6,
        "last_change": BEGAN + at - 0.6,
        "functions": {"source": [], "missing": [], "different": [], "extra": [], "refusal": ""},
    }
    compared = verified(at, 0.6, keys)
    comparison = compared["__redis_migration_comparison"]
    del comparison["times"], comparison["progress_over_time"]
    comparison["verified"] = drained["verified"]
    return {
        **compared,
        "__redis_migration_started": ran(4.0, 1.2),
        "__redis_migration_caught_up": ran(
            5.6, 290.0, keys_all=keys, lag_keys=3, lag_seconds=0.1, changes_per_second=812.4
        ),
        "__redis_migration_waited": ran(296.0, 60.0),
        "__redis_migration_pause": ran(at - 0.8, 0.3, paused=True),
        "__redis_migration_drained": ran(at, 0.7, **drained),
        "__redis_migration_released": ran(at + 1.1, 0.3, waiting=[{"address": "10.0.7.12:48112"}]),
    }


def named(key: str) -> Variables:
    return {"key": key, "key_base64": base64.b64encode(key.encode()).decode()}


def hosts(many: int = 30) -> dict[str, Variables]:
    """By name, failures of each kind among ``many`` more that are proved."""
    differences = [
        {"database": 0, **named(key), "kind": kind, "type": "hash", "detail": detail}
        for key, (kind, detail) in zip(
            HOSTILE,
            [("missing", "not at the target"), ("value", "field <i>total</i> differs")] * 3,
        )
    ]
    failures = [
        {"database": 0, **named(key), "type": "zset", "reason": "OOM command not allowed", "hint": "Raise maxmemory."}
        for key in HOSTILE
    ]
    refused = {
        "failed": True,
        "msg": "billing: 6 of 90,000 keys could not be moved; the others were.",
        "totals": counters(90_000, 80_000_000, failed=6),
        "failures": failures,
    }
    found = {
        "orders": preflight(2.1, 1_204_332, 3_400_000_000)
        | moved_apps(5.0, 408.0)
        | {
            "__redis_migration_backup": ran(
                21.0, 44.0, dest="/backup/orders.rdb", size=912_000_000, checksum="9f2c" * 16
            )
        }
        | migrated(66.5, 176.0, 1_204_332, 3_400_000_000)
        | verified(245.0, 138.0, 1_204_332),
        "sessions": preflight(2.0, 410_000, 220_000_000) | followed(358.0, 410_000, 240_000_000),
        "billing": preflight(2.2, 90_000, 80_000_000, largest=HOSTILE[1])
        | migrated(5.0, 14.2, 90_000, 80_000_000, **refused),
        "catalog <script>window.hacked = 1</script>": preflight(2.1, 20_000, 9_000_000)
        | migrated(5.1, 3.0, 20_000, 9_000_000)
        | verified(9.5, 2.1, 20_000, *differences),
        "archive": preflight(2.4, 5_000_000, 3_300_000_000, "target_memory"),
        "carts": {
            "__redis_migration_data_from": {},
            "__redis_migration_back": {"bindings": [], "record": []},
            "__redis_migration_restored": ran(30.0, 8.0, record=[{"app_name": "carts", "app_guid": "carts"}]),
            **{name: value for name, value in followed(60.0, 12_000, 4_000_000).items() if "drained" in name},
        },
        "unused": {},
    }
    for number in range(many):
        keys = 1_000 * (number + 3)
        found[f"tenant-{number:02d}"] = (
            preflight(2.0, keys, keys * 700) | migrated(4.6, 1.2, keys, keys * 700) | verified(7.1, 0.9, keys)
        )
    return {name: ends(f"n{number}") | variables for number, (name, variables) in enumerate(found.items())}


def made_up_report(*names: str, many: int = 30) -> dict[str, Any]:
    """The report about all of :func:`hosts`, or about those of these ``names``."""
    chosen = {name: variables for name, variables in hosts(many).items() if not names or name in names}
    return build_report(chosen, check_mode=False, finished=FINISHED, inventories=["inventory.yml"])
