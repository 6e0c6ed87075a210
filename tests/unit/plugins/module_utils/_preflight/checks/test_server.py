# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of one end by itself."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.replies import parse_info
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks import server as ends
from tests.support.sides import a_situation


def test_trouble_with_a_disk() -> None:
    known = a_situation()
    known.source.info = parse_info("rdb_last_bgsave_status:ok\r\naof_last_write_status:err\r\n")
    assert ends.state(known, known.source).status == "warn"
    known.target.info = known.source.info
    assert ends.state(known, known.target).status == "fail"
    known.target.info = parse_info("rdb_bgsave_in_progress:1\r\n")
    assert "saves a snapshot" in ends.state(known, known.target).message
