# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a migration in a line."""

from __future__ import annotations

from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import failure_sentence
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.sentences import migration_summary

COUNTERS = ("scanned", "copied", "updated", "unchanged", "skipped", "vanished", "pruned", "failed", "bytes")


def result(**totals: int) -> dict[str, Any]:
    return {
        "changed": True,
        "strategy": "copy",
        "strategy_reason": "as told",
        "totals": dict.fromkeys(COUNTERS, 0) | totals,
        "elapsed_seconds": 2.6,
        "keys_per_second": 9100.0,
        "bytes_per_second": 0.0,
    }


def test_nothing_moved_has_no_speed() -> None:
    assert migration_summary(result(unchanged=24_000, pruned=3)).startswith("Moved 0 keys (0 B) in 2.6 s by copy")
    assert "9,100 keys/s" in migration_summary(result(copied=24_000))


def test_a_rollback_fails_in_the_rollback() -> None:
    failure = {"tags": ["cutover", "rollback"], "message": "No."}
    variables = {"orders": {"__redis_migration_failure": failure}}
    assert failure_sentence("orders", variables).startswith("FAILED in rollback. ")
    failure["tags"] = ["always", "cutover"]
    assert failure_sentence("orders", variables).startswith("FAILED in cutover. ")
