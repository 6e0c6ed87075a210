# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports run only downwards through the packages of module_utils, in the order of the table in ARCHITECTURE.md."""

from __future__ import annotations

import ast
import re

import pytest

from tests.support.paths import REPO

ROOT = REPO / "plugins/module_utils"
FILES = sorted(file.relative_to(ROOT) for file in ROOT.rglob("*.py"))
# A row of the table: "| 7 | `_pipeline/` | …"; the ground has no folder and is below all.
RANKS = {
    folder.rstrip("/"): int(row[1])
    for row in re.finditer(r"^\| (\d+) \| (`_.*?) \|", (REPO / "ARCHITECTURE.md").read_text(), re.M)
    for folder in re.findall(r"`([^`]+)`", row[2])
}


def folder_of(parts: tuple[str, ...]) -> str:
    """The top folder of a path or of an imported name; the name itself for a file on the ground."""
    return parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_run_downwards(file) -> None:
    mine = folder_of(file.parts)
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = file.parts[: len(file.parts) - node.level]
            names = node.module.split(".") if node.module else [alias.name for alias in node.names]
            theirs = folder_of((*base, *names))
            assert theirs == mine or RANKS[theirs] < RANKS[mine], f"line {node.lineno}: {mine} imports {theirs}"
