# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about results that lack what they should have."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.failures import failure_messages

GOOD = {"endpoint": None}
SKIPPED = {"skipped": True, "msg": "Conditional result was False"}


@pytest.mark.parametrize(
    ("results", "messages"),
    [
        ([], ""),
        ([GOOD, SKIPPED], ""),
        ([GOOD, {"msg": "No login."}], "No login."),
        ([{"msg": "No login."}, {"msg": "No login."}, {"msg": "No space."}], "No login. No space."),
        ([{}], "No reason was given."),
    ],
)
def test_each_reason_is_said_once(results: list[dict[str, Any]], messages: str) -> None:
    assert failure_messages(results, "endpoint") == messages
