# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the time of a run went into, and for how long nobody could write."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import yaml

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.downtime import (
    downtime_of,
    downtime_sentence,
    stop_of,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.timeline import (
    REGISTERED,
    timeline_of,
)
from tests.support.paths import REPO


def ran(began: float, ended: float, **more: Any) -> dict[str, Any]:
    return {"times": [[began, ended]], **more}


RUN = {
    "__redis_migration_key": {"results": [ran(100.5, 101.0), ran(101.0, 101.5)]},
    "__redis_migration_preflight": ran(102.0, 103.0),
    "__redis_migration_unbound": ran(104.0, 106.0, changed=True),
    "__redis_migration_isolate_result": ran(106.5, 107.0),
    "__redis_migration_backup": {"skipped": True},
    "__redis_migration_migrate": ran(107.5, 109.0),
    "__redis_migration_comparison": ran(109.5, 110.0),
    "__redis_migration_cutover_started": ran(110.0, 113.0, apps=[{"name": "shop"}]),
}


def test_every_second_is_told() -> None:
    found = timeline_of(RUN, 100.0, 115.0, stop_of(RUN))
    assert found == {
        "seconds": 15.0,
        "phases": [
            {"phase": "credentials", "seconds": 1.0, "spans": [[0.5, 0.5], [1.0, 0.5]]},
            {"phase": "preflight", "seconds": 1.0, "spans": [[2.0, 1.0]]},
            {"phase": "isolate", "seconds": 2.5, "spans": [[4.0, 2.0], [6.5, 0.5]]},
            {"phase": "migrate", "seconds": 1.5, "spans": [[7.5, 1.5]]},
            {"phase": "verify", "seconds": 0.5, "spans": [[9.5, 0.5]]},
            {"phase": "cutover", "seconds": 3.0, "spans": [[10.0, 3.0]]},
        ],
        "other_seconds": 5.5,
        "stop": [4.0, 9.0],
    }


@pytest.mark.parametrize("began", [100.0, 108.0, 200.0])
def test_a_clock_that_was_set_meanwhile_makes_no_time(began: float) -> None:
    found = timeline_of(RUN, began, 115.0, stop_of(RUN))
    assert sum(one["seconds"] for one in found["phases"]) + found["other_seconds"] == pytest.approx(found["seconds"])
    spans = [span for one in found["phases"] for span in one["spans"]]
    assert all(at >= 0 and took >= 0 and at + took <= found["seconds"] for at, took in spans)


def test_without_times_all_is_ansible() -> None:
    found = timeline_of({}, 100.0, 101.0)
    assert found == {"seconds": 1.0, "phases": [], "other_seconds": 1.0, "stop": None}


def test_the_stop_of_writes_is_what_this_run_began_and_ended() -> None:
    found = downtime_of(RUN)
    assert found is not None and found["seconds"] == 9.0
    assert downtime_sentence(found) == (
        "Writes stood still for 9.0 s (isolate 2.5 s, move 1.5 s, verify 0.5 s, cutover 3.0 s, Ansible itself 1.5 s)."
    )
    unbound, started = RUN["__redis_migration_unbound"], RUN["__redis_migration_cutover_started"]
    for changed in (
        {"__redis_migration_unbound": {**unbound, "changed": False}},
        {"__redis_migration_cutover_started": {"skipped": True}},
        {"__redis_migration_cutover_started": {**started, "failed": True}},
    ):
        assert downtime_of({**RUN, **changed}) is None, "not both were this run's"


def test_a_pause_stops_writes_until_it_is_released() -> None:
    paused = {"__redis_migration_pause": ran(10.0, 10.5, paused=True), "__redis_migration_drained": ran(11.0, 12.0)}
    assert downtime_of(paused) is None, "it was never released"
    found = downtime_of({**paused, "__redis_migration_released": ran(12.0, 12.5, failed=True)})
    assert found == {
        "seconds": 2.5,
        "since_last_change": None,
        "parts": [
            {"phase": "isolate", "seconds": 0.5},
            {"phase": "move", "seconds": 1.0},
            {"phase": "release", "seconds": 0.5},
            {"phase": "ansible", "seconds": 0.5},
        ],
    }


@pytest.mark.parametrize(("last", "since"), [(9.0, 2.5), (10.25, 2.25), (12.5, 0.0), (40.0, 0.0)])
def test_what_is_left_of_the_stop_after_the_last_change(last: float, since: float) -> None:
    """Changes may go on while apps are being stopped; the clock of the worker may be another one."""
    found = downtime_of(
        {
            "__redis_migration_pause": ran(10.0, 10.5, paused=True),
            "__redis_migration_drained": ran(11.0, 12.0, last_change=last),
            "__redis_migration_released": ran(12.0, 12.5),
        }
    )
    assert found is not None and found["since_last_change"] == since
    assert downtime_sentence(found).startswith(
        f"Writes stood still for 2.5 s, {since:.1f} s of it after the last change ("
    )


def test_an_earlier_play_of_the_same_run_is_left_out() -> None:
    times = [[10.0, 11.0], [30.0, 31.0]]
    variables = {
        "__redis_migration_variables": {"began": 20.0},
        "__redis_migration_pause": {"paused": True, "times": times},
        "__redis_migration_released": {"times": [[15.0, 16.0], [33.0, 34.0]]},
    }
    assert stop_of(variables) == (30.0, 34.0)
    assert [one["seconds"] for one in timeline_of(variables, 20.0, 40.0)["phases"]] == [1.0, 1.0]


def test_results_of_all_tasks_are_known_to_it() -> None:
    """But for those that take no time worth telling, and those of a run of its own."""
    registered = set()
    for file in (REPO / "roles").glob("*/tasks/*.yml"):
        tasks = yaml.safe_load(file.read_text()) or []
        while tasks:
            task = tasks.pop()
            for part in ("block", "rescue", "always"):
                tasks += task.get(part, [])
            if "register" in task:
                registered.add(task["register"].removeprefix("__redis_migration_"))
    known = set(itertools.chain.from_iterable(REGISTERED.values()))
    assert registered - known == {"variables", "report", "demo"}
    assert known <= registered
