# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports run only downwards through the packages of module_utils, in the order of the table in ARCHITECTURE.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.paths import REPO

ROOT = REPO / "plugins/module_utils"
FILES = sorted(file.relative_to(ROOT) for file in ROOT.rglob("*.py"))
# A row of the table: "| 7 | `_pipeline/` | …"; the ground has no folder and is below all.
RANKS = {
    name: int(row[1])
    for row in re.finditer(r"^\| (\d+) \| (`_.*?) \|", (REPO / "ARCHITECTURE.md").read_text(), re.M)
    for name in re.findall(r"`([^`]+)`", row[2])
}


def package_of(path: tuple[str, ...]) -> str:
    """How the table names the package, or the file on the ground, in which a path of module_utils lies."""
    return f"{path[0]}/" if (ROOT / path[0]).is_dir() else path[0].removesuffix(".py")


def test_the_table_has_every_package_and_every_file_beside_them() -> None:
    assert set(RANKS) == {package_of(file.parts) for file in FILES}
    assert len([name for name in RANKS if not name.endswith("/")]) <= 6


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_run_downwards(file: Path) -> None:
    mine = package_of(file.parts)
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        where = f"{file}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.ImportFrom) and node.level:
            base = file.parts[: len(file.parts) - node.level]
            for name in [node.module] if node.module else [alias.name for alias in node.names]:
                theirs = package_of((*base, *name.split(".")))
                assert theirs == mine or RANKS[theirs] < RANKS[mine], f"{where}: {mine} imports {theirs}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not any("redis_migration" in (name or "") for name in names), (
                f"{where}: write this import relatively"
            )
