# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How waits are counted, and what a run does when they are long; a real server's are in tests/integration/engine."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.pace import Pace
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.waits import Waits


def waits_of(*milliseconds: float) -> Waits:
    waits = Waits()
    for one in milliseconds:
        waits.note(one * 1000)
    return waits


def test_shares_are_near_the_true_ones() -> None:
    told = waits_of(*[number / 10 for number in range(1, 1001)]).as_dict()
    assert told["p50"] == pytest.approx(50, rel=0.16)
    assert told["p99"] == pytest.approx(99, rel=0.16)
    assert (told["max"], told["looks"]) == (100.0, 1000)


def test_a_share_is_never_above_the_longest() -> None:
    assert waits_of(3.01).as_dict() == {"p50": 3.01, "p99": 3.01, "max": 3.01, "looks": 1}
    assert waits_of(0.0).as_dict()["p50"] == 0.0
    assert waits_of(10 * 60_000).as_dict()["p99"] == 600_000.0


def test_without_a_look_nothing_is_claimed() -> None:
    assert Waits().as_dict() == {"p50": None, "p99": None, "max": None, "looks": 0}


def test_parts_are_added_up() -> None:
    total = Waits.of_all([waits_of(1, 1, 1), Waits(), waits_of(9)])
    assert total.as_dict() == waits_of(1, 1, 1, 9).as_dict()


def test_long_waits_make_batches_smaller_and_short_ones_larger_again() -> None:
    pace = Pace(0, 5)
    most = pace.gate.limit
    before = pace.keys_at_once(1000, 100_000)
    pace.felt(12_000)
    assert pace.gate.limit < most and pace.keys_at_once(1000, 100_000) < before
    for _look in range(50):
        pace.felt(12_000)
    # For the load of others a run does not wait for ever.
    assert pace.gate.limit == pytest.approx(most / 4)
    pace.felt(4000)
    assert pace.gate.limit == pytest.approx(most / 4)
    for _look in range(50):
        pace.felt(100)
    assert pace.gate.limit == pytest.approx(most)


def test_a_lower_limit_means_smaller_batches() -> None:
    assert Pace(0, 1).keys_at_once(1000, 100_000) < Pace(0, 5).keys_at_once(1000, 100_000)
    assert Pace(0, 1).gate.limit < Pace(0, 5).gate.limit
