# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench-live`: how long applications stand still when they are followed until then, and when they are not.

1 GB in so many keys, under 5,000 writes a second. Live: from the stop of the writers until both ends are proved equal, by the
real process. Cold: copy and comparison of values while the writers stand still. And what the feed of changes itself costs
the source's clients. `make bench-live ARGS='--keys 100000 --bytes 1e8'` is a quick look.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.bench import engine
from tests.bench.load import FeedReader, Load, RoundTrips
from tests.bench.measured import server_cpu
from tests.bench.pinger import Pinger
from tests.bench.table import PING_MS, RSS_MIB, Table
from tests.support.paths import COLLECTIONS_PATH
from tests.support.servers import RedisServer, available

DRAIN_SECONDS = 2.0
SLOWER = 0.15
# What a string key takes at the server beside its value.
KEY_BYTES = 90
ROUND_SECONDS = 3.0
_SETS = 250_000


def _server(name: str) -> RedisServer:
    return RedisServer(name, config={} if name == "redis-6.2" else {"enable-debug-command": "local"})


def _fill(server: RedisServer, keys: int, size: int) -> None:
    with server.client(socket_timeout=600) as client:
        client.execute_command("DEBUG", "POPULATE", keys, "key", size)
        assert client.dbsize() == keys


def _live(
    source: RedisServer, target: RedisServer, keys: int, size: int, options: argparse.Namespace
) -> dict[str, Any]:
    sys.path.insert(0, str(COLLECTIONS_PATH))
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._background.files import Holder
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster.live_process import main
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.following import Following
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import process_identity
    from tests.support.engine import migration

    plan = migration(source, target, strategy="auto")._plan
    following = Following(plan, Holder(os.getpid(), process_identity(os.getpid()) or "", "benchmark"), main.__module__)
    with Load(source, keys=keys, size=size, rate=options.rate) as load:
        begin = time.monotonic()
        following.start(None, 900.0)
        try:
            while True:
                state = following.news(time.monotonic())
                if state.status["walked"] and state.status["lag_seconds"] <= 1:
                    break
                time.sleep(0.2)
            copied = time.monotonic() - begin
            with Pinger(source) as pinger:
                time.sleep(options.seconds)
            lag = following.news(time.monotonic()).status
            load.stop()
            pid = state.pid
            state = following.drain(600.0)
            # From the last write that was acknowledged, by the clock that all processes share.
            drain = time.monotonic() - float(load.result["ended"])
            memory = engine.peak_mib(pid)
        finally:
            following.stop()
            following.close()
    if not state.result["proved"]:
        raise RuntimeError(state.result["reason"])
    return {
        "copied": copied,
        "drain": drain,
        "written": load.written / float(load.result["seconds"]),
        "ping": pinger.p99_ms,
        "lag": lag,
        "memory": memory,
        "in_drain": state.result["verified"]["in_drain"],
    }


def _size(keys: int, options: argparse.Namespace, table: Table) -> float:
    size = max(10, int(options.bytes / keys) - KEY_BYTES)
    table.title(f"{keys:,} strings of {size:,} B, {options.source} to {options.target}, {options.rate:,} writes/s")
    with _server(options.source) as source, _server(options.target) as target:
        _fill(source, keys, size)
        done = _live(source, target, keys, size, options)
        table.row("written while it was followed", f"{done['written']:.0f}/s")
        table.row("first copy and comparison, while written to", f"{done['copied']:.1f} s")
        table.row("lag then", f"{done['lag']['lag_seconds']:.2f} s")
        table.row("PING p99 at the source, followed", f"{done['ping']:.1f} ms", done["ping"], PING_MS, most=True)
        table.row("memory of the process", f"{done['memory']:.0f} MiB", done["memory"], RSS_MIB, most=True)
        table.row("keys compared in the drain", f"{done['in_drain']:,}")
        drain = float(done["drain"])
        table.row("LIVE: from the stop until proved equal", f"{drain:.2f} s", drain, DRAIN_SECONDS, most=True)
        target.client(socket_timeout=600).flushall()
        cold = sum(engine.run(job, source.endpoint(), target.endpoint())["seconds"] for job in ("copy", "values"))
        table.row("COLD: copy, then compare, nobody writes", f"{cold:.2f} s", cold / drain)
    return drain


