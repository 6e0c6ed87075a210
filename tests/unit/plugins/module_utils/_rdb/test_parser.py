# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written as RDB is read as it was, and nothing crashes the reading."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb import format
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.crc64 import crc64
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.parser import RdbBytes


def _reading(data: bytes, piece: int = 1 << 20) -> RdbBytes:
    pieces = iter([data[start : start + piece] for start in range(0, len(data), piece)])
    return RdbBytes(lambda: next(pieces, b""), "The test")


@given(st.integers(0, 2**64 - 1), st.integers(1, 20))
def test_lengths_come_back(number: int, piece: int) -> None:
    encoded = format.length(number)
    assert _reading(encoded, piece).length() == number
    assert len(encoded) == (1 if number < 64 else 2 if number < 16384 else 5 if number < 2**32 else 9)


@given(st.lists(st.binary(max_size=300)), st.integers(1, 50))
def test_strings_come_back(strings: list[bytes], piece: int) -> None:
    encoded = b"".join(map(format.string, strings))
    reading = _reading(encoded, piece)
    assert [reading.string() for _string in strings] == strings
    passing = _reading(encoded, piece)
    for _string in strings:
        passing.skip_string()
    assert passing.offset == reading.offset == len(encoded)
    assert passing.checksum() == crc64(encoded)


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        (b"\xc0\xff", b"-1"),
        (b"\xc0\x7f", b"127"),
        (b"\xc1\x00\x80", b"-32768"),
        (b"\xc2\xff\xff\xff\x7f", b"2147483647"),
        # As Redis wrote "xx…" of a hundred letters.
        (b"\xc3\t@d\x01xx\xe0W\x00\x01xx", b"x" * 100),
    ],
)
def test_encoded_strings(encoded: bytes, value: bytes) -> None:
    reading = _reading(encoded)
    assert reading.string() == value
    passing = _reading(encoded)
    passing.skip_string()
    assert passing.offset == reading.offset == len(encoded)


@given(st.sampled_from([*range(30)]), st.binary(max_size=200), st.booleans())
def test_no_bytes_crash_the_reading(kind: int, data: bytes, valkey: bool) -> None:
    try:
        _reading(data).skip_value(kind, valkey=valkey)
    except RedisMigrationError as exc:
        assert "at byte" in str(exc)


def test_a_kept_value_is_the_same_in_memory_and_in_a_file() -> None:
    chance = random.Random(3)
    for size in (10, 10_000_000, 30_000_000):
        value = format.string(chance.randbytes(size))
        reading = _reading(b"before" + value + b"behind")
        reading.skip(6)
        reading.keep()
        reading.skip_value(0, valkey=False)
        kept = reading.kept()
        assert isinstance(kept, bytes) is (size == 10)
        assert (kept if isinstance(kept, bytes) else kept.read()) == value
        assert reading.take(6) == b"behind"
