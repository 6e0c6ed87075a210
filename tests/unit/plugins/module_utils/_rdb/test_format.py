# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of the RDB format a payload needs."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb import format


@pytest.mark.parametrize(
    ("kind", "written", "claimed"),
    [(0, 12, 9), (15, 9, 9), (18, 12, 10), (19, 11, 10), (21, 12, 11), (24, 12, 12), (22, 80, 80), (17, 80, 10)],
)
def test_payloads_claim_no_more_than_they_need(kind: int, written: int, claimed: int) -> None:
    assert format.oldest_version(kind, written) == claimed
