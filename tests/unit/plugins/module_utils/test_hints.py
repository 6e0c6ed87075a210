# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hint tells to raise must be found by those who run a playbook, too."""

from __future__ import annotations

import ast

from tests.support.paths import REPO


def test_whoever_is_told_to_raise_wait_timeout_learns_the_variable_of_the_play() -> None:
    told = 0
    for file in (REPO / "plugins/module_utils").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.keyword)
                and node.arg == "hint"
                and "raise wait_timeout" in ast.unparse(node).lower()
            ):
                told += 1
                assert "redis_migration_cf_timeout" in ast.unparse(node), f"{file}:{node.value.lineno}"
    assert told >= 5
