# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench`: the engine against the manual procedure and against what the servers alone could do.

All figures of a table come from one run on the same two servers with the same data, the jobs in turns, medians of the
rounds; machines are noisy, so the ratios are what counts, and the processor time, which others on the machine bend less.
`make bench ARGS='--quick'` takes two minutes, `ARGS='--only strings100 --rounds 5'` is a closer look, and `--json FILE`
writes all figures.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench import baseline, engine
from tests.bench.measured import Measured, Own, measure, median
from tests.bench.pinger import Pinger
from tests.bench.table import PING_MS, RSS_MIB, Table
from tests.support.dataset import fill_benchmark
from tests.support.faultproxy import FaultProxy
from tests.support.servers import RedisServer, available

WORK = {"strings100": 1_000_000, "strings10k": 100_000, "mixed": 500_000}
TITLES = {"strings100": "strings of 100 B", "strings10k": "strings of 10 kB", "mixed": "mixed keys of all types"}

# The least ratio of the pipeline's time to copy's, and the most of copy's time to the bound (DESIGN, budgets).
FASTER = {"strings100": 2.0, "strings10k": 1.5, "mixed": 1.5}
BOUND = {"strings100": 1.7, "strings10k": 1.5}
# The most of copy's time that a comparison of values may take: across formats, and within one.
VALUES = {False: 1.0, True: 0.8}
FAR = 0.8
QUICK = 0.1

# These begin with an empty target; those behind them find what `copy` brought.
MOVES = ("pipeline", "migrate", "copy")
AFTER = ("again", "values", "keys", "sorted")


@contextmanager
def _servers(source: str, target: str) -> Iterator[tuple[RedisServer, RedisServer]]:
    with RedisServer(source) as here, RedisServer(target) as there:
        yield here, there


class Bench:
    """One kind of data at one pair of servers."""

    def __init__(self, kind: str, count: int, source: RedisServer, target: RedisServer, directory: Path) -> None:
        self.kind, self.count, self.source, self.target = kind, count, source, target
        self._directory = directory
        self.worst_rss = 0.0
        fill_benchmark(source.client(), kind, count)  # type: ignore[arg-type]

    def engine(self, job: str, source: dict[str, Any] | None = None, target: dict[str, Any] | None = None) -> Own:
        result = engine.run(job, source or self.source.endpoint(), target or self.target.endpoint())
        self.worst_rss = max(self.worst_rss, result["rss_mib"])
        counts = result["counts"]
        if counts.get("failed") or counts.get("differences") or counts.get("vanished"):
            raise RuntimeError(f"{job}: {counts}")
        return Own(result["seconds"], result["cpu_seconds"])

    def job(self, name: str) -> Callable[[], float | Own]:
        if name == "pipeline":
            return lambda: baseline.pipeline(self.source, self.target)
        if name == "sorted":
            return lambda: baseline.keys_sort_diff(self.source, self.target, self._directory)
        return lambda: self.engine("copy" if name == "again" else name)

    def round(self) -> dict[str, Measured]:
        """Each job once."""
        found: dict[str, Measured] = {}
        for name in (*MOVES, *AFTER):
            if name in MOVES:
                self.target.client().flushall()
            found[name] = measure(self.job(name), self.source, self.target)
        return found

    def bound(self) -> float:
        """Seconds of the slower of a pass that only dumps and one that only restores."""
        self.target.client().flushall()
        return max(baseline.dump_and_restore(self.source, self.target, 100 if self.kind == "strings10k" else 1000))

    def migrate_alone(self) -> float:
        """Seconds that MIGRATE takes by itself, in batches that keep the source busy for some milliseconds."""
        self.target.client().flushall()
        return baseline.migrate_alone(self.source, self.target, 50 if self.kind == "strings10k" else 500)

    def replica(self) -> float:
        """Seconds until the target is an identical replica, which no hosted Redis allows."""
        return baseline.replicate(self.source, self.target)

    def ping_ms(self, name: str) -> float:
        """What another client of the source waits, of a hundred times once, while a job works."""
        if name in MOVES:
            self.target.client().flushall()
        with Pinger(self.source) as pinger:
            self.job(name)()
        return pinger.p99_ms

    def far(self, seconds: float) -> tuple[float, float]:
        """Seconds of `copy` through two relays, and with ``seconds`` of a round trip to each end."""
        took: list[float] = []
        with FaultProxy(self.source.port) as near_source, FaultProxy(self.target.port) as near_target:
            ends = (self.source.endpoint(port=near_source.port), self.target.endpoint(port=near_target.port))
            for latency in (0.0, seconds):
                near_source.latency = near_target.latency = latency
                self.target.client().flushall()
                took.append(self.engine("copy", *ends).seconds)
        return took[0], took[1]


