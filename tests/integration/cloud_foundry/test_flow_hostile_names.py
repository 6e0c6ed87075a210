# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app whose name a terminal would obey: neither the output of a run nor its report holds that."""

from __future__ import annotations

import html
import unicodedata

from tests.support.cf_scene import Scene, scene

__all__ = ["scene"]

NAME = "shop\x1b[31m\x07\u202eend"
SHOWN = "shop\\x1b[31m\\x07\\u202eend"


def obeyed(text: str) -> set[str]:
    return {repr(char) for char in text if unicodedata.category(char) in ("Cc", "Cf") and char not in "\n\t"}


def test_the_name_of_an_app_is_shown_and_not_obeyed(scene: Scene) -> None:
    scene.variables = {"redis_migration_cf_timeout": 10, "redis_migration_allow_empty": True}
    app = scene.sim.add_app(scene.space, NAME, start_delay=0.02)
    scene.sim.bind(app, scene.old)
    scene.sim.start_app(app)
    # It goes over in vain, so that errors name it too.
    scene.sim.faults.hold_binding("create", app=NAME, instance="orders-new", state="failed")
    run = scene.run("migrate", "-v", redis_migration_cutover=True)
    assert run.returncode != 0
    assert SHOWN.replace("\\", "\\\\") in run.output
    assert obeyed(run.output) == set()

    pages = [path for path in (scene.directory / "redis-migration-report").rglob("*") if path.is_file()]
    assert {path.suffix for path in pages} >= {".html", ".json"}
    for page in pages:
        assert obeyed(html.unescape(page.read_text())) == set(), page
    assert any(SHOWN in html.unescape(page.read_text()) for page in pages if page.suffix == ".html")

    scene.sim.faults.clear()
    back = scene.run("rollback", "-v").ok
    assert obeyed(back.output) == set()
    assert scene.bound() == ([NAME], [])
    assert app.state == "STARTED"
