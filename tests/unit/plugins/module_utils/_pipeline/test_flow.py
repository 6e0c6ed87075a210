# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.flow import Flow
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.job import Gate, Job, Take


def test_a_gate_given_back_in_fractions_lets_the_next_one_in() -> None:
    gate = Gate(1.0)
    for amount in (0.1, 0.2, 0.3):
        gate.take(amount)
    # In this order the fractions do not add up to nothing.
    for amount in (0.3, 0.2, 0.1):
        gate.give(amount)
    assert gate.fits(5.0)


def test_jobs_that_each_want_more_than_the_gate_has_run_one_after_the_other() -> None:
    flow = Flow(patience=1)
    gate = Gate(1.0)
    inside: list[int] = []
    seen: list[int] = []

    def job(number: int) -> Job:
        yield Take(gate, 1.1 * number)
        inside.append(number)
        assert len(inside) == 1
        inside.remove(number)
        seen.append(number)
        flow.give(gate, 1.1 * number)

    for number in range(1, 6):
        flow.spawn(job(number))
    flow.run()
    flow.close()
    assert seen == [1, 2, 3, 4, 5]
