# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which phases a migration goes through."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.phases import migration_phases
from tests.support.paths import REPO

PLAIN: dict[str, Any] = {
    "source": {"host": "old.example.com"},
    "moved": False,
    "ends_known": True,
    "tunnels": [],
    "service_keys": [],
    "live": False,
    "backup_dir": "",
    "isolate": "auto",
    "cutover": False,
    "cutover_tasks": "",
    "cutover_when": "",
    "cutover_gate": "",
    "delete_service_keys": False,
    "check_mode": False,
    "run_tags": ["all"],
    "skip_tags": [],
}
INSTANCE = {"service_instance": "orders"}


@pytest.mark.parametrize(
    ("given", "phases"),
    [
        ({}, "preflight migrate compare"),
        ({"check_mode": True}, "preflight migrate verify"),
        ({"live": "false", "cutover": "no"}, "preflight migrate compare"),
        ({"source": INSTANCE}, "preflight isolate migrate compare"),
        ({"source": INSTANCE, "isolate": "none"}, "preflight migrate compare"),
        ({"isolate": "none"}, "preflight migrate compare"),
        ({"isolate": "quiet"}, "preflight isolate migrate compare"),
        ({"isolate": "pause"}, "preflight isolate migrate compare end_pause"),
        ({"source": INSTANCE, "moved": True, "cutover": True}, "moved cutover"),
        ({"source": INSTANCE, "ends_known": False}, "isolate"),
        ({"tunnels": [{}]}, "preflight migrate compare close_tunnels"),
        ({"service_keys": [{}]}, "preflight migrate compare"),
        ({"service_keys": [{}], "delete_service_keys": "yes"}, "preflight migrate compare delete_keys"),
        ({"delete_service_keys": True}, "preflight migrate compare"),
        ({"backup_dir": "backups"}, "preflight backup migrate compare"),
        ({"cutover_tasks": "move.yml"}, "preflight migrate compare cutover"),
        ({"cutover_when": "22:00"}, "preflight wait migrate compare"),
        ({"cutover_gate": "gate"}, "preflight wait migrate compare"),
        ({"cutover_gate": "gate", "run_tags": ["preflight"]}, "preflight migrate compare"),
        ({"live": True}, "preflight follow migrate_or_drain verify"),
        ({"live": "auto"}, "preflight follow migrate_or_drain verify"),
        ({"live": True, "backup_dir": "b"}, "preflight follow backup_early wait migrate_or_drain verify"),
        ({"live": True, "run_tags": ["follow"]}, "preflight follow migrate_or_drain verify end_following"),
        ({"live": True, "run_tags": ["preflight"]}, "preflight migrate_or_drain verify"),
        ({"live": True, "skip_tags": ["migrate"]}, "preflight migrate_or_drain verify"),
        ({"live": True, "skip_tags": ["verify"]}, "preflight follow migrate_or_drain verify"),
    ],
    ids=str,
)
def test_phases(given: dict[str, Any], phases: str) -> None:
    assert migration_phases(**{**PLAIN, **given}) == phases.split()


def test_every_phase_is_a_file() -> None:
    everything = {**PLAIN, "source": INSTANCE, "tunnels": [1], "service_keys": [1], "cutover": True, "isolate": "pause"}
    everything.update(backup_dir="b", delete_service_keys=True, cutover_when="22:00")
    named = {
        phase
        for moved in (False, True)
        for live in (False, True)
        for check_mode in (False, True)
        for tag in ("all", "follow")
        for phase in migration_phases(
            **{**everything, "moved": moved, "live": live, "check_mode": check_mode, "run_tags": [tag]}
        )
    }
    assert len(named) == 16
    assert {name for name in named if not (REPO / "playbooks" / "tasks" / f"{name}.yml").exists()} == set()
