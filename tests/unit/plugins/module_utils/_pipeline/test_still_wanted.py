# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that nobody waits for ends; the question is not asked for every key."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline import still_wanted


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(still_wanted.time, "monotonic", lambda: self.now)


def test_it_is_asked_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    asked: list[float] = []

    def wanted() -> bool:
        asked.append(clock.now)
        return True

    still = still_wanted.StillWanted(wanted)
    for clock.now in (100.5, 101.0, 101.9, 102.0, 110.0):
        still.check()
    assert asked == [101.0, 102.0, 110.0]


def test_a_run_that_nobody_waits_for_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    still = still_wanted.StillWanted(lambda: False)
    still.check()
    clock.now = 101.0
    with pytest.raises(RedisMigrationError, match="Nobody waits for this run"):
        still.check()
