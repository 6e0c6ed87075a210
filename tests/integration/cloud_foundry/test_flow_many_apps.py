# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hundred apps at one service instance: lists in pages, a few requests at a time, a record in several pieces."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conftest import soak
from tests.support.cf_scene import Scene, scene
from tests.support.cf_sim import lists

__all__ = ["scene"]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists come in pages of sixty at most."""
    asked = lists._number
    monkeypatch.setattr(lists, "_number", lambda request, name, default: min(60, asked(request, name, default)))


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("count", [70, soak(200)])
def test_many_apps_move(scene: Scene, count: int) -> None:
    apps = scene.apps(count, writer=False)
    everyone = sorted(app.name for app in apps)
    apps[7].state = "STOPPED"
    scene.variables = {"redis_migration_allow_empty": True}

    moved = scene.run(redis_migration_cutover=True).ok
    assert scene.bound() == ([], everyone)
    assert scene.recorded() == everyone
    assert Counter(app.state for app in apps) == {"STARTED": count - 1, "STOPPED": 1}
    assert max(len(str(value).encode()) for value in scene.old.annotations.values()) <= 5000
    assert f"{count} apps (app-0, app-1, app-10, app-1" in moved.output
    # Apps are looked up in groups; for each there are an unbind, a stop, a binding and a start, each waited for.
    assert sum(entry.path == "/v3/apps" for entry in scene.sim.requests) < count / 5
    assert len(scene.sim.requests) < 20 * count
