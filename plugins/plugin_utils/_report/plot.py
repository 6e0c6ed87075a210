# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lag of a live run over time as lines to draw."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import count, duration

WIDTH, HEIGHT = 600, 120

# As many points as there are places to see them in.
_MOST_POINTS = 300


def lag_plots(points: t.Sequence[t.Sequence[float]]) -> list[dict[str, t.Any]]:
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
