# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What replies say, without a server."""

from __future__ import annotations

import hiredis
import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.explain import is_transient
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.replies import (
    any_error,
    between_us,
    check_shape,
    clock_ms,
    fields_of,
    is_error,
    is_systemic,
    is_unreadable,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError

ENDPOINT = Endpoint(role="source", host="db.example.org")


def test_errors_are_told_from_replies_that_look_like_them() -> None:
    error = hiredis.ReplyError("ERR no such key")
    assert is_error(error)
    assert not is_error(b"ERR no such key")
    assert any_error([b"OK", error])
    assert not any_error([b"OK", b"ERR", None, 1])


def test_times() -> None:
    assert clock_ms([b"12", b"345678"]) == 12_345
    assert between_us([b"1", b"999999"], [b"3", b"000001"]) == 1_000_002


def test_fields() -> None:
    assert fields_of([b"length", 3, b"last-generated-id", b"1-0"]) == {"length": 3, "last-generated-id": b"1-0"}


@pytest.mark.parametrize(
    ("text", "transient"),
    [
        ("LOADING Redis is loading the dataset in memory", True),
        ("READONLY You can't write against a read only replica.", True),
        ("MISCONF Redis is configured to save RDB snapshots", True),
        ("ERR max number of clients reached", True),
        ("BUSYKEY Target key name already exists.", False),
        ("OOM command not allowed when used memory > 'maxmemory'.", False),
        ("NOPERM this user has no permissions", False),
        ("WRONGPASS invalid username-password pair", False),
    ],
)
def test_what_a_while_may_cure(text: str, transient: bool) -> None:
    assert is_transient(text) is transient


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


@pytest.mark.parametrize(
    ("command", "fits", "odd"),
    [
        ("FUNCTION DUMP", b"payload", None),
        ("STRLEN", 7, [7]),
        ("DUMP", None, 7),
        ("TIME", [b"1", b"2"], [b"1"]),
        ("TIME", [b"1", b"2"], [b"1", b"-2"]),
        ("HPEXPIRETIME", [-1], b"-1"),
    ],
)
def test_a_reply_that_a_command_never_gives(command: str, fits: object, odd: object) -> None:
    check_shape([fits], command, ENDPOINT)
    with pytest.raises(RedisMigrationError, match=f"answered {command} with .*, which Redis would not do"):
        check_shape([fits, odd], command, ENDPOINT)
