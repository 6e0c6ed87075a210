# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every page is followed: all its commands are given, in their order, with its inventories and variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.documents import not_run
from tests.integration.documents.follow import Follower, lines_of, shown_on
from tests.integration.documents.workers import workers
from tests.integration.documents.world import World
from tests.support.paths import REPO
from tests.support.shown import PAGES

BEFORE = {"backup": "plain", "report": "analyse", "rollback": "cloud_foundry"}
"""Pages whose reader comes from another one: with its inventory, after its commands."""

FOLLOWED = [
    page
    for page in PAGES
    if page.stem not in BEFORE.values()
    and any(shown.language not in not_run.READ_BY_OTHERS and not not_run.reason(shown.text) for shown in shown_on(page))
]


@pytest.mark.needs_program("ssh", "openssh-client")
@pytest.mark.needs_program("openssl")
@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: str(page.relative_to(REPO)))
def test_a_page_is_followed(page: Path, world: World, tmp_path: Path) -> None:
    world.empty_target()
    world.bind_apps()
    with workers(page, world, tmp_path) as environment:
        follower = Follower(world, tmp_path, environment)
        if page.stem in BEFORE:
            follower.follow(REPO / "docs" / f"{BEFORE[page.stem]}.md")
        follower.follow(page)


def test_each_reason_not_to_run_something_is_about_something() -> None:
    shown = [one for page in PAGES for one in shown_on(page)]
    texts = [text for one in shown for text in (one.text, *lines_of(one))]
    for pattern in not_run.NOT_RUN:
        assert any(not_run.re.match(pattern, text) for text in texts), pattern
    assert set(not_run.READ_BY_OTHERS) <= {one.language for one in shown}
