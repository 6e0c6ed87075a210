# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read off a DUMP payload without decoding it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.payload import (
    FOOTER_BYTES,
    module_name,
    rdb_version,
    same_value,
    type_of,
)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(0, "string"), (1, "list"), (18, "list"), (11, "set"), (3, "zset"), (22, "hash"), (25, "hash"), (21, "stream")],
)
def test_the_type_of_an_encoding(kind: int, name: str) -> None:
    assert type_of(bytes((kind,)) + b"value") == name


def test_what_is_not_known_has_no_type() -> None:
    assert type_of(b"") is None
    assert type_of(b"\x63value") is None
    # Too short to hold the number of its module.
    assert type_of(b"\x07\x81\x00\x00") is None


def test_a_value_of_a_module_has_the_name_of_its_type() -> None:
    # As RedisBloom writes a filter: nine characters of six bits each, and ten bits of a version.
    number = 0
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for character in "MBbloom--":
        number = number << 6 | alphabet.index(character)
    number = number << 10 | 4
    assert module_name(number) == "MBbloom--"
    assert type_of(b"\x07\x81" + number.to_bytes(8, "big") + b"value") == "MBbloom--"


@given(st.binary(), st.integers(0, 2**16 - 1), st.binary(min_size=8, max_size=8))
def test_the_footer_has_the_version_and_is_no_part_of_the_value(body: bytes, version: int, checksum: bytes) -> None:
    payload = body + version.to_bytes(2, "little") + checksum
    assert rdb_version(payload) == version
    assert same_value(payload, body + bytes(FOOTER_BYTES))
    assert not same_value(payload, b"x" + payload)
