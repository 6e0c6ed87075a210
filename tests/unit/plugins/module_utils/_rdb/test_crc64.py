# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checksum of RDB files is that of Redis."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb import crc64 as _rdb_crc64
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.crc64 import crc64, crc64_each


def _bit_by_bit(data: bytes, crc: int = 0) -> int:
    for byte in data:
        crc ^= byte
        for _bit in range(8):
            crc = (crc >> 1) ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
    return crc


def test_the_checksum_is_that_of_redis() -> None:
    # From the self-test in Redis' own source.
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA


@given(st.binary(max_size=3000), st.integers(0, 2**64 - 1))
def test_checksums_of_any_length_and_beginning(data: bytes, begin: int) -> None:
    assert crc64(data, begin) == _bit_by_bit(data, begin)


def test_checksums_of_much_data() -> None:
    chance = random.Random(1)
    block = _rdb_crc64._BLOCK
    for size in (5000, 70_001, block - 1, block, block + 1, block + 7, block + 9, block + 161):
        data = chance.randbytes(size)
        begin = chance.getrandbits(64)
        by_table = _rdb_crc64._by_table(data, begin)
        assert crc64(data, begin) == by_table
        middle = chance.randrange(size)
        assert crc64(data[middle:], crc64(data[:middle], begin)) == by_table


@given(st.lists(st.binary(max_size=300), max_size=100))
def test_checksums_side_by_side(pieces: list[bytes]) -> None:
    assert crc64_each(pieces) == [crc64(piece) for piece in pieces]


def test_checksums_side_by_side_of_every_length() -> None:
    chance = random.Random(2)
    pieces = [chance.randbytes(chance.randrange(2500)) for _number in range(3000)]
    assert crc64_each(pieces) == [crc64(piece) for piece in pieces]
