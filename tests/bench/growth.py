# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench-growth`: whether a key costs the same, and the module the same memory, however many there are.

From 10,000 to 10,000,000 keys, 100,000 keys in 1 to 1,000 logical databases, and one hash of 5 GB. `ARGS=--quick` ends each
row of sizes a step earlier, and takes a tenth of the hash. `--json FILE` writes all figures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import engine
from tests.bench.measured import server_cpu
from tests.bench.pinger import Pinger
from tests.bench.table import PING_MS, RSS_MIB, Table
from tests.support.servers import RedisServer, available

KEYS = (10_000, 100_000, 1_000_000, 10_000_000)
DATABASES = (1, 10, 100, 1000)
KEYS_IN_DATABASES = 100_000
FIELDS = 5_000_000
FIELD_BYTES = 1000

# What the largest may cost a key, to the one two sizes before it: the first ones overstate what is fixed a run.
FLAT = 1.3

_HASH = "for n = ARGV[1], ARGV[2] do redis.call('HSET', KEYS[1], 'field:' .. n, n .. ARGV[3]) end"
_HASH_STEP = 20_000


def _many_keys(count: int) -> Callable[[RedisServer], None]:
    return lambda server: server.client(socket_timeout=600).execute_command("DEBUG", "POPULATE", count, "key", 100)


def _many_databases(count: int) -> Callable[[RedisServer], None]:
    def fill(server: RedisServer) -> None:
        for number in range(count):
            with server.client(number) as client:
                client.mset({f"key:{key}": "x" * 100 for key in range(KEYS_IN_DATABASES // count)})

    return fill


def _large_hash(fields: int) -> Callable[[RedisServer], None]:
    def fill(server: RedisServer) -> None:
        script = server.client(socket_timeout=600).register_script(_HASH)
        for first in range(0, fields, _HASH_STEP):
            script(keys=["large"], args=[first, min(first + _HASH_STEP, fields) - 1, "x" * FIELD_BYTES])

    return fill


class Growth:
    """Measures one size after the other and keeps the figures."""

    def __init__(self, options: argparse.Namespace, table: Table) -> None:
        self._options = options
        self._table = table
        self.figures: dict[str, list[dict[str, Any]]] = {}

    def size(self, what: str, count: int, unit: str, items: int, fill: Callable[[RedisServer], None]) -> None:
        """``items``: by how many the cost is divided."""
        databases = max(16, count if what == "databases" else 0)
        with (
            RedisServer(self._options.source, databases=databases) as source,
            RedisServer(self._options.target, databases=databases) as target,
        ):
            fill(source)
            row: dict[str, Any] = {"count": count, "items": items}
            for job in ("copy", "values"):
                before = server_cpu(source), server_cpu(target)
                with Pinger(source) as pinger:
                    done = engine.run(job, source.endpoint(), target.endpoint())
                if done["counts"].get("failed") or done["counts"].get("differences"):
                    raise RuntimeError(f"{job}: {done['counts']}")
                row[job] = {
                    "seconds": done["seconds"],
                    "worker": done["cpu_seconds"],
                    "source": server_cpu(source) - before[0],
                    "target": server_cpu(target) - before[1],
                    "rss_mib": done["rss_mib"],
                    "ping_p99_ms": pinger.p99_ms,
                }
            self.figures.setdefault(what, []).append(row)
        self._table.row(f"{count:,} {unit}", f"{row['copy']['seconds']:.2f} s")
        for job in ("copy", "values"):
            one = row[job]
            cpu = ", ".join(f"{name} {one[name] / items * 1e6:.1f}" for name in ("worker", "source", "target"))
            self._table.more(
                f"{job}: {one['seconds'] / items * 1e6:.1f} us of time, processor {cpu} us each; {one['rss_mib']:.0f} MiB,"
                f" PING p99 {one['ping_p99_ms']:.1f} ms"
            )

    def verdicts(self, what: str) -> None:
        """The last size to the one two before it."""
        rows = self.figures[what]
        for job in ("copy", "values"):
            largest, other = ((row[job]["worker"] + row[job]["source"]) / row["items"] for row in (rows[-1], rows[-3]))
            self._table.row(f"{job}: cost of each, growth", "", largest / other, FLAT, most=True)
        self.limits(what)

    def limits(self, what: str) -> None:
        most = [max(row[job][name] for row in self.figures[what] for job in ("copy", "values")) for name in _LIMITED]
        self._table.row("memory of the process, the most", f"{most[0]:.0f} MiB", most[0], RSS_MIB, most=True)
        self._table.row("PING p99 at the source, the most", f"{most[1]:.1f} ms", most[1], PING_MS, most=True)


_LIMITED = ("rss_mib", "ping_p99_ms")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-growth", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=("keys", "databases", "hash"), action="append")
    # The source fills itself by DEBUG, which newer ones refuse by default.
    parser.add_argument("--source", default="redis-6.2", choices=sorted(available()))
    parser.add_argument("--target", default="redis-8.2", choices=sorted(available()))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    table, last = Table(), -1 if options.quick else None
    growth = Growth(options, table)
    wanted = options.only or ("keys", "databases", "hash")
    if "keys" in wanted:
        table.title("Keys of 100 B in one database")
        for count in KEYS[:last]:
            growth.size("keys", count, "keys", count, _many_keys(count))
        growth.verdicts("keys")
    if "databases" in wanted:
        table.title(f"{KEYS_IN_DATABASES:,} keys of 100 B in many databases")
        for count in DATABASES[:last]:
            growth.size("databases", count, "databases", KEYS_IN_DATABASES, _many_databases(count))
        growth.limits("databases")
    if "hash" in wanted:
        fields = FIELDS // 10 if options.quick else FIELDS
        table.title(f"One hash of {fields:,} fields of {FIELD_BYTES:,} B")
        growth.size("hash", fields, "fields", fields, _large_hash(fields))
        growth.limits("hash")
    if options.json:
        told = {"source": options.source, "target": options.target, "data": growth.figures}
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
