# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines and bars of the page."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.keyspace import (
    prefix_rows,
    ttl_rows,
    type_rows,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.plot import (
    HEIGHT,
    WIDTH,
    rate_plots,
    stop_bar,
    timeline_rows,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.timeline import timeline_of
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.verdict import (
    failed_findings,
    verdict,
    worst_first,
)


def moved(*samples: list[float], seconds: float = 4.0, keys: int = 400, size: int = 4096) -> dict[str, Any]:
    totals = {"scanned": keys, "bytes": size}
    return {"progress_over_time": list(samples), "elapsed_seconds": seconds, "totals": totals}


def corners(line: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (corner.split(",") for corner in line.split())]


STEADY = [[1.0, 100, 1024, 2.5], [2.0, 200, 2048, 0.0], [3.0, 300, 3072, 3.5], [3.5, 350, 3584, 1.0]]


def test_a_steady_run_is_a_level_line() -> None:
    keys, size, busy = rate_plots(moved(*STEADY), "looked at")
    assert (keys["label"], keys["shown"]) == ("Keys looked at per second", "100/s")
    assert size["shown"] == "1.0 KiB/s"
    assert busy["shown"] == "3.5 ms"
    assert {y for _x, y in corners(keys["line"])} == {0.0}
    xs = [x for x, _y in corners(keys["line"])]
    assert (min(xs), max(xs)) == (0.0, WIDTH) and xs == sorted(xs)


def test_the_area_under_the_line_is_what_was_moved() -> None:
    points = [[0.25, 10, 0, 0.0], [0.5, 300, 0, 0.0], [2.0, 310, 0, 0.0], [3.9, 390, 0, 0.0]]
    (keys,) = rate_plots(moved(*points, size=0), "looked at")
    line = corners(keys["line"])
    width = WIDTH / (len(line) / 2)
    area = sum((HEIGHT - y) / HEIGHT * keys["most"] * width / WIDTH * 4.0 for _x, y in line[::2])
    assert area == pytest.approx(400, rel=0.01)


def test_a_count_that_began_anew_is_no_rate_below_zero() -> None:
    (keys,) = rate_plots(moved(*STEADY[:3], [3.2, 10, 0, 0.0], size=0, keys=50), "looked at")[:1]
    assert all(0 <= y <= HEIGHT for _x, y in corners(keys["line"]))


def test_few_samples_are_not_drawn() -> None:
    assert rate_plots(moved(*STEADY[:3]), "looked at") == rate_plots({}, "looked at") == []


def test_bars_of_all_phases_and_of_the_rest() -> None:
    variables = {
        "__redis_migration_preflight": {"times": [[10.0, 20.0]]},
        "__redis_migration_migrate": {"times": [[30.0, 100.0]]},
    }
    timeline = timeline_of(variables, 0.0, 100.0, (25.0, 75.0))
    assert timeline_rows(timeline) == [
        {"phase": "preflight", "seconds": 10.0, "bars": [(100.0, 100.0)]},
        {"phase": "migrate", "seconds": 70.0, "bars": [(300.0, 700.0)]},
        {"phase": "", "seconds": 20.0, "bars": [(0.0, 100.0), (200.0, 100.0)]},
    ]
    assert stop_bar(timeline) == (250.0, 500.0)
    assert stop_bar(timeline_of({}, 0.0, 0.0)) is None
    assert timeline_rows(timeline_of({}, 0.0, 0.0)) == [{"phase": "", "seconds": 0.0, "bars": []}]


def seen(**more: Any) -> dict[str, Any]:
    return {"keys": 10, "stands_for": 1000, "bytes": 8000, **more}


def test_what_a_sample_says_of_all_keys() -> None:
    types = {"string": {"keys": 900, "bytes": 2000}, "hash": {"keys": 100, "bytes": 6000}}
    assert type_rows(seen(types=types)) == [
        {"label": "hash", "keys": 100, "bytes": 6000, "bar": 750, "share": 0.75},
        {"label": "string", "keys": 900, "bytes": 2000, "bar": 250, "share": 0.25},
    ]
    prefixes = [{"prefix": "a:", "keys": 400, "bytes": 50}, {"prefix": "", "keys": 3, "bytes": 30}]
    assert [(row["label"], row["keys"]) for row in prefix_rows(seen(prefixes=prefixes))] == [("a:", 400), ("", 600)]
    assert prefix_rows(seen(prefixes=prefixes[1:])) == []
    groups = dict.fromkeys(("never", "under_1_minute", "under_1_hour", "under_1_day", "under_30_days", "longer"), 0)
    assert ttl_rows(seen(ttl={**groups, "never": 10})) == []
    found = ttl_rows(seen(ttl={**groups, "never": 400, "longer": 600}))
    assert [(row["label"], row["share"]) for row in found] == [("30 days or longer", 0.6), ("no expiry", 0.4)]


NONE = dict.fromkeys(("proved", "done", "planned", "failed", "not_run"), 0)


@pytest.mark.parametrize(
    ("counted", "title"),
    [
        ({"proved": 1}, "Everything arrived: the migration is proved equal"),
        ({"proved": 3}, "Everything arrived: all 3 migrations are proved equal"),
        ({"proved": 2, "done": 1, "not_run": 1}, "None of 4 migrations failed: 2 proved equal, 1 done, 1 not run"),
        ({"done": 1}, "Done, without a comparison"),
        ({"planned": 2}, "A plan: nothing was changed"),
        ({"proved": 9, "failed": 1}, "1 of 10 migrations failed"),
    ],
)
def test_the_verdict(counted: dict[str, int], title: str) -> None:
    assert verdict({"migrations": sum(counted.values()), **NONE, **counted}) == title


def test_shards_without_the_others_are_no_whole() -> None:
    title = verdict({"migrations": 1, **NONE, "proved": 1, "proved_in_part": 1})
    assert title == "Proved equal, but only in part: other shards of the source were not in this run"


def test_what_failed_is_first() -> None:
    states = {"b": "proved", "a": "proved", "z": "failed", "y": "failed", "m": "not_run"}
    found = worst_first([{"name": name, "status": status} for name, status in states.items()])
    assert [one["name"] for one in found] == ["y", "z", "m", "a", "b"]


def test_findings_that_failed_are_told_once() -> None:
    finding = {"name": "keys", "status": "fail", "message": "They differ.", "next_step": "Look."}
    migration = {
        "failure": {"phase": "verify", "message": "They differ. Look."},
        "verify": {"findings": [finding, {**finding, "status": "ok"}]},
        "preflight": None,
    }
    assert failed_findings(migration) == [finding]
    # It is the module that failed then, and its message has it all.
    assert failed_findings({**migration, "failure": {"phase": "verify", "message": "It is down."}}) == []
    assert failed_findings({**migration, "failure": {"phase": "preflight", "message": "It is down."}}) == []
    assert failed_findings({**migration, "failure": None}) == []
