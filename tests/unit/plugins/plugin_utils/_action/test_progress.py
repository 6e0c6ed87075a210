# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line that an operator reads after each slice."""

from __future__ import annotations

from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.progress import (
    LagLines,
    ProgressLines,
)


def result(elapsed: float, failed: int = 0, **databases: int) -> dict[str, Any]:
    return {
        "databases": {name.removeprefix("db"): {"scanned": number} for name, number in databases.items()},
        "elapsed_seconds": elapsed,
        "totals": {"failed": failed},
    }


def test_the_time_left_is_told_once_the_size_is_known() -> None:
    progress = ProgressLines("shop", "scanned")
    assert progress.line(result(10, db0=1000), None) == "shop: database 0: 1,000 keys (100/s)"
    assert progress.line(result(20, db0=2000), {"0": 5000}) == (
        "shop: database 0: 2,000 of ~5,000 keys (100/s), about 30 s left"
    )


def test_the_latest_slice_counts_twice() -> None:
    progress = ProgressLines("shop", "scanned")
    progress.line(result(10, db0=1000), None)
    assert "(300/s)" in progress.line(result(20, db0=5000), None)


def test_the_database_with_the_highest_number_is_the_current_one() -> None:
    line = ProgressLines("shop", "scanned").line(result(1, db2=5, db10=7, db11=0), {"2": 5, "10": 10, "11": 20})
    assert line.startswith("shop: database 10: 7 of ~10 keys")
    assert line.endswith(", about 2.0 s left")


def test_more_keys_than_expected_leave_no_time() -> None:
    line = ProgressLines("shop", "scanned").line(result(1, db0=50), {"0": 10})
    assert line == "shop: database 0: 50 of ~50 keys (50/s)"


def test_failures_are_told_at_once() -> None:
    assert ProgressLines("shop", "scanned").line(result(1, 3, db0=5), None).endswith(", 3 failed")


def test_a_live_run_tells_how_far_it_is_and_then_how_far_behind() -> None:
    told = {"keys_done": 1000, "keys_all": 5000, "copied": False, "changes_per_second": 12.4, "lag_keys": 7}
    line = LagLines("shop").line({**told, "lag_seconds": 0.25}, {})
    assert line == "shop: following: 1,000 of ~5,000 keys, 12 changes/s at the source, lag 7 keys, 0.2 s"
    assert "5,000 keys compared" in LagLines("shop").line({**told, "copied": True, "lag_seconds": 0}, {})
