# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The installed collection alone moves a server, from an empty directory and by its full name.

`python -m tests.support.smoke COLLECTIONS_PATH`: the directory that `ansible-galaxy collection install -p` filled.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import dataset
from tests.support.oracle import compare, report
from tests.support.run import FQCN, run_playbook
from tests.support.servers import RedisServer


def check_documentation(collections: Path) -> int:
    """ansible-doc shows every module; returns how many there are."""
    root = collections / "ansible_collections" / "dataservices" / "redis_migration"
    names = sorted(FQCN + path.stem for path in (root / "plugins" / "modules").glob("[a-z]*.py"))
    tool = Path(sys.executable).with_name("ansible-doc")
    done = subprocess.run(
        [tool, "-t", "module", *names],
        env={"PATH": "/usr/bin:/bin", "HOME": str(collections), "ANSIBLE_COLLECTIONS_PATH": str(collections)},
        cwd=collections,
        capture_output=True,
        text=True,
        check=False,
    )
    shown = done.stdout.count("> MODULE ")
    if done.returncode != 0 or shown != len(names):
        raise SystemExit(f"ansible-doc showed {shown} of {len(names)} modules:\n{done.stderr}")
    return shown


def migrate(collections: Path) -> None:
    """migrate.yml twice on two real servers; the second run must change nothing."""
    with (
        RedisServer("redis-6.2", password="source-secret") as source,
        RedisServer("redis-8.2") as target,
        tempfile.TemporaryDirectory() as empty,
    ):
        dataset.fill(source.client, databases=(0, 3))
        inventory = {
            "redis_migrations": {
                "hosts": {
                    "smoke": {
                        "redis_migration_source": {"url": source.url()},
                        "redis_migration_target": {"url": target.url()},
                    }
                }
            }
        }
        for run in ("first", "second"):
            result = run_playbook(
                FQCN + "migrate",
                inventory,
                environment={"ANSIBLE_COLLECTIONS_PATH": str(collections)},
                directory=Path(empty),
            ).ok
            print(f"{run} run: changed={result.changed}")
        if result.changed:
            raise SystemExit(f"the second run changed something:\n{result.output}")
        differences = compare(source, target)
        if differences:
            raise SystemExit(f"the servers differ:\n{report(differences)}")


def main() -> None:
    collections = Path(sys.argv[1]).resolve()
    print(f"ansible-doc shows {check_documentation(collections)} modules")
    migrate(collections)


if __name__ == "__main__":
    main()
