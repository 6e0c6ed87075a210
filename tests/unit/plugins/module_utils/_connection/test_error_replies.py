# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error reply of a server means for the key at hand and for all others."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.replies import (
    is_systemic,
    is_unreadable,
)


@pytest.mark.parametrize(
    "text",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "NOPERM this user has no permissions to run the 'restore' command",
        "NOAUTH Authentication required.",
        "MOVED 5798 10.0.0.7:6379",
        "ASK 5798 10.0.0.7:6379",
        "CROSSSLOT Keys in request don't hash to the same slot",
    ],
)
def test_an_error_that_concerns_every_key(text: str) -> None:
    assert is_systemic(text)
    assert not is_unreadable(text)


@pytest.mark.parametrize(
    "text",
    [
        "ERR DUMP payload version or checksum are wrong",
        "ERR Bad data format",
        "ERR Target instance replied with error: ERR DUMP payload version or checksum are wrong",
    ],
)
def test_a_payload_that_the_server_does_not_understand(text: str) -> None:
    assert is_unreadable(text)
    assert not is_systemic(text)


@pytest.mark.parametrize(
    "text",
    ["BUSYKEY Target key name already exists.", "WRONGTYPE Operation against a key", "ERR unknown command 'XADD'", ""],
)
def test_an_error_of_one_key(text: str) -> None:
    assert not is_systemic(text)
    assert not is_unreadable(text)
