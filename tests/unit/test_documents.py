# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's documents agree with what is in it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.support.paths import REPO

MODULES = {path.stem for path in (REPO / "plugins" / "modules").glob("[a-z]*.py")}


def _read(name: str) -> Any:
    return yaml.safe_load((REPO / name).read_text())


def test_action_groups_hold_modules_that_exist() -> None:
    groups = _read("meta/runtime.yml")["action_groups"]
    for members in groups.values():
        assert set(members) <= MODULES
        assert members == list(dict.fromkeys(members))
    assert set(groups["cf"]) == {name for name in MODULES if name.startswith("cf_")}


def test_every_test_that_the_page_on_faults_names_exists() -> None:
    page = (REPO / "docs" / "faults.md").read_text()
    named = re.findall(r"`([^`\s]+)::(test_\w+)`", page)
    assert len(named) > 40
    for file, test in named:
        folder, name = file.split("/")
        assert f"def {test}(" in (REPO / "tests" / "integration" / folder / f"test_{name}.py").read_text(), (file, test)


def test_execution_environments_get_what_the_collection_needs() -> None:
    wanted = _read("meta/execution-environment.yml")["dependencies"]
    assert (REPO / wanted["python"]).exists()
    assert (REPO / wanted["system"]).exists()
