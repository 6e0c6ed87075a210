# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles' own variables are documented where developers look."""

from __future__ import annotations

import re
from collections import defaultdict

from tests.support.paths import REPO

PRIVATE = re.compile(r"__redis_migration_[a-z_]+")
TABLE = {
    name
    for row in re.findall(r"^\| (`__redis_migration_.*?) \|", (REPO / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    for name in PRIVATE.findall(row)
}


def readers() -> dict[str, set[str]]:
    """The roles, playbooks and plugins that name each variable."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in ("roles", "playbooks", "plugins/action", "plugins/plugin_utils"):
        for path in (REPO / folder).rglob("*"):
            if path.suffix in (".yml", ".py"):
                for name in PRIVATE.findall(path.read_text()):
                    found[name].add(str(path.relative_to(REPO)))
    return found


def test_what_several_files_read_is_documented() -> None:
    assert {name for name, files in readers().items() if len(files) > 1} <= TABLE


def test_what_is_documented_exists() -> None:
    assert readers().keys() >= TABLE
