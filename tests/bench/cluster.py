# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench-cluster`: keys from one Redis Cluster into another, with one process and with two, all in turns.

RedisShake's scan reader is measured beside them where `redis-shake` is on PATH. `--single` moves between single servers as
well, to see what the clusters cost. On a machine whose cores the servers need as well, a second process gains little.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import engine
from tests.bench.measured import server_cpu
from tests.bench.table import RSS_MIB, Table
from tests.support.cluster import Cluster
from tests.support.dataset import Kind, fill_benchmark
from tests.support.servers import RedisServer, available

KEYS = 1_000_000
# What a second process has to bring where it has a core to itself.
TWO = 1.3
_SHAKE = """\
[scan_reader]
cluster = true
address = "{source}"
ksn = false
[redis_writer]
cluster = true
address = "{target}"
[advanced]
dir = "{directory}"
log_level = "warn"
"""


def _shake(source: Cluster, target: Cluster) -> float:
    """Seconds of RedisShake, until it ends by itself."""
    with tempfile.TemporaryDirectory() as directory:
        order = Path(directory) / "shake.toml"
        ends = {
            name: f"127.0.0.1:{cluster.primaries[0].port}" for name, cluster in (("source", source), ("target", target))
        }
        order.write_text(_SHAKE.format(**ends, directory=directory))
        started = time.monotonic()
        subprocess.run(["redis-shake", str(order)], check=True, cwd=directory, stdout=subprocess.DEVNULL)
        return time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-cluster", description=__doc__)
    parser.add_argument("--keys", type=int, default=KEYS)
    parser.add_argument("--kind", choices=("strings100", "mixed"), default="strings100")
    parser.add_argument("--rounds", type=int, default=3, help="take the median of so many")
    parser.add_argument("--shards", type=int, nargs=2, default=(3, 3), metavar=("SOURCE", "TARGET"))
    parser.add_argument("--source", default="redis-7.0", choices=sorted(available()))
    parser.add_argument("--target", default="redis-8.2", choices=sorted(available()))
    parser.add_argument("--single", action="store_true", help="between single servers, too")
    options = parser.parse_args()
    table = Table()
    table.title(f"{options.keys:,} {options.kind}, cluster of {options.shards[0]} to one of {options.shards[1]}")
    shake = shutil.which("redis-shake") is not None
    if not shake:
        table.more("redis-shake is not on PATH, and not measured")
    kind: Kind = options.kind
    with (
        RedisServer(options.source) as single,
        RedisServer(options.target) as there,
        Cluster(options.source, shards=options.shards[0], replicas=0) as source,
        Cluster(options.target, shards=options.shards[1], replicas=0) as target,
    ):
        fill_benchmark(single.client(), kind, options.keys)
        source.load(single)
        rss: list[float] = []

        def ours(job: str, processes: int) -> float:
            done = engine.run(job, source.endpoint(), target.endpoint(), processes=processes)
            if done["counts"].get("failed") or done["counts"].get("differences"):
                raise RuntimeError(f"{job}: {done['counts']}")
            rss.append(done["rss_mib"])
            return float(done["seconds"])

        def copied(processes: int) -> float:
            target.clear()
            return ours("copy", processes)

        def shaken() -> float:
            target.clear()
            took = _shake(source, target)
            # What it brought is compared by the servers' own counts.
            held = sum(node.client().dbsize() for node in target.primaries)
            if held != options.keys:
                raise RuntimeError(f"RedisShake moved {held} of {options.keys} keys")
            return took

        def between_servers() -> float:
            there.client().flushall()
            return float(engine.run("copy", single.endpoint(), there.endpoint())["seconds"])

        jobs: dict[str, Callable[[], float]] = {
            "copy, one process": lambda: copied(1),
            "values compared, one process": lambda: ours("values", 1),
            "copy, two processes": lambda: copied(2),
            "values compared, two processes": lambda: ours("values", 2),
        }
        if shake:
            jobs["RedisShake, scan reader"] = shaken
        if options.single:
            jobs["copy between single servers"] = between_servers
        nodes = [*source.primaries, *target.primaries, single, there]
        rounds: dict[str, list[float]] = {name: [] for name in jobs}
        servers: dict[str, list[float]] = {name: [] for name in jobs}
        for _round in range(options.rounds):
            for name, job in jobs.items():
                before = sum(map(server_cpu, nodes))
                rounds[name].append(job())
                servers[name].append(sum(map(server_cpu, nodes)) - before)
    found = {name: statistics.median(seconds) for name, seconds in rounds.items()}
    for name, seconds in found.items():
        table.row(name, f"{seconds:.2f} s")
        cpu = statistics.median(servers[name]) / options.keys * 1e6
        table.more(f"{seconds / options.keys * 1e6:.1f} us a key; processor time of all servers {cpu:.1f} us a key")
    cores = os.cpu_count() or 1
    for job in ("copy", "values compared"):
        ratio = found[f"{job}, one process"] / found[f"{job}, two processes"]
        # Where the servers and both processes have to share a core there is nothing to be gained.
        wanted = TWO if cores > len(options.shards) + 2 else None
        table.row(f"{job}: two processes, times as fast as one", "", ratio, wanted)
    if shake:
        table.row(
            "copy, times as fast as RedisShake", "", found["RedisShake, scan reader"] / found["copy, one process"], 1.0
        )
    table.row("memory of a process, the most", f"{max(rss):.0f} MiB", max(rss), RSS_MIB, most=True)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
