# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.key_counts import (
    Database,
    database_in,
    held_in,
    keyspace_section,
)

REDIS = (
    b"# Keyspace\r\n"
    b"db0:keys=3,expires=1,avg_ttl=5,subexpiry=0\r\n"
    b"db1:keys=2,expires=0,avg_ttl=0,subexpiry=1\r\n"
    b"db11:keys=7,expires=0,avg_ttl=0\r\n"
)
TEXTS = [
    REDIS,
    REDIS.replace(b"\r\n", b"\n"),
    REDIS.removeprefix(b"# Keyspace\r\n"),
    b"# Server\r\nredis_version:7.0.15\r\n\r\n" + REDIS,
    b"# Keyspace\r\n",
    b"# Keyspace\r\n\r\n# Other\r\nold_db1:keys=9\r\n",
    b"db1:expires=1\r\n",
    b"redis_version:7.0.15\r\n",
    b"",
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("number", [0, 1, 11, 2])
def test_one_database_is_read_as_all_of_them_are(text: bytes, number: int) -> None:
    told = keyspace_section(text)
    assert database_in(text, number) == (None if told is None else held_in(told, number))


def test_what_is_told() -> None:
    assert keyspace_section(REDIS) == {
        0: Database(3, 1, 5, field_expires=0),
        1: Database(2, 0, 0, field_expires=1),
        11: Database(7, 0, 0, field_expires=1),
    }
    assert database_in(REDIS, 5) == Database(0, 0, field_expires=0), "a database without keys is not told of"
    assert keyspace_section(b"") is keyspace_section(b"db0:expires=1\r\n") is None


def test_what_was_told_may_be_changed_by_who_asked() -> None:
    told = keyspace_section(REDIS)
    assert told is not None
    told.clear()
    assert keyspace_section(REDIS)
