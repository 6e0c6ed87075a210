# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a backup and a restore are can be read while they run, and nothing of that stays."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from tests.conftest import ServerFactory
from tests.support import backups
from tests.support.run import StartedModule, run_module


def _told(path: Path, step: str) -> dict[str, Any]:
    """What the module says of a step once it has begun with it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            told: dict[str, Any] = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            told = {}
        if told.get("step") == step:
            return told
        time.sleep(0.02)
    raise AssertionError(f"nothing was told of {step}")


def test_a_backup_and_its_restore_tell_how_far_they_are(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server(), redis_server()
    keys = backups.fill(source)
    file, progress = tmp_path / "dump.rdb", tmp_path / "progress"
    saving = {"endpoint": source.endpoint(), "dest": str(file), "progress_path": str(progress)}
    restoring = {"endpoint": target.endpoint(), "src": str(file), "progress_path": str(progress)}

    running = StartedModule("redis_backup", {**saving, "max_keys_per_second": 300})
    told = _told(progress, "saving")
    assert not file.exists(), "it appears when it is complete"
    assert sum(told["expected"].values()) == keys
    assert sum(counters["scanned"] for counters in told["databases"].values()) <= keys
    assert told["totals"]["bytes"] >= 0 and told["totals"]["failed"] == 0 and told["elapsed_seconds"] > 0
    assert running.wait().ok["totals"]["keys"] == keys
    assert not progress.exists()

    target.client().client_pause(60_000, all=False)
    running = StartedModule("redis_restore", restoring)
    told = _told(progress, "restoring")
    assert sum(told["expected"].values()) == keys
    target.client().client_unpause()
    assert running.wait().ok["totals"]["restored"] == keys
    assert not progress.exists()


def test_a_file_that_is_there_is_left_alone(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, progress = redis_server(), tmp_path / "progress"
    source.client().set("a", 1)
    progress.write_text("somebody's")
    run = run_module(
        "redis_backup", endpoint=source.endpoint(), dest=str(tmp_path / "dump.rdb"), progress_path=str(progress)
    )
    assert run.ok["changed"]
    assert progress.read_text() == "somebody's"
