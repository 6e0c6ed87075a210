# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The RDB format without a server: checksums, lengths, strings, compression, encryption."""

from __future__ import annotations

import contextlib
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup import openssl
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.seen import Seen
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb import crc64 as _rdb_crc64
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb import format
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.crc64 import crc64, crc64_each
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.lzf import decompress
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.parser import RdbBytes


def _bit_by_bit(data: bytes, crc: int = 0) -> int:
    for byte in data:
        crc ^= byte
        for _bit in range(8):
            crc = (crc >> 1) ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
    return crc


def _reading(data: bytes, piece: int = 1 << 20) -> RdbBytes:
    pieces = iter([data[start : start + piece] for start in range(0, len(data), piece)])
    return RdbBytes(lambda: next(pieces, b""), "The test")


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


@pytest.mark.parametrize(
    "packed",
    [b"\x20\x00", b"\x05abc", b"\xe0", b"\x00a\xe0", b"\x00a\x20\x05", b"\x00a\xe0\xff\x00"],
)
def test_compressed_strings_that_make_no_sense(packed: bytes) -> None:
    with pytest.raises(ValueError, match=r"repetition|early|size"):
        decompress(packed, 100)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_bytes_crash_the_decompression(packed: bytes, size: int) -> None:
    with contextlib.suppress(ValueError):
        assert len(decompress(packed, size)) == size


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


@pytest.mark.parametrize(
    ("kind", "written", "claimed"),
    [(0, 12, 9), (15, 9, 9), (18, 12, 10), (19, 11, 10), (21, 12, 11), (24, 12, 12), (22, 80, 80), (17, 80, 10)],
)
def test_payloads_claim_no_more_than_they_need(kind: int, written: int, claimed: int) -> None:
    assert format.oldest_version(kind, written) == claimed


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000, 100_000])
def test_openssl_reads_what_was_encrypted(size: int, tmp_path: Path) -> None:
    data = random.Random(size).randbytes(size)
    encryptor = openssl.Encryptor(b"secret")
    encrypted = encryptor.header + encryptor.update(data[: size // 3])
    mark = encryptor.mark()
    encryptor.update(b"what is thrown away again")
    encryptor.rewind(mark)
    encrypted += encryptor.update(data[size // 3 :]) + encryptor.finish()
    (tmp_path / "encrypted").write_bytes(encrypted)

    words = ["openssl", "enc", "-d", "-aes-256-cbc", *openssl.WRITTEN.options.split(), "-in", tmp_path / "encrypted"]
    opened = subprocess.run([*words, "-pass", "pass:secret"], capture_output=True, check=True)
    assert opened.stdout == data

    decryptor = openssl.Decryptor(b"secret", encrypted[8:16], openssl.WRITTEN)
    pieces = [decryptor.update(encrypted[start : start + 100]) for start in range(16, len(encrypted), 100)]
    assert b"".join(pieces) + decryptor.finish() == data


@pytest.mark.parametrize("password", ["", "two\nlines", "a\x00b"])
def test_passwords_that_openssl_could_not_be_given(password: str) -> None:
    with pytest.raises(RedisMigrationError, match="encryption_password"):
        openssl.password_bytes(password)


def test_names_shown_again_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.seen"
    monkeypatch.setattr(f"{module}._RUN", 100)
    monkeypatch.setattr(f"{module}._RECENT", 50)
    seen = Seen()
    names = [b"name %d" % number for number in range(1000)]
    for start in range(0, 1000, 10):
        again = names[max(0, start - 15) : start + 10]
        fresh = [again[position] for position in seen.fresh(again)]
        assert fresh == names[start : start + 10]
    assert seen.unique()
    # One that was shown long ago passes, and is found at the end.
    assert seen.fresh([b"name 3"]) == [0]
    assert not seen.unique()
    seen.close()
