# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others' tools read of this repository: requirements, the workflow, the scenario of molecule."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._variables import (
    missing_variables,
    unknown_variables,
    wrong_values,
)
from tests.support.paths import REPO

REQUIREMENTS = sorted(REPO.glob("requirements*.txt"))
SCENARIO = REPO / "extensions/molecule/default"
TARGETS = set(re.findall(r"^([a-z-]+):", (REPO / "Makefile").read_text(), re.M))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_requirement_has_a_lower_and_an_upper_bound(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        assert re.fullmatch(r"[\w-]+>=[\d.]+,<[\d.]+", line), line


def test_the_workflow_calls_targets_that_exist() -> None:
    workflow = _read(REPO / ".github/workflows/ci.yml")
    runs = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    called = {run.removeprefix("make ") for run in runs if run.startswith("make ")}
    assert {"test", "check", "demo"} <= called <= TARGETS


def test_the_scenario_migrates_with_right_variables() -> None:
    scenario = _read(SCENARIO / "molecule.yml")
    variables = scenario["provisioner"]["inventory"]["group_vars"]["redis_migrations"]
    assert missing_variables(variables) == unknown_variables(variables) == wrong_values(variables) == []
    for step in set(scenario["scenario"]["test_sequence"]) - {"syntax", "idempotence"}:
        assert (SCENARIO / f"{step}.yml").is_file(), step
    for step in ("converge", "verify"):
        (play,) = _read(SCENARIO / f"{step}.yml")
        name = play["ansible.builtin.import_playbook"].removeprefix("dataservices.redis_migration.")
        assert (REPO / "playbooks" / f"{name}.yml").is_file()
