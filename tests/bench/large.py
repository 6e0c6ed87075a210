# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench-large`: one enormous key of each type is moved and verified; memory, and how long other clients wait.

`make bench-large ARGS='--scale 0.1 --only stream'` is a quick look. Whether the keys are equal is also checked by the
servers themselves (DEBUG DIGEST-VALUE). An idle server is pinged beside the source: what its clients wait is the
machine's doing.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from tests.bench import engine
from tests.bench.pinger import Pinger
from tests.bench.table import PING_MS, RSS_MIB, Table
from tests.support import large_keys
from tests.support.servers import RedisServer, available

ELEMENTS = 5_000_000
STRING_BYTES = 600_000_000
_MODERN = {"enable-debug-command": "local"}


def _server(name: str) -> RedisServer:
    config: dict[str, Any] = {"proto-max-bulk-len": "1gb"}
    return RedisServer(name, config=config if name == "redis-6.2" else config | _MODERN)


def _measure(kind: str, options: argparse.Namespace, table: Table) -> None:
    elements = int((STRING_BYTES // 10 if kind == "string" else ELEMENTS) * options.scale)
    what = f"{elements * 10:,} bytes" if kind == "string" else f"{elements:,} elements"
    table.title(f"One {kind} of {what}, {options.source} to {options.target}")
    with _server(options.source) as source, _server(options.target) as target, _server(options.source) as idle:
        large_keys.write(source.client(), kind, "large", elements)
        for job, title in ((options.strategy, "moved"), ("values", "verified")):
            with Pinger(source) as pinger, Pinger(idle) as beside:
                done = engine.run(job, source.endpoint(), target.endpoint())
            if done["counts"].get("failed") or done["counts"].get("differences"):
                raise RuntimeError(f"{job}: {done['counts']}")
            table.row(f"{title}, {options.strategy}" if job == options.strategy else title, f"{done['seconds']:.1f} s")
            table.row("  memory of the process", f"{done['rss_mib']:.0f} MiB", done["rss_mib"], RSS_MIB, most=True)
            table.row("  PING p99 at the source", f"{pinger.p99_ms:.1f} ms", pinger.p99_ms, PING_MS, most=True)
            table.row("  PING p99 at an idle server beside it", f"{beside.p99_ms:.1f} ms")
            table.row("  the longest PING at the source", f"{max(pinger.waits) * 1000:.0f} ms")
        digests = {
            str(server.client(socket_timeout=600).execute_command("DEBUG", "DIGEST-VALUE", "large"))
            for server in (source, target)
        }
        table.row("the servers' own digests", "equal" if len(digests) == 1 else "DIFFER")
        table.missed += len(digests) != 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-large", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="a fraction of the elements")
    parser.add_argument("--only", choices=large_keys.KINDS, action="append")
    parser.add_argument("--strategy", choices=("copy", "migrate", "rebuild"), default="copy")
    parser.add_argument("--source", default="redis-8.2", choices=sorted(available()))
    parser.add_argument("--target", default="redis-8.2", choices=sorted(available()))
    options = parser.parse_args()
    table = Table()
    for kind in options.only or large_keys.KINDS:
        started = time.monotonic()
        _measure(kind, options, table)
        table.row("all of it", f"{time.monotonic() - started:.0f} s")
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
