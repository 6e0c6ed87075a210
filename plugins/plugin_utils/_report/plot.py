# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers over time as lines to draw, and the phases of a run as bars. Coordinates only: how they look is the page's."""

from __future__ import annotations

import bisect
import itertools
import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import (
    count,
    duration,
    size,
)

WIDTH, HEIGHT = 600, 120

# How long a bar is that lasts all of the run.
BAR = 1000

_MOST_POINTS = 300
_MOST_STEPS = 100
# A line through fewer shows nothing that the numbers do not say.
_FEWEST_SAMPLES = 4

Plot = dict[str, t.Any]


def lag_plots(points: t.Sequence[t.Sequence[float]]) -> list[Plot]:
    """``points``: seconds since the beginning, keys that wait, the age of the oldest, as redis_live_sync has them.

    For each of both: ``label``, ``line`` (the points of a polyline of WIDTH by HEIGHT), ``most``
    and what people read of it (``shown``), and the ``seconds`` of it all. Where nothing ever waited there is nothing to draw.
    """
    if not points:
        return []
    end = max(point[0] for point in points) or 1.0
    plots = []
    for label, column in (("Changed keys that wait", 1), ("For how long the oldest of them waits", 2)):
        most = max(point[column] for point in points)
        if not most:
            continue
        heights: dict[int, float] = {}
        for point in points:
            place = int(point[0] / end * _MOST_POINTS)
            heights[place] = max(heights.get(place, 0.0), point[column])
        line = " ".join(
            f"{place * WIDTH / _MOST_POINTS:.0f},{HEIGHT - height / most * HEIGHT:.1f}"
            for place, height in sorted(heights.items())
        )
        plots.append({"label": label, "line": line, "most": most, "shown": _shown(most, column), "seconds": end})
    return plots


def _shown(most: float, column: int) -> str:
    if column == 1:
        return count(most)
    return f"{most * 1000:.0f} ms" if most < 1 else duration(most)


def rate_plots(result: t.Mapping[str, t.Any], verb: str) -> list[Plot]:
    """Of a result of redis_migrate_keys or redis_key_diff, whose keys were ``verb``: keys and bytes per second, and for
    how long one batch kept the source busy, at most. As :func:`lag_plots`; none where the run was too short for them.
    """
    samples = result.get("progress_over_time", [])
    if len(samples) < _FEWEST_SAMPLES:
        return []
    totals = result["totals"]
    end = max(float(result["elapsed_seconds"]), samples[-1][0])
    last = [end, totals.get("scanned", totals.get("source_keys", 0)), totals.get("bytes", 0), 0.0]
    points = [[0.0, 0, 0, 0.0], *samples, last]
    steps = min(_MOST_STEPS, len(points))
    plots = [
        _plot(f"Keys {verb} per second", _rates(points, 1, end, steps), end, lambda most: f"{count(most)}/s"),
        _plot("Moved per second", _rates(points, 2, end, steps), end, lambda most: f"{size(most)}/s"),
        _plot(
            "The source was busy with one batch",
            _longest(points, 3, end, steps),
            end,
            lambda most: f"{most:.1f} ms",
        ),
    ]
    return [plot for plot in plots if plot["most"] > 0]


def _rates(points: t.Sequence[t.Sequence[float]], column: int, end: float, steps: int) -> list[float]:
    """Per second, in ``steps`` equal parts of the time. A count that began anew is no rate."""
    moments = [point[0] for point in points]

    def at(moment: float) -> float:
        after = min(max(1, bisect.bisect_left(moments, moment)), len(points) - 1)
        (begin, *_low), (close, *_high) = points[after - 1], points[after]
        share = (moment - begin) / (close - begin) if close > begin else 1.0
        low, high = points[after - 1][column], points[after][column]
        return low + (high - low) * min(1.0, max(0.0, share))

    edges = [at(end * step / steps) for step in range(steps + 1)]
    return [max(0.0, high - low) * steps / end for low, high in itertools.pairwise(edges)] if end else []


def _longest(points: t.Sequence[t.Sequence[float]], column: int, end: float, steps: int) -> list[float]:
    values = [0.0] * steps
    for point in points:
        step = min(steps - 1, int(point[0] / end * steps)) if end else 0
        values[step] = max(values[step], point[column])
    # A part without a sample looks as the one before it, instead of as one without work.
    for step in range(1, steps):
        values[step] = values[step] or values[step - 1]
    return values


def _plot(label: str, values: t.Sequence[float], end: float, shown: t.Callable[[float], str]) -> Plot:
    most = max(values, default=0.0)
    corners = []
    for step, value in enumerate(values):
        height = HEIGHT - (value / most * HEIGHT if most else 0.0)
        corners += [
            f"{step * WIDTH / len(values):.1f},{height:.1f}",
            f"{(step + 1) * WIDTH / len(values):.1f},{height:.1f}",
        ]
    return {"label": label, "line": " ".join(corners), "most": most, "shown": shown(most), "seconds": end}


def timeline_rows(timeline: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """A row for each phase and one for the rest: ``phase``, ``seconds``, and ``bars`` (where each begins, how long it is)."""
    whole = timeline["seconds"] or 1.0
    rows = [
        {"phase": one["phase"], "seconds": one["seconds"], "bars": [_bar(span, whole) for span in one["spans"]]}
        for one in timeline["phases"]
    ]
    spans = sorted(span for one in timeline["phases"] for span in one["spans"])
    gaps, free = [], 0.0
    for at, took in [*spans, [timeline["seconds"], 0.0]]:
        if at > free:
            gaps.append(_bar([free, at - free], whole))
        free = max(free, at + took)
    return [*rows, {"phase": "", "seconds": timeline["other_seconds"], "bars": gaps}]


def stop_bar(timeline: t.Mapping[str, t.Any]) -> tuple[float, float] | None:
    """When nobody could write, as one of these bars."""
    return _bar(timeline["stop"], timeline["seconds"] or 1.0) if timeline["stop"] else None


def _bar(span: t.Sequence[float], whole: float) -> tuple[float, float]:
    at, took = span
    # What was too short to be seen was there all the same.
    return round(min(at / whole * BAR, BAR - 2), 1), round(max(2.0, took / whole * BAR), 1)
