# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every filter is documented as it is."""

from __future__ import annotations

import inspect

import pytest
import yaml

from ansible_collections.dataservices.redis_migration.plugins.filter.migration import FilterModule
from tests.support.paths import REPO

FILTERS = FilterModule().filters()
FOLDER = REPO / "plugins/filter"


def test_every_filter_has_a_document() -> None:
    assert set(FILTERS) == {path.stem for path in FOLDER.glob("*.yml")}


@pytest.mark.parametrize("name", FILTERS)
def test_a_document_names_the_parameters(name: str) -> None:
    document = yaml.safe_load((FOLDER / f"{name}.yml").read_text())["DOCUMENTATION"]
    _input, *parameters = inspect.signature(FILTERS[name]).parameters.values()
    options = {
        option: spec.get("required", False) for option, spec in document["options"].items() if option != "_input"
    }
    assert document["name"] == name
    assert options == {parameter.name: parameter.default is parameter.empty for parameter in parameters}
    positional = [parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    assert [option.strip() for option in document.get("positional", "").split(",") if option] == positional
