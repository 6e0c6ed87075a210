# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether others are at work at an end, by what it has counted."""

from __future__ import annotations

import time
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import CommandRefused
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks.traffic import (
    clients,
    writes,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Answered
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.activity import Activity
from tests.support.sides import a_side, a_situation


class Counted:
    """A watcher that has seen what the test says."""

    def __init__(self, seen: Activity) -> None:
        self.look = lambda: seen


def counted(writes: int | None, changes: int | None = 5) -> Activity:
    return Activity(run_id="r", writes=writes, changes=changes, last_save=1)


def side(before: Activity, after: Activity) -> Answered:
    """An end whose half second is over."""
    found = a_side("source")
    watcher: Any = Counted(after)
    found.watcher, found.activity, found.looked_at = watcher, before, time.monotonic() - 60
    return found


@pytest.mark.parametrize(
    ("before", "after", "status", "expected"),
    [
        (counted(7), counted(7), "ok", "No write reached the source within 6"),
        (counted(7), counted(8), "warn", "1 write command reached the source within 6"),
        (counted(7), counted(9), "warn", "2 write commands reached the source"),
        (counted(None), counted(None), "ok", "writes cannot be counted"),
        (counted(None), counted(None, 6), "warn", "Data of the source changed"),
    ],
)
def test_writes(before: Activity, after: Activity, status: str, expected: str) -> None:
    verdict = writes(a_situation(), side(before, after))
    assert verdict.status == status
    assert expected in verdict.message


class Listing:
    """A client whose server lists these connections; the first is the asking one."""

    def __init__(self, *lines: str) -> None:
        self._lines = "\n".join(lines)

    def execute_command(self, _command: str, subcommand: str) -> Any:
        if subcommand == "ID":
            return 1
        if not self._lines:
            raise CommandRefused("NOPERM User x has no permissions to run the 'client|list' command")
        return self._lines.encode()


ASKING = "id=1 addr=10.0.0.1:5 name= age=1 idle=0 flags=N db=0 cmd=client|list user=default"
REPLICA = "id=2 addr=10.0.0.2:5 name= age=1 idle=0 flags=S db=0 cmd=psync user=default"
APP = "id=3 addr=10.0.0.3:5 name=shop age=1 idle=0 flags=N db=0 cmd=get user=default"
OTHER = "id=4 addr=10.0.0.4:5 name= age=1 idle=0 flags=N db=0 cmd=get user=anna"


@pytest.mark.parametrize(
    ("lines", "status", "expected"),
    [
        ([ASKING, REPLICA], "ok", "No application is connected to the source."),
        ([ASKING, APP], "warn", "1 client of applications or people is connected to the source: 10.0.0.3:5 'shop'."),
        ([ASKING, APP, OTHER], "warn", "2 clients of applications or people are connected to the source: 10.0.0.3:5"),
        ([], "warn", "it counts 1 connection, of which at least one is this check's"),
    ],
)
def test_clients(lines: list[str], status: str, expected: str) -> None:
    side = a_side("source", connected_clients=1)
    answering: Any = Listing(*lines)
    side.client = answering
    verdict = clients(a_situation(), side)
    assert verdict.status == status
    assert expected in verdict.message