def _cost(options: argparse.Namespace, table: Table) -> None:
    """Writers with one command a round trip: without the feed and with it, in turns."""
    table.title(f"The feed's own cost at the source ({options.source}), nothing copied")
    loads: dict[str, Callable[[RedisServer], float]] = {"eight connections of our own": _own_load}
    tool = shutil.which("redis-benchmark")
    if tool is None:
        print("redis-benchmark is not on PATH: its load is left out.")
    else:
        for connections in (1, 8, 50):
            loads[f"redis-benchmark -c {connections}"] = functools.partial(_tool_load, tool, connections)
    pings: dict[bool, list[float]] = {False: [], True: []}
    readers: list[float] = []
    with _server(options.source) as source:
        for title, load in loads.items():
            rates: dict[bool, list[float]] = {False: [], True: []}
            cpu_us: dict[bool, list[float]] = {False: [], True: []}
            for _round in range(options.rounds):
                for read in (False, True):
                    with _feed(source, read, readers):
                        before, written = server_cpu(source), _sets(source)
                        rates[read].append(load(source))
                        cpu_us[read].append((server_cpu(source) - before) / (_sets(source) - written) * 1e6)
            without, with_feed = (statistics.median(rates[read]) for read in (False, True))
            table.row(f"{title}: SET of 100 B without the feed", f"{without:,.0f}/s")
            table.row("with the feed, share lost", f"{with_feed:,.0f}/s", 1 - with_feed / without, SLOWER, most=True)
            table.row("the server's own time for each, without", f"{statistics.median(cpu_us[False]):.1f} us")
            table.row("with the feed", f"{statistics.median(cpu_us[True]):.1f} us")
        for _round in range(options.rounds):
            for read in (False, True):
                with (
                    _feed(source, read, readers),
                    RoundTrips(source, keys=100_000, size=100),
                    Pinger(source) as pinger,
                ):
                    time.sleep(ROUND_SECONDS / 2)
                pings[read].append(pinger.p99_ms)
    table.row("the reader's share of a core of this machine", f"{statistics.median(readers):.2f}")
    for read, title in ((False, "PING p99 under the first load"), (True, "with the feed")):
        ping = statistics.median(pings[read])
        table.row(title, f"{ping:.1f} ms", ping, PING_MS, most=True)


@contextlib.contextmanager
def _feed(source: RedisServer, read: bool, shares: list[float]) -> Iterator[None]:
    """Somebody reads the feed meanwhile, if ``read``; ``shares`` is told of a core how much that took."""
    if not read:
        yield
        return
    with FeedReader(source) as reader:
        yield
    shares.append(reader.result["cpu"] / reader.result["seconds"])


def _own_load(source: RedisServer) -> float:
    """SETs a second."""
    with RoundTrips(source, keys=100_000, size=100) as load:
        time.sleep(ROUND_SECONDS)
    return load.per_second


def _tool_load(tool: str, connections: int, source: RedisServer) -> float:
    """The same by redis-benchmark, which knows no time to work for, only a number."""
    command = [tool, "-p", str(source.port), "-t", "set", "-d", "100", "-r", "100000", "-q"]
    began = time.monotonic()
    subprocess.run([*command, "-c", str(connections), "-n", str(_SETS)], check=True, capture_output=True)
    return _SETS / (time.monotonic() - began)


def _sets(server: RedisServer) -> int:
    return int(server.client().info("commandstats").get("cmdstat_set", {"calls": 0})["calls"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-live", description=__doc__)
    parser.add_argument("--keys", default="100000,1000000,4000000", help="numbers of keys, with commas between")
    parser.add_argument("--bytes", type=float, default=1e9, help="what the source holds")
    parser.add_argument("--rate", type=int, default=5000, help="writes a second")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to follow behind the first copy")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the feed's cost")
    parser.add_argument("--source", default="redis-7.0", choices=sorted(available()))
    parser.add_argument("--target", default="redis-8.2", choices=sorted(available()))
    options = parser.parse_args()
    table = Table()
    with tempfile.TemporaryDirectory() as directory:
        os.environ["XDG_RUNTIME_DIR"] = directory
        sizes = [int(number) for number in options.keys.split(",") if number]
        drains = [_size(keys, options, table) for keys in sizes]
    if len(sizes) > 1:
        table.title("Does the drain grow with the data?")
        table.row(
            f"{sizes[-1] / sizes[0]:.0f} times as many keys: the drain takes", f"{drains[-1] / drains[0]:.2f} times"
        )
    if options.rounds:
        _cost(options, table)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
