# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of a run's progress."""

from __future__ import annotations

import functools
import itertools

from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.pace import Pace
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.samples import Samples

WEEK = 7 * 86_400


def test_a_week_in_slices_has_some_hundred() -> None:
    points: list[list[float]] = []
    for elapsed in range(0, WEEK, 15):
        # Each slice has a process of its own, and nothing but the points of the ones before.
        samples = Samples(points, functools.partial(lambda at: (at * 10, at * 100), elapsed))
        samples.start(elapsed)
        samples.note()
        samples.note()
    assert 300 < len(points) < 700
    assert points == sorted(points)
    gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(points)]
    assert max(gaps) < 0.03 * WEEK
    assert points[-1][1:] == [points[-1][0] // 15 * 150, points[-1][0] // 15 * 1500, 0.0]


def test_a_sample_tells_of_the_longest_batch_since_the_last_one() -> None:
    points: list[list[float]] = []
    pace = Pace(0.0)
    samples = Samples(points, lambda: (1, 2))
    for at, batches in ((0.0, (1_000, 3_000)), (10.0, (2_000,)), (20.0, ())):
        for microseconds in batches:
            pace.observe(100, 100, microseconds)
        samples.start(at)
        samples.note(pace)
    assert [point[1:] for point in points] == [[1, 2, 3.0], [1, 2, 2.0], [1, 2, 0.0]]
