# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is imported anew for each task starts without what it does not need: redis-py takes longer than all the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.paths import COLLECTIONS_PATH, REPO

CLOUD_MODULES = sorted(path.stem for path in (REPO / "plugins/modules").glob("cf_*.py"))


def imported(name: str) -> set[str]:
    """The modules that a Python has imported once it has imported this one of the collection's plugins."""
    code = f"import sys, ansible_collections.dataservices.redis_migration.plugins.{name}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(COLLECTIONS_PATH)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_filters_are_light() -> None:
    found = imported("filter.migration")
    assert "redis" not in found
    ours = {name for name in found if ".redis_migration.plugins.module_utils._" in name}
    assert len(ours) < 12, sorted(ours)


@pytest.mark.parametrize("module", CLOUD_MODULES)
def test_modules_of_cloud_foundry_start_without_redis(module: str) -> None:
    assert "redis" not in imported(f"modules.{module}")
