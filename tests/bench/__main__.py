# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench`: the engine against the manual procedure and against what the servers alone could do.

All figures of a row come from one run on the same two servers with the same data; machines are noisy, so the ratios are
what counts. `make bench ARGS='--scale 0.1'` is a quick look, `ARGS='--only strings100 --rounds 3'` a closer one.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench import baseline, engine
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
FAR = 0.7


def _median(rounds: int, measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _round in range(rounds))


@contextmanager
def _servers(source: str, target: str) -> Iterator[tuple[RedisServer, RedisServer]]:
    with RedisServer(source) as here, RedisServer(target) as there:
        yield here, there


def _bench(kind: str, count: int, options: argparse.Namespace, table: Table) -> None:
    table.title(f"{count:,} {TITLES[kind]}, {options.source} to {options.target}")
    with _servers(options.source, options.target) as (source, target), tempfile.TemporaryDirectory() as directory:
        fill_benchmark(source.client(), kind, count)  # type: ignore[arg-type]
        source_end, target_end = source.endpoint(), target.endpoint()
        worst_rss = 0.0

        def job(name: str, *, empty: bool = False, ends: tuple[Any, Any] = (source_end, target_end)) -> dict[str, Any]:
            nonlocal worst_rss
            if empty:
                target.client().flushall()
            result = engine.run(name, *ends)
            worst_rss = max(worst_rss, result["rss_mib"])
            counts = result["counts"]
            if counts.get("failed") or counts.get("differences") or counts.get("vanished"):
                raise RuntimeError(f"{name}: {counts}")
            return result

        pipe: list[float] = []
        copy: list[float] = []
        for _round in range(options.rounds):
            target.client().flushall()
            pipe.append(baseline.pipeline(source, target))
            copy.append(job("copy", empty=True)["seconds"])
        pipe_s, copy_s = statistics.median(pipe), statistics.median(copy)
        table.row("the manual pipeline (KEYS | xargs MIGRATE)", f"{pipe_s:.2f} s")
        table.row("copy, times as fast as the pipeline", f"{copy_s:.2f} s", pipe_s / copy_s, FASTER[kind])

        target.client().flushall()
        dumped, restored = baseline.dump_and_restore(source, target, 1000 if kind != "strings10k" else 100)
        bound = max(dumped, restored)
        if kind in BOUND:
            table.row(
                "bound (the slower of DUMP and RESTORE only)", f"{bound:.2f} s", copy_s / bound, BOUND[kind], most=True
            )
        migrate_s = _median(options.rounds, lambda: float(job("migrate", empty=True)["seconds"]))
        table.row("migrate, every key confirmed", f"{migrate_s:.2f} s", pipe_s / migrate_s, 1.0)

        copy_s = job("copy", empty=True)["seconds"]
        again_s = _median(options.rounds, lambda: float(job("copy")["seconds"]))
        table.row("a second run with nothing to do", f"{again_s:.2f} s", again_s / copy_s, 1.0, most=True)
        values_s = _median(options.rounds, lambda: float(job("values")["seconds"]))
        table.row("verify values, to the time of copy", f"{values_s:.2f} s", values_s / copy_s, 1.0, most=True)
        sorted_s = _median(options.rounds, lambda: baseline.keys_sort_diff(source, target, Path(directory)))
        keys_s = _median(options.rounds, lambda: float(job("keys")["seconds"]))
        table.row("KEYS, sort and diff", f"{sorted_s:.2f} s")
        table.row("verify keys, to the time of that", f"{keys_s:.2f} s", keys_s / sorted_s, 1.0, most=True)

        target.client().flushall()
        with Pinger(source) as pinger:
            baseline.pipeline(source, target)
        table.row("PING p99 at the source, pipeline", f"{pinger.p99_ms:.1f} ms")
        for name in ("copy", "migrate"):
            target.client().flushall()
            with Pinger(source) as pinger:
                job(name)
            table.row(f"PING p99 at the source, {name}", f"{pinger.p99_ms:.1f} ms", pinger.p99_ms, PING_MS, most=True)

        with FaultProxy(source.port) as near_source, FaultProxy(target.port) as near_target:
            ends = ({**source_end, "port": near_source.port}, {**target_end, "port": near_target.port})
            near_s = job("copy", empty=True, ends=ends)["seconds"]
            near_source.latency = near_target.latency = 0.020
            far_s = job("copy", empty=True, ends=ends)["seconds"]
        table.row("copy over two relays", f"{near_s:.2f} s")
        table.row("copy over 20 ms to both ends, speed kept", f"{far_s:.2f} s", near_s / far_s, FAR)
        table.row("memory of the module's process, the most", f"{worst_rss:.0f} MiB", worst_rss, RSS_MIB, most=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="a fraction of the keys")
    parser.add_argument("--rounds", type=int, default=3, help="take the median of so many")
    parser.add_argument("--only", choices=sorted(WORK), action="append")
    parser.add_argument("--source", default="redis-6.2", choices=sorted(available()))
    parser.add_argument("--target", default="redis-8.2", choices=sorted(available()))
    options = parser.parse_args()
    table = Table()
    for kind, count in WORK.items():
        if not options.only or kind in options.only:
            _bench(kind, max(1000, int(count * options.scale)), options, table)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
