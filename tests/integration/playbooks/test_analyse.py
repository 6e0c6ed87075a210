# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook analyse: sources alone and with a target, on workers; its files, its page, and its place in the list."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.conftest import ServerFactory
from tests.support.report_schema import check_run
from tests.support.run import run_playbook

REPORT = "redis-migration-report"
HOSTILE = "<script>window.hacked = 1</script>"


def test_sources_are_looked_at_and_nothing_is_changed(redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server("redis-8.2", config={"maxmemory-policy": "allkeys-lfu"})
    target = redis_server("redis-6.2")
    client = source.client()
    client.mset({f"session:{number}": "x" * 50 for number in range(300)})
    client.hset(f"{HOSTILE}:1", mapping={f"field {number}": "y" * 100 for number in range(1000)})
    client.set("expiring", "z", ex=60)
    before = source.write_calls(), target.write_calls()
    hosts = {
        "alone": {"redis_migration_source": source.endpoint(), "redis_migration_large_key_bytes": 50_000},
        "both": {
            "redis_migration_source": {"url": source.url()},
            "redis_migration_target": target.endpoint(),
            "redis_migration_analyse_sample": 100,
        },
        "planned": {
            "redis_migration_source": source.endpoint(),
            "redis_migration_target": {"service_instance": "not-there-yet", "offering": "redis", "plan": "large"},
        },
        "gone": {"redis_migration_source": {"host": "127.0.0.1", "port": 1}},
    }
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory = {
        "redis_migrations": {"hosts": hosts},
        "redis_migration_workers": {"hosts": {"worker": local}},
    }
    run = run_playbook("analyse", inventory, directory=tmp_path)
    assert run.returncode == 2, run.output[-4000:]
    assert {name: found["failures"] for name, found in run.stats.items() if name in hosts} == {
        "alone": 0, "both": 0, "planned": 0, "gone": 1,
    }  # fmt: skip
    assert all(run.stats[name]["changed"] == 0 for name in hosts)
    assert (source.write_calls(), target.write_calls()) == before
    assert "gone: FAILED in analyse: " in run.output
    assert "skipping:" not in run.output

    reports = tmp_path / REPORT
    latest = reports / "latest"
    name = os.readlink(latest)
    assert name.endswith("-analyse")
    files = {"analysis.json", "analysis.html", "analysis.md", "report.json", "junit.xml", "summary.json"}
    assert {path.name for path in latest.iterdir()} == files
    assert {path.name for path in reports.iterdir()} == {
        "latest", name, "index.html", "analysis.json", "analysis.html", "analysis.md", "junit.xml",
    }  # fmt: skip
    check_run(latest)
    analysis = json.loads((latest / "analysis.json").read_text())
    found = {one["name"]: one["analysis"] for one in analysis["migrations"]}
    assert found["gone"] is None and analysis["summary"]["analysed"] == 3
    sample = found["alone"]["sample"]
    assert sample["complete"] and sample["types"]["string"]["keys"] == 301
    assert sample["large"]["types"]["hash"]["elements"] == 1000
    assert sample["hottest"] and sample["largest"][0]["key"] == f"{HOSTILE}:1"
    assert (found["alone"]["fit"], found["planned"]["fit"]) == (None, None)
    assert not found["both"]["sample"]["complete"] and 295 < found["both"]["estimate"]["keys"] < 310
    assert found["both"]["fit"]["strategy"] == "rebuild"

    page = (latest / "analysis.html").read_text()
    assert page.count("<script") == 1 and "&lt;script&gt;window.hacked = 1&lt;/script&gt;:1" in page
    assert 'href="../index.html"' in page
    index = (reports / "index.html").read_text()
    assert f'href="{name}/analysis.html#m-alone"' in index and f'href="{name}/analysis.json"' in index
    assert "report.html" not in index
