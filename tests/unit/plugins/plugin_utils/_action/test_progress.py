# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that an operator reads after each slice."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.progress import (
    LagLines,
    ProgressLines,
    StepLines,
    progress_interval,
)
from tests.support.paths import COLLECTIONS_PATH


def moving(elapsed: float, failed: int = 0, size: int = 0, **databases: int) -> dict[str, Any]:
    return {
        "step": "moving",
        "databases": {name.removeprefix("db"): {"scanned": number} for name, number in databases.items()},
        "elapsed_seconds": elapsed,
        "totals": {"failed": failed, "bytes": size},
    }


def comparing(elapsed: float, source: int, target: int) -> dict[str, Any]:
    return {
        "step": "looking from the target's side" if target else "comparing",
        "databases": {"0": {"source_keys": source, "target_keys": target}},
        "elapsed_seconds": elapsed,
    }


def test_the_time_left_is_told_once_the_size_is_known() -> None:
    progress = ProgressLines("shop", ["scanned"])
    assert progress.line(moving(10, db0=1000), None) == "shop: moving, 1,000 keys, now 100 keys/s"
    assert progress.line(moving(20, size=5 << 20, db0=2000), {"0": 5000}) == (
        "shop: moving, 40 %, 2,000 of ~5,000 keys, 5.0 MiB, now 100 keys/s and 512 KiB/s, about 30 s left"
    )


def test_the_rate_is_that_of_now() -> None:
    progress = ProgressLines("shop", ["scanned"])
    progress.line(moving(10, db0=100_000), None)
    assert "now 300 keys/s" in progress.line(moving(20, db0=103_000), None)
    assert progress.line(moving(30, db0=103_000), {"0": 200_000}).endswith("103,000 of ~200,000 keys, now 0 keys/s")


def test_the_database_with_the_highest_number_is_the_current_one() -> None:
    line = ProgressLines("shop", ["scanned"]).line(moving(1, db2=5, db10=7, db11=0), {"2": 5, "10": 10, "11": 20})
    assert line == "shop: moving, 34 %, 12 of ~35 keys, now 12 keys/s, about 2.0 s left, in database 10"


def test_more_keys_than_expected_leave_no_time() -> None:
    line = ProgressLines("shop", ["scanned"]).line(moving(1, db0=50), {"0": 10})
    assert line == "shop: moving, 100 %, 50 of ~50 keys, now 50 keys/s"


def test_failures_are_told_at_once() -> None:
    assert ProgressLines("shop", ["scanned"]).line(moving(1, 3, db0=5), None).endswith(", 3 failed")


def test_a_comparison_is_half_done_when_it_turns_to_the_target() -> None:
    progress = ProgressLines("shop", ["source_keys", "target_keys"])
    assert progress.line(comparing(10, 500, 0), {"0": 1000}) == (
        "shop: comparing, 25 %, 500 of ~1,000 keys, now 50 keys/s, about 30 s left"
    )
    assert progress.line(comparing(20, 1000, 250), {"0": 1000}) == (
        "shop: looking from the target's side, 62 %, 250 of ~1,000 keys, now 75 keys/s, about 10 s left"
    )


@pytest.mark.parametrize("given", [-1, "often"])
def test_an_interval_that_is_none(given: Any) -> None:
    with pytest.raises(AnsibleActionFail, match="must be a number of seconds"):
        progress_interval({"progress_seconds": given})


ASK = f"""
import sys
sys.path.insert(0, {str(COLLECTIONS_PATH)!r})
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.progress import progress_interval
print(progress_interval({{}}), progress_interval({{"progress_seconds": 0}}))
"""


@pytest.mark.parametrize(("terminal", "seconds"), [(True, "5.0"), (False, "30.0")])
def test_a_person_at_a_terminal_is_told_more_often_than_a_log(terminal: bool, seconds: str) -> None:
    """As in a play: the process that asks is the child of the one whose error stream counts."""
    leader, follower = os.openpty()
    try:
        told = subprocess.run(
            ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", ASK],
            stdout=subprocess.PIPE,
            stderr=follower if terminal else subprocess.DEVNULL,
            text=True,
            check=True,
        )
    finally:
        os.close(leader)
        os.close(follower)
    assert told.stdout.split() == [seconds, "0.0"]


def test_a_restore_tells_the_bytes_that_it_reads_and_then_the_keys_that_it_writes() -> None:
    lines = StepLines("shop")
    reading = {"step": "reading the backup", "file": [10 << 20, 40 << 20], "elapsed_seconds": 5.0}
    assert lines.line(reading) == (
        "shop: reading the backup, 25 %, 10.0 MiB of 40.0 MiB, now 2.0 MiB/s, about 15 s left"
    )
    assert "now 5.0 MiB/s" in lines.line({**reading, "file": [35 << 20, 40 << 20], "elapsed_seconds": 10.0})
    writing = {**moving(10, db0=1000), "step": "restoring", "expected": {"0": 4000}}
    assert lines.line(writing) == "shop: restoring, 25 %, 1,000 of ~4,000 keys, now 100 keys/s, about 30 s left"


def test_a_live_run_tells_how_far_it_is_and_then_how_far_behind() -> None:
    told = {"keys_done": 1000, "keys_all": 5000, "copied": False, "changes_per_second": 12.4, "lag_keys": 7}
    line = LagLines("shop").line({**told, "lag_seconds": 0.25}, {})
    assert line == "shop: following: 1,000 of ~5,000 keys, 12 changes/s at the source, lag 7 keys, 0.2 s"
    assert "5,000 keys compared" in LagLines("shop").line({**told, "copied": True, "lag_seconds": 0}, {})
