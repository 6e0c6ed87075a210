# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits per second, by the waits that they ask for."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.job import Sleep
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.throttle import Throttle


def test_no_limit_never_waits() -> None:
    throttle = Throttle()
    assert throttle.delay(10**9, 10**15) == 0
    assert throttle.delay(1, 1) == 0
    assert (throttle.chunk_keys, throttle.chunk_bytes) == (None, None)


def test_who_comes_next_waits_for_those_before() -> None:
    throttle = Throttle(keys_per_second=10, bytes_per_second=1000)
    assert throttle.delay(100, 1) == 0
    assert throttle.delay(1, 100_000) == pytest.approx(10, abs=1)
    assert throttle.owed() == pytest.approx(100, abs=1)


def test_a_payload_smaller_than_its_memory_gives_time_back() -> None:
    throttle = Throttle(bytes_per_second=1000)
    turn = throttle.turn(1, 100_000)
    with pytest.raises(StopIteration) as end:
        next(turn)
    assert end.value.value == 100_000
    throttle.moved(100_000, 100_000, 50_000)
    assert throttle.owed() == pytest.approx(50, abs=1)
    wait = next(throttle.turn(1, 1))
    assert isinstance(wait, Sleep)
    assert wait.seconds == pytest.approx(50, abs=1)


def test_chunks_are_a_tenth_of_a_second() -> None:
    throttle = Throttle(keys_per_second=1, bytes_per_second=10_000)
    assert (throttle.chunk_keys, throttle.chunk_bytes) == (1, 1000)
