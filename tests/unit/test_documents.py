# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's documents agree with what is in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import REPO

PAGES = sorted([*REPO.glob("*.md"), *(REPO / "docs").glob("*.md")])
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


# That page names a program that users may come from.
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "manual_procedure.md"], ids=lambda page: page.name
)
def test_files_and_folders_that_a_page_names_exist(page: Path) -> None:
    """By their whole path or the end of it; FOLDER, FILE and X stand for any name."""
    named = re.findall(
        r"`((?:[\w.-]+/)*[\w*.-]+\.py|(?:_|plugins/|roles/|tests/|changelogs/|rebuild/)[\w./-]*/)`", page.read_text()
    )
    for path in named:
        pattern = re.sub("FOLDER|FILE|X", "*", path).rstrip("/")
        found = any(list(root.rglob(pattern)) for root in (REPO / "plugins", REPO / "tests", REPO / "roles"))
        assert found or list(REPO.glob(pattern)), f"{page.name} names {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!\w+:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_site_has_every_page_once() -> None:
    index = (REPO / "docs/docsite/index.md").read_text()
    trees = "".join(re.findall(r"```{toctree}\n(.*?)```", index, re.S))
    listed = re.findall(r"^(?:.* <)?([a-z_/]+)>?$", trees, re.M)
    pages = {path.stem for folder in ("docs", "docs/docsite") for path in (REPO / folder).glob("*.md")}
    assert sorted(listed) == sorted(pages - {"index", "ansible"} | {"collection/index"})


def test_every_finding_of_preflight_is_explained() -> None:
    checks = (REPO / "plugins/module_utils/_preflight/preflight.py").read_text()
    names = re.findall(r"^    _Check\(\s*\"(\w+)\"", checks, re.M)
    page = (REPO / "docs/troubleshooting.md").read_text()
    rows = page[page.index("| finding |") : page.index("## Moving")]
    explained = {name for cell in re.findall(r"^\| (.*?) \|", rows, re.M) for name in re.findall(r"`(\w+)`", cell)}
    assert len(names) > 30
    assert explained == set(names)


def test_execution_environments_get_what_the_collection_needs() -> None:
    wanted = _read("meta/execution-environment.yml")["dependencies"]
    assert (REPO / wanted["python"]).exists()
    assert (REPO / wanted["system"]).exists()
