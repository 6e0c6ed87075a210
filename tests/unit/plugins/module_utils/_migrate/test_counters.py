# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted of keys that were moved before a server was restarted."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.counters import Counters


def test_what_was_moved_before_a_restart_and_is_still_there_counts_as_moved() -> None:
    now = Counters(scanned=10, copied=1, unchanged=9)
    now.keep_moved(Counters(scanned=7, copied=4, updated=2, unchanged=1, pruned=3, rebuilt=1, bytes=500))
    assert now == Counters(scanned=10, copied=5, updated=2, unchanged=3, pruned=3, rebuilt=1, bytes=500)


def test_no_more_counts_as_moved_than_is_still_there() -> None:
    now = Counters(scanned=6, copied=3, unchanged=3)
    now.keep_moved(Counters(copied=2, updated=5))
    assert now == Counters(scanned=6, copied=5, updated=1)
