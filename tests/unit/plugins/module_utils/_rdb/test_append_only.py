# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Append-only files are told from RDB files."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.append_only import (
    is_append_only,
    refusal,
)


@pytest.mark.parametrize(
    ("head", "is_one"),
    [
        (b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n", True),
        (b"#TS:1700000000\r\n*2\r\n", True),
        (b"file appendonly.aof.1.base.rdb seq 1 type b\n", True),
        (b"# of the server\nfile appendonly.aof.1.incr.aof seq 1 type i\n", True),
        (b"REDIS0011\xfa", False),
        (b"Salted__", False),
        (b"", False),
    ],
)
def test_which_heads_are_of_append_only_files(head: bytes, is_one: bool) -> None:
    assert is_append_only(head) is is_one


def test_the_refusal_says_what_to_do() -> None:
    text = str(refusal("dump.aof"))
    assert text.startswith("dump.aof is an append-only file")
    assert "redis_migrate_keys" in text
