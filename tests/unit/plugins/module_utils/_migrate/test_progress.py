# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run keeps between slices."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.choose import LARGE_KEY_BYTES
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.counters import Counters
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.progress import Plan, Progress


def test_a_run_is_known_by_its_own_name() -> None:
    assert Progress().run != Progress().run


def test_runs_share_no_counters() -> None:
    Progress().counters[0] = Counters(copied=1)
    assert Progress().totals == Counters()


def test_totals_are_of_all_databases() -> None:
    progress = Progress(
        counters={0: Counters(scanned=3, copied=2, failed=1), 5: Counters(scanned=4, copied=4, bytes=9)}
    )
    assert progress.totals == Counters(scanned=7, copied=6, failed=1, bytes=9)


def test_clocks_agree_until_they_were_measured() -> None:
    assert Progress().clock_difference.shift_ms == 0
    measured = {"apart_ms": 3000.0, "unsure_ms": 1.0, "source_ahead_ms": 0.0, "target_ahead_ms": 3000.0}
    assert Progress(clocks=measured).clock_difference.shift_ms == 3000


def test_without_options_keys_are_updated_nothing_is_deleted_and_large_ones_go_in_pieces() -> None:
    plan = Plan(Endpoint("source", "a"), Endpoint("target", "b"), Selection())
    assert (plan.strategy, plan.existing_keys, plan.prune, plan.check_mode) == ("auto", "update", False, False)
    assert plan.large_key_bytes == LARGE_KEY_BYTES
