# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One run of the engine in a process of its own, so that its memory and processor time are its own.

`python -m tests.bench.engine '{"job": "copy", "source": {...}, "target": {...}}'` prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.paths import COLLECTIONS_PATH, REPO


def run(job: str, source: dict[str, Any], target: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Run `job` (copy, migrate, keys, metadata, values) in a child; returns seconds, cpu_seconds, rss_mib, counts."""
    order = json.dumps({"job": job, "source": source, "target": target, **options})
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.engine", order], cwd=REPO, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peak_mib(process: int | str = "self") -> float:
    """The most memory this process had, or another one that runs.

    Not getrusage's figure: that one remembers the parent before the exec.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _main() -> None:
    sys.path.insert(0, str(COLLECTIONS_PATH))
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster.runs import (
        comparison,
        migration,
    )
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._compare.diff_progress import DiffPlan
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import (
        parse_endpoint,
    )
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.progress import Plan

    order = json.loads(sys.argv[1])
    source, target = parse_endpoint(order["source"], "source"), parse_endpoint(order["target"], "target")
    processes = int(order.get("processes", 1))
    started, cpu = time.monotonic(), time.process_time()
    if order["job"] in ("copy", "migrate", "auto", "rebuild"):
        moving = migration(Plan(source, target, Selection(), strategy=order["job"], processes=processes))
        counts = moving.run().totals.as_dict()
    else:
        compared = comparison(DiffPlan(source, target, Selection(), level=order["job"], processes=processes)).run()
        totals = compared.totals
        counts = {"keys": totals.source_keys, "differences": totals.missing + totals.extra + totals.different}
    # The processes that share the work on a cluster.
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = {
        "seconds": time.monotonic() - started,
        "cpu_seconds": time.process_time() - cpu + children.ru_utime + children.ru_stime,
        "rss_mib": max(peak_mib(), children.ru_maxrss / 1024 / (1024 if sys.platform == "darwin" else 1)),
        "counts": counts,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    _main()
