# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections that hold nothing, in every encoding; a server refuses a file with one."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb import format as rdb
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.empty import is_empty

EMPTY_LISTPACK = bytes.fromhex("07000000 0000 ff")
EMPTY_ZIPLIST = bytes.fromhex("0b000000 0a000000 0000 ff")
EMPTY_INTSET = bytes.fromhex("02000000 00000000")
EMPTY_ZIPMAP = bytes.fromhex("00ff")

EMPTY = {
    "list": (rdb.LIST, b"\0"),
    "set": (rdb.SET, b"\0"),
    "zset with text scores": (3, b"\0"),
    "hash": (rdb.HASH, b"\0"),
    "zset": (rdb.ZSET, b"\0"),
    "hash with expiring fields, Valkey": (rdb.HASH_EXPIRING_VALKEY, b"\0"),
    "hash, zipmap": (9, rdb.string(EMPTY_ZIPMAP)),
    "list, ziplist": (10, rdb.string(EMPTY_ZIPLIST)),
    "set, intset": (11, rdb.string(EMPTY_INTSET)),
    "zset, ziplist": (12, rdb.string(EMPTY_ZIPLIST)),
    "hash, ziplist": (13, rdb.string(EMPTY_ZIPLIST)),
    "hash, listpack": (16, rdb.string(EMPTY_LISTPACK)),
    "zset, listpack": (17, rdb.string(EMPTY_LISTPACK)),
    "set, listpack": (20, rdb.string(EMPTY_LISTPACK)),
    "list without a node": (14, b"\0"),
    "list of empty ziplists": (14, b"\2" + 2 * rdb.string(EMPTY_ZIPLIST)),
    "list of an empty listpack": (18, b"\1\2" + rdb.string(EMPTY_LISTPACK)),
    "hash with expiring fields": (rdb.HASH_EXPIRING_REDIS, 8 * b"x" + b"\0"),
    "hash with expiring fields, listpack": (25, 8 * b"x" + rdb.string(EMPTY_LISTPACK)),
}

LISTPACK_OF_ONE = bytes.fromhex("09000000 0100 0101 ff")

HOLDING = {
    "list of an empty string": (rdb.LIST, b"\1" + rdb.string(b"")),
    "an empty string": (rdb.STRING, b"\0"),
    "an empty stream": (rdb.STREAM_ACTIVE, b"\0"),
    "set, intset": (11, rdb.string(bytes.fromhex("02000000 01000000 0500"))),
    "hash, listpack": (16, rdb.string(LISTPACK_OF_ONE)),
    "list in one ziplist": (14, b"\1" + rdb.string(bytes.fromhex("0d000000 0b000000 0100 00f2 ff"))),
    "list in the second listpack": (18, b"\2\2" + rdb.string(EMPTY_LISTPACK) + b"\2" + rdb.string(LISTPACK_OF_ONE)),
    "list of one plain string": (18, b"\1\1" + rdb.string(EMPTY_LISTPACK)),
    "hash with expiring fields": (rdb.HASH_EXPIRING_REDIS, 8 * b"\0" + b"\1"),
    "hash with expiring fields, listpack": (25, 8 * b"\0" + rdb.string(LISTPACK_OF_ONE)),
}


@pytest.mark.parametrize("case", EMPTY)
def test_empty(case: str) -> None:
    assert is_empty(*EMPTY[case])


@pytest.mark.parametrize("case", HOLDING)
def test_not_empty(case: str) -> None:
    assert not is_empty(*HOLDING[case])
