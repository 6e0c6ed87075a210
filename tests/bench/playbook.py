# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench-playbook`: what a run of migrate.yml takes besides the data, for one migration and for fifty in one run.

Each migration is a logical database with a hundred keys; their seconds are the time of the playbook over their number.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench.table import Table
from tests.support.run import run_playbook
from tests.support.servers import RedisServer

ONE_SECONDS = 12.0
EACH_SECONDS = 3.0
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
        hosts = {f"m{database:02d}": {"redis_migration_databases": [database]} for database in range(number)}
        inventory = {"redis_migrations": {"hosts": hosts, "vars": ends}}
        for run in ("first", "second"):
            started = time.monotonic()
            run_playbook("migrate", inventory, "--forks", str(options.forks), directory=Path(directory)).ok  # noqa: B018
            seconds = time.monotonic() - started
            each = seconds / number
            what = f"{number} migration{'s' * (number > 1)}, {run} run"
            table.row(f"{what}, seconds of each", f"{seconds:.1f} s", each, wanted, most=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench-playbook", description=__doc__)
    parser.add_argument("--many", type=int, default=50, help="how many in one run")
    parser.add_argument("--forks", type=int, default=5, help="Ansible's default is 5")
    parser.add_argument("--source", default="redis-6.2")
    parser.add_argument("--target", default="redis-8.2")
    options = parser.parse_args()
    table = Table()
    table.title("The playbook besides the data")
    _measure(1, options, table, ONE_SECONDS)
    _measure(options.many, options, table, EACH_SECONDS)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