def _bench(bench: Bench, options: argparse.Namespace, table: Table) -> dict[str, Any]:
    kind, count = bench.kind, bench.count
    table.title(f"{count:,} {TITLES[kind]}, {options.source} to {options.target}")
    rounds = [bench.round() for _round in range(options.rounds)]
    found = {name: median([each[name] for each in rounds]) for name in rounds[0]}
    pipe, copy = found["pipeline"].seconds, found["copy"].seconds

    def row(what: str, name: str, ratio: float | None, wanted: float | None, *, most: bool = False) -> None:
        table.row(what, f"{found[name].seconds:.2f} s", ratio, wanted, most=most)
        table.more(f"processor time, us a key: {found[name].per_key(count)}")

    row("the manual pipeline (KEYS | xargs MIGRATE)", "pipeline", None, None)
    row("copy, times as fast as the pipeline", "copy", pipe / copy, FASTER[kind])
    bound = statistics.median(bench.bound() for _round in range(options.rounds))
    if kind in BOUND:
        table.row("bound (the slower of DUMP and RESTORE only)", f"{bound:.2f} s", copy / bound, BOUND[kind], most=True)
    row("migrate, every key confirmed", "migrate", pipe / found["migrate"].seconds, 1.1)
    alone = statistics.median(bench.migrate_alone() for _round in range(options.rounds))
    table.row("MIGRATE by itself: no SCAN, sizes, confirmation", f"{alone:.2f} s", pipe / alone)
    if options.source == options.target:
        table.row("REPLICAOF, until the link is up", f"{bench.replica():.2f} s")
    row("a second run with nothing to do", "again", found["again"].seconds / copy, 1.0, most=True)
    wanted = VALUES[options.source == options.target]
    row("verify values, to the time of copy", "values", found["values"].seconds / copy, wanted, most=True)
    row("KEYS, sort and diff", "sorted", None, None)
    row("verify keys, to the time of that", "keys", found["keys"].seconds / found["sorted"].seconds, 1.0, most=True)
    pings = {name: bench.ping_ms(name) for name in (*MOVES, "values")}
    for name, ping in pings.items():
        kept = (ping, PING_MS) if name != "pipeline" else (None, None)
        table.row(f"PING p99 at the source, {name}", f"{ping:.1f} ms", *kept, most=True)
    far: dict[str, float] = {}
    for milliseconds in (20,) if options.quick else (20, 100):
        near_s, far_s = bench.far(milliseconds / 1000)
        far[str(milliseconds)] = near_s / far_s
        table.row(f"copy over {milliseconds} ms to both ends, speed kept", f"{far_s:.2f} s", near_s / far_s, FAR)
    table.row(
        "memory of the module's process, the most", f"{bench.worst_rss:.0f} MiB", bench.worst_rss, RSS_MIB, most=True
    )
    return {
        "keys": count,
        "jobs": {name: measured._asdict() for name, measured in found.items()},
        "bound_seconds": bound,
        "migrate_alone_seconds": alone,
        "ping_p99_ms": pings,
        "speed_kept_at_ms": far,
        "memory_mib": bench.worst_rss,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--scale", type=float, help="a fraction of the keys")
    parser.add_argument("--rounds", type=int, default=3, help="take the median of so many")
    parser.add_argument("--quick", action="store_true", help=f"--scale {QUICK}, and no 100 ms")
    parser.add_argument("--only", choices=sorted(WORK), action="append")
    parser.add_argument("--source", default="redis-6.2", choices=sorted(available()))
    parser.add_argument("--target", default="redis-8.2", choices=sorted(available()))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    scale = options.scale or (QUICK if options.quick else 1.0)
    table = Table()
    figures: dict[str, Any] = {}
    for kind, count in WORK.items():
        if options.only and kind not in options.only:
            continue
        with _servers(options.source, options.target) as ends, tempfile.TemporaryDirectory() as directory:
            bench = Bench(kind, max(1000, int(count * scale)), *ends, Path(directory))
            figures[kind] = _bench(bench, options, table)
    if options.json:
        told = {"source": options.source, "target": options.target, "rounds": options.rounds, "data": figures}
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
