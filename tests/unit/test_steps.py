# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are included in a loop are met in each host's own order: the filter `steps` sees to that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import REPO

FILES = sorted([*REPO.glob("roles/*/tasks/*.yml"), *REPO.glob("playbooks/*.yml"), *REPO.glob("playbooks/tasks/*.yml")])


def tasks_in(entries: list[Any] | None) -> Iterator[dict[str, Any]]:
    for entry in entries or []:
        yield entry
        for part in ("tasks", "pre_tasks", "post_tasks", "block", "rescue", "always"):
            yield from tasks_in(entry.get(part))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(REPO)))
def test_files_that_are_included_in_a_loop_keep_their_order(file: Path) -> None:
    for task in tasks_in(yaml.safe_load(file.read_text())):
        if "loop" in task and {"ansible.builtin.include_tasks", "ansible.builtin.include_role"} & set(task):
            assert "dataservices.redis_migration.steps" in str(task["loop"]), task["name"]
