# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch costs a server is learned from what it took, within bounds."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.pace import MAX_LATENCY_MS, Pace


def test_the_cost_follows_what_is_measured() -> None:
    pace = Pace(0)
    before = pace.cost(1000, 0)
    for _time in range(50):
        pace.observe(1000, 0, 3 * before)
    assert pace.cost(1000, 0) == pytest.approx(3 * before, rel=0.01)


@pytest.mark.parametrize(("microseconds", "factor"), [(0, 0.1), (10**12, 20)])
def test_one_odd_measurement_does_not_rule(microseconds: float, factor: float) -> None:
    pace = Pace(0)
    before = pace.cost(1000, 0)
    for _time in range(100):
        pace.observe(1000, 0, microseconds)
    assert pace.cost(1000, 0) == pytest.approx(factor * before, rel=0.01)


def test_too_little_work_teaches_nothing() -> None:
    pace = Pace(0)
    before = pace.cost(1, 0)
    pace.observe(1, 0, 10**6)
    assert pace.cost(1, 0) == before


def test_two_batches_fit_into_the_queue() -> None:
    pace = Pace(0)
    keys = pace.keys_at_once(1, 100)
    assert 2 * pace.cost(keys, 100 * keys) <= MAX_LATENCY_MS * 1000
    assert pace.keys_at_once(1, 10**9) == 50


def test_a_long_line_takes_more_at_once() -> None:
    assert Pace(100_000).gate.limit == Pace(0).gate.limit + 150_000
