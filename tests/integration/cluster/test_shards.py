# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a playbook that share one source by shards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.cluster.conftest import Clusters
from tests.integration.cluster.test_migrate import equal
from tests.support.report_schema import check_run
from tests.support.run import run_playbook


@pytest.mark.parametrize("names", ["key:%d", "{tag}:%d"], ids=["spread", "in one slot"])
def test_a_playbook_moves_shards_together_and_one_by_one(names: str, shared: Clusters, tmp_path: Path) -> None:
    source, target = shared(), shared(shards=2, which="target")
    with source.client() as client:
        for number in range(200):
            client.set(names % number, number)
    with target.client() as client:
        for number in range(20):
            client.set(f"extra:{number}", number)
    ends = {
        "redis_migration_source": source.endpoint(),
        "redis_migration_target": target.endpoint(),
        "redis_migration_prune": True,
        "redis_migration_report_dir": str(tmp_path / "reports"),
    }
    hosts = {f"orders_{number}": {"redis_migration_source_shard": f"{number}/2"} for number in (1, 2)}
    inventory = {"redis_migrations": {"hosts": hosts, "vars": ends}}
    # The one is proved before the other has begun.
    for host in hosts:
        assert run_playbook("migrate", inventory, "--limit", host, directory=tmp_path).ok.changed > 0
    equal(source, target)
    together = run_playbook("migrate", inventory, "--forks", "2", directory=tmp_path).ok
    assert together.changed == 0
    runs = sorted((tmp_path / "reports").glob("2*"))
    titles = ["only in part"] * 2 + ["Everything arrived: all 2 migrations are proved equal"]
    for run, title in zip(runs, titles, strict=True):
        check_run(run)
        assert title in (run / "report.html").read_text()
