# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What INFO says of a server."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import none_expires


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("db0:keys=4,expires=0,avg_ttl=0,subexpiry=0", True),
        ("db0:keys=4,expires=0,avg_ttl=0,subexpiry=2", False),
        ("db0:keys=4,expires=0,avg_ttl=0,keys_with_volatile_items=0", True),
        ("db0:keys=4,expires=0,avg_ttl=0,keys_with_volatile_items=1", False),
        # A server that says nothing of it may have some.
        ("db0:keys=4,expires=0,avg_ttl=0", False),
        ("db1:keys=4,expires=0,avg_ttl=0,subexpiry=2", True),
    ],
)
def test_whether_fields_expire(line: str, expected: bool) -> None:
    assert none_expires(f"# Keyspace\r\n{line}\r\n".encode(), 0) is expected
