# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documents show, taken out of them: fenced blocks, commands in prose, and the examples of modules."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.support.paths import REPO

FQCN = "dataservices.redis_migration."
GROUPS = {"redis_migrations", "redis_migration_workers"}
PAGES = [
    REPO / "README.md",
    *sorted((REPO / "docs").rglob("*.md")),
    *sorted((REPO / "roles").glob("*/README.md")),
]
PROGRAMS = r"(ansible(-\w+)?|make|pip|python3?|openssl|ssh|jq|git|docker|podman|curl) "
"""How a command of prose begins."""


class Shown(NamedTuple):
    """Something that a page shows; `where` for messages: PAGE:LINE."""

    where: str
    language: str
    text: str

    @property
    def page(self) -> str:
        return self.where.partition(":")[0]


def blocks(page: Path) -> Iterator[Shown]:
    """Every fenced block of a page."""
    text = page.read_text()
    for found in re.finditer(r"^( *)```([\w{}-]*)[^`\n]*\n(.*?)^\1```$", text, re.M | re.S):
        line = text.count("\n", 0, found.start()) + 1
        yield Shown(f"{page.relative_to(REPO)}:{line}", found[2], textwrap.dedent(found[3]))


def _without_blocks(page: Path) -> str:
    """The page with as many lines, but its blocks empty."""
    return re.sub(r"^( *)```.*?^\1```$", lambda found: "\n" * found[0].count("\n"), page.read_text(), flags=re.M | re.S)


def spans(page: Path) -> list[str]:
    """What a page has in backticks within its prose."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", _without_blocks(page))]


def commands_in_prose(page: Path) -> Iterator[Shown]:
    """Commands in backticks, and those that stand indented. One with an ellipsis is none to be given."""
    prose = _without_blocks(page)
    for found in re.finditer(r"`([^`]+)`|^ {4,}(\S.*)$", prose, re.M):
        command = " ".join((found[1] or found[2]).split())
        if re.match(PROGRAMS, command) and "…" not in command:
            line = prose.count("\n", 0, found.start()) + 1
            yield Shown(f"{page.relative_to(REPO)}:{line}", "console", command + "\n")


def is_inventory(read: Any) -> bool:
    return isinstance(read, dict) and bool(GROUPS & read.keys())


def examples() -> dict[str, list[dict[str, Any]]]:
    """The tasks under EXAMPLES, by module."""
    found = {}
    for path in sorted((REPO / "plugins" / "modules").glob("[a-z]*.py")):
        for statement in ast.parse(path.read_text()).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "EXAMPLES":
                found[path.stem] = yaml.safe_load(ast.literal_eval(statement.value))
    return found
