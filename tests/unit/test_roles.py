# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles agree with themselves: specs, defaults, documents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import REPO
from tests.support.role_docs import ROLES, documents


def options(role: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((REPO / "roles" / role / "meta" / "argument_specs.yml").read_text())
    specs: dict[str, Any] = found["argument_specs"]["main"]["options"]
    return specs


def test_every_role_is_documented() -> None:
    assert set(ROLES) == {path.name for path in (REPO / "roles").iterdir()}


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_of_the_spec(role: str) -> None:
    defaults = yaml.safe_load((REPO / "roles" / role / "defaults" / "main.yml").read_text())
    specified = {name: option["default"] for name, option in options(role).items() if not option.get("required")}
    assert defaults == specified


def test_a_variable_means_the_same_in_every_role() -> None:
    first: dict[str, Any] = {}
    for role in ROLES:
        for name, option in options(role).items():
            assert first.setdefault(name, option) == option, f"{name} in {role}"


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(REPO)))
def test_documents_are_written_from_the_specs(path: Path) -> None:
    assert path.read_text() == documents()[path], "run python -m tests.support.role_docs"
