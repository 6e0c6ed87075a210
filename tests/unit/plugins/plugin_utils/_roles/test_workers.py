# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which machine runs the modules of a migration."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.workers import migration_worker

HOSTS = ["a", "b", "c"]


@pytest.mark.parametrize("groups", [{}, {"redis_migration_workers": []}])
def test_without_workers_the_control_node_runs_all(groups: dict[str, list[str]]) -> None:
    assert {migration_worker(host, HOSTS, groups) for host in HOSTS} == {"localhost"}


def test_workers_take_turns() -> None:
    groups = {"redis_migration_workers": ["one", "two"]}
    assert [migration_worker(host, HOSTS, groups) for host in HOSTS] == ["one", "two", "one"]
