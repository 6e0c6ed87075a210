# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much may be in use at once, and how jobs start again. The flow that drives jobs is tested in test_flow.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import ConnectError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline import job as jobs
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.job import (
    Gate,
    Job,
    LostAgain,
    Reconnected,
    Reopen,
    Unsteady,
    restarting,
)

PIPE: Any = object()
ERROR = ConnectError("LOADING Redis is loading the dataset in memory")


def test_a_gate_takes_as_much_as_its_limit() -> None:
    gate = Gate(10)
    gate.take(4)
    assert gate.fits(6)
    assert not gate.fits(6.5)
    gate.give(4)
    assert gate.fits(11), "a single taker is always let in"


def attempts(*ends: BaseException | str) -> tuple[list[int], Any]:
    """What makes a job whose attempts end so, one after the other, and the numbers of those that were made."""
    made: list[int] = []

    def make(attempt: int) -> Job[str]:
        made.append(attempt)
        yield from ()
        end = ends[attempt]
        if isinstance(end, BaseException):
            raise end
        return end

    return made, make


def run(job: Job[str], answers: Iterable[BaseException] = ()) -> tuple[list[Any], str]:
    """What the job yields, each answered by the next of ``answers``, and what it returns."""
    yielded = []
    left = iter(answers)
    try:
        asked = next(job)
        while True:
            yielded.append(asked)
            asked = job.throw(next(left))
    except StopIteration as end:
        return yielded, end.value


def test_a_job_starts_again_after_each_loss() -> None:
    made, make = attempts(Reconnected(), LostAgain(PIPE, ERROR), "done")
    assert run(restarting(make)) == ([], "done")
    assert made == [0, 1, 2]


def test_a_loss_is_raised_where_another_start_is_not_wanted() -> None:
    made, make = attempts(Reconnected(), LostAgain(PIPE, ERROR), "done")
    with pytest.raises(LostAgain, match="LOADING"):
        run(restarting(make, after_loss=lambda lost: isinstance(lost, Reconnected)))
    assert made == [0, 1]


def test_an_unsteady_end_is_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # Errors within half a minute belong to the same trouble, counted from its begin; later ones are another.
    moments = iter([100.0, 130.0, 160.1])
    monkeypatch.setattr(jobs.time, "monotonic", lambda: next(moments))
    made, make = attempts(*(Unsteady(PIPE, ERROR) for _time in range(3)), "done")
    asked, result = run(restarting(make), [Reconnected() for _time in range(3)])
    assert [reopen.since for reopen in asked] == [100.0, 100.0, 160.1]
    assert asked[0] == Reopen(PIPE, ERROR, 100.0)
    assert (made, result) == ([0, 1, 2, 3], "done")


def test_other_errors_end_the_job() -> None:
    made, make = attempts(ERROR, "done")
    with pytest.raises(ConnectError):
        run(restarting(make))
    assert made == [0]
