# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When applications may be stopped."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._gate import Gate, moment_of


def test_a_moment_has_a_time_zone() -> None:
    assert moment_of("2026-12-01T02:00:00+01:00") == moment_of("2026-12-01 01:00:00+00:00") == 1796086800
    for text in ("2026-12-01T02:00:00", "02:00", ""):
        with pytest.raises(ValueError, match="time zone"):
            moment_of(text)


def test_it_is_open_when_the_moment_has_come_and_the_file_is_there(tmp_path: Path) -> None:
    now = datetime.datetime.now(datetime.UTC)
    later, before = ((now + datetime.timedelta(hours=hours)).isoformat() for hours in (1, -1))
    path = tmp_path / "go"
    assert Gate(None, None).closed_by == Gate(before, None).closed_by == ""
    assert Gate(later, str(path)).closed_by == f"for {later}"
    assert Gate(before, str(path)).closed_by == f"until somebody makes the file {path}"
    path.touch()
    assert Gate(before, str(path)).closed_by == ""


def test_a_directory_opens_no_gate(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is a directory"):
        Gate(None, str(tmp_path))
