# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An analysis that is made up, but complete: what the role would have registered for several sources."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis import build_analysis
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import build_report
from tests.support.made_up_report import FINISHED, HOSTILE, ends, named, preflight, ran

Variables = dict[str, Any]

MIB = 1024 * 1024


def result(keys: int = 2_000_000, looked: int = 10_000, **sample: Any) -> Variables:
    """Of redis_keyspace_info: ``looked`` of ``keys`` were looked at."""
    memory = keys * 900
    largest = [
        {"database": place % 2, **named(name), "type": "hash", "bytes": 9 * MIB >> place}
        for place, name in enumerate(HOSTILE)
    ]
    found = {
        "keys": looked,
        "stands_for": keys,
        "bytes": memory,
        "complete": looked == keys,
        "databases": {
            "0": {"keys": keys - 10, "looked_at": looked - 10, "complete": looked == keys},
            "3": {"keys": 10, "looked_at": 10, "complete": True},
        },
        "types": {
            "string": {"keys": keys * 6 // 10, "bytes": memory // 3, "largest_bytes": 70_000},
            "hash": {"keys": keys * 3 // 10, "bytes": memory // 2, "largest_bytes": 9 * MIB},
            "stream": {"keys": keys // 10, "bytes": memory // 6, "largest_bytes": 64_000},
        },
        "encodings": [
            {"type": "hash", "encoding": "listpack", "keys": keys * 2 // 10, "bytes": memory // 4},
            {"type": "hash", "encoding": "hashtable", "keys": keys // 10, "bytes": memory // 4},
            {"type": "string", "encoding": "embstr", "keys": keys * 6 // 10, "bytes": memory // 3},
            {"type": "stream", "encoding": "stream", "keys": keys // 10, "bytes": memory // 6},
        ],
        "prefixes": [
            {"prefix": "session:", "keys": keys // 2, "bytes": memory // 2},
            {"prefix": "<script>window.hacked = 1</", "keys": keys // 10, "bytes": memory // 3},
            {"prefix": "", "keys": keys // 10, "bytes": memory // 10},
        ],
        "largest": largest,
        "hottest": [{**one, "frequency": 240 - 30 * place} for place, one in enumerate(largest[:4])],
        "large": {
            "above_bytes": 2 * MIB,
            "types": {
                "hash": {"seen": 3, "keys": 600, "bytes": memory // 8, "elements": 12_000_000},
                "string": {"seen": 1, "keys": 200, "bytes": 500 * MIB, "elements": 500 * MIB},
            },
        },
        "ttl": {
            "never": keys // 2,
            "under_1_minute": keys // 100,
            "under_1_hour": keys // 4,
            "under_1_day": keys // 5,
            "under_30_days": keys // 25,
            "longer": 0,
        },
        "payloads": {"keys": 110, "memory": 100_000, "bytes": 62_000},
        "read_by": {"redis": "6.0", "valkey": "7.2"},
        "refused": [],
        "round_trip_ms": 4.2,
        "longest_batch_ms": 2.4,
        "seconds": 3.2,
        **sample,
    }
    return {
        "changed": False,
        "server": {"flavor": "redis", "version": "6.2.14", "mode": "standalone", "role": "master"},
        "databases": {
            "0": {"keys": keys - 10, "expires": keys // 2, "avg_ttl": 5000},
            "3": {"keys": 10, "expires": None, "avg_ttl": 0},
        },
        "keys": keys,
        "expires": None,
        "clients": 14,
        "memory": {
            "used_memory": memory + 40 * MIB,
            "used_memory_human": "1.7G",
            "maxmemory": 4096 * MIB,
            "maxmemory_policy": "allkeys-lfu",
            "data_bytes": memory,
        },
        "sample": found,
    }


def sources() -> dict[str, Variables]:
    """By name: one with a target that is too small, some of which only a part was seen, one that cannot be reached."""
    refused = [
        {"command": "OBJECT ENCODING", "reason": "Source cache refused OBJECT ENCODING for user 'mover': NOPERM."}
    ]
    unexplained = result(400_000, refused=refused, bytes=60_000_000)
    del unexplained["sample"]["encodings"], unexplained["sample"]["hottest"]
    empty = result(
        10, 10, types={}, encodings=[], prefixes=[], largest=[], hottest=[], payloads=None, bytes=0, stands_for=0
    )
    empty["sample"]["keys"] = 0
    empty["sample"]["large"]["types"] = {}
    empty["sample"]["ttl"] = dict.fromkeys(empty["sample"]["ttl"], 0)
    fit = copy.deepcopy(preflight(5.0, 2_000_000, 1_800_000_000, "target_memory"))["__redis_migration_preflight"]
    fit["plan"].update(strategy="copy", strategy_reason="both ends are near", target={"round_trip_ms": 0.4})
    fit.setdefault("left_out", [])
    return {
        "orders": {"__redis_migration_analysis": ran(1.0, 3.3, **result()), "__redis_migration_fit": fit},
        "cache <script>window.hacked = 1</script>": {"__redis_migration_analysis": ran(1.0, 3.3, **unexplained)},
        "gone": {"__redis_migration_analysis": {"failed": True, "msg": f"Nothing answers at {HOSTILE[0]}."}},
        "empty": {"__redis_migration_analysis": ran(1.0, 0.3, **empty)},
    }


def for_a_picture() -> Variables:
    """The first of the sources, with names of keys as applications have them."""
    names = {"catalogue:index": ("hash", 9), "events:2026-11": ("stream", 6), "cart:88123": ("hash", 3)}
    largest = [{"database": 0, **named(name), "type": kind, "bytes": mib * MIB} for name, (kind, mib) in names.items()]
    used = ("session:4711", "session:815", "catalogue:index", "cart:88123")
    hottest = [{**largest[0], **named(name), "frequency": 240 - 30 * place} for place, name in enumerate(used)]
    prefixes = [
        {**one, "prefix": name}
        for one, name in zip(result()["sample"]["prefixes"], ("session:", "cart:", ""), strict=True)
    ]
    looked = result(largest=largest, hottest=hottest, prefixes=prefixes)
    return sources()["orders"] | {"__redis_migration_analysis": ran(1.0, 3.3, **looked)}


def made_up_analysis(given: dict[str, Variables] | None = None) -> dict[str, Any]:
    """The analysis of all of :func:`sources`, or of those that are ``given``."""
    hosts = {name: ends(name[:5]) | found for name, found in (given or sources()).items()}
    for name in hosts:
        if name != "orders":
            hosts[name]["__redis_migration_target"] = {}
    report = build_report(hosts, check_mode=False, finished=FINISHED, playbook="analyse")
    return build_analysis(report, hosts)
