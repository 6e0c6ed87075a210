# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IDs of stream entries."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.stream_id import after


def test_the_id_after_another() -> None:
    assert after(b"5-5") == b"5-6"
    assert after(b"5-18446744073709551615") == b"6-0"
