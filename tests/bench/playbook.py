# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench-playbook`: what a run of migrate.yml takes besides the data, for one migration and for many in one run.

Each migration is a logical database with a hundred keys; their seconds are the time of the playbook over their number. A busy
machine bends these, and hardly the seconds of processor time beside them. `--tasks` lists where the latter go.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.parts import Accounts, Memory, Parts
from tests.bench.table import Table
from tests.support.run import run_playbook
from tests.support.servers import RedisServer

ONE_SECONDS = 4.0
EACH_SECONDS = 2.0
_KEYS = 100


def _measure(number: int, options: argparse.Namespace, table: Table, wanted: float) -> None:
    databases = max(16, number)
    with (
        RedisServer(options.source, databases=databases) as source,
        RedisServer(options.target, databases=databases) as target,
        tempfile.TemporaryDirectory() as directory,
    ):
        for database in range(number):
            source.client(database).mset({f"key:{key}": key for key in range(_KEYS)})
        ends: dict[str, Any] = {
            "redis_migration_source": source.endpoint(),
            "redis_migration_target": target.endpoint(),
        }
        hosts = {f"m{database:03d}": {"redis_migration_databases": [database]} for database in range(number)}
        inventory = {"redis_migrations": {"hosts": hosts, "vars": ends}}
        for run in ("first", "second")[: options.runs]:
            there = Path(directory) / run
            there.mkdir()
            accounts, memory = Accounts(there), Memory()
            started = time.monotonic()
            with memory.watched():
                done = run_playbook(
                    "migrate",
                    inventory,
                    "--forks",
                    str(options.forks),
                    # As it is for users: Python keeps what it compiled.
                    environment={**accounts.environment, "PYTHONDONTWRITEBYTECODE": ""},
                    directory=Path(directory),
                    timeout=3600,
                    started=memory.of,
                )
            seconds = time.monotonic() - started
            assert done.returncode == 0, done.output[-4000:]
            what = f"{number} migration{'s' * (number > 1)}, {run} run"
            table.row(f"{what}, seconds of each", f"{seconds:.1f} s", seconds / number, wanted, most=True)
            _tell(table, accounts.read(), memory, number, options.tasks)


def _tell(table: Table, parts: Parts, memory: Memory, number: int, tasks: bool) -> None:
    together = parts.playbook + parts.forks + parts.modules
    table.more(
        f"processor time of each: {together / number:.2f} s: playbook {parts.playbook / number:.2f},"
        f" forks {parts.forks / number:.2f}, modules {parts.modules / number:.2f};"
        f" {sum(task.runs for task in parts.tasks.values()) / number:.1f} tasks"
    )
    table.more(
        f"memory, MiB: playbook {parts.playbook_mib:.0f}, largest fork {parts.fork_mib:.0f}, all together"
        f" {memory.peak_mib:.0f}"
    )
    if tasks:
        for name, task in sorted(parts.tasks.items(), key=lambda item: -item[1].forks - item[1].modules):
            table.more(
                f"{name:<50} {task.runs:>5} times, ms: fork {task.forks / task.runs * 1000:4.0f},"
                f" modules {task.modules / task.runs * 1000:4.0f}"
            )


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-playbook", description=__doc__)
    parser.add_argument("--many", default="10,50,200", help="how many in one run, for each run")
    parser.add_argument("--forks", type=int, default=10, help="Ansible's default is 5")
    parser.add_argument("--runs", type=int, default=2, help="the second one finds nothing to do")
    parser.add_argument("--source", default="redis-6.2")
    parser.add_argument("--target", default="redis-8.2")
    parser.add_argument("--tasks", action="store_true", help="what each task takes")
    options = parser.parse_args()
    table = Table()
    table.title("The playbook besides the data")
    for number in (1, *map(int, filter(None, options.many.split(",")))):
        _measure(number, options, table, EACH_SECONDS if number > 1 else ONE_SECONDS)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
