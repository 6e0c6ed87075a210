# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written are read as they were, in whatever pieces they come; damaged ones end in a sentence."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb import format
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.crc64 import crc64
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.reader import Entry, RdbReader
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.writer import RdbWriter

_EXPIRY = st.none() | st.integers(1, 2**63 - 1)
_KEYS = st.lists(st.tuples(st.binary(max_size=80), _EXPIRY, st.binary(max_size=200)), max_size=6)
_DATABASES = st.dictionaries(st.integers(0, 2**32 - 1), _KEYS, max_size=4)
_FOOTER = bytes(10)


class _Memory:
    """Where a file goes in these tests."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        self.data += data

    def mark(self) -> int:
        return len(self.data)

    def rewind(self, mark: int) -> None:
        del self.data[mark:]


def _reader(data: bytes, piece: int = 1 << 20, wanted: t.Callable[[int, bytes], bool] | None = None) -> RdbReader:
    pieces = iter([data[start : start + piece] for start in range(0, len(data), piece)])
    return RdbReader(lambda: next(pieces, b""), "The file", wanted)


def _everything(_database: int, _key: bytes) -> bool:
    return True


def _read(data: bytes, piece: int = 1 << 20) -> list[Entry]:
    return list(_reader(data, piece, _everything).entries())


def _file(*parts: bytes, version: int = 11) -> bytes:
    """A file of these bytes between header and end."""
    data = format.header(version) + b"".join(parts) + bytes((format.END,))
    return data + crc64(data).to_bytes(8, "little")


_KEY = bytes((format.STRING,)) + format.string(b"key") + format.string(b"value")


@given(_DATABASES, st.sampled_from([9, 10, 11, 12, 80]), st.integers(1, 100))
def test_keys_come_back(databases: dict[int, list[tuple[bytes, int | None, bytes]]], version: int, piece: int) -> None:
    memory = _Memory()
    writer = RdbWriter(memory)
    writer.begin(version, {b"redis-ver": b"7.2.4", b"ctime": b"1"})
    for number, keys in databases.items():
        writer.database(number, len(keys), 0)
        for position, (key, expiry, value) in enumerate(keys):
            if position % 2:
                writer.payload(key, expiry, bytes((format.STRING,)) + format.string(value) + _FOOTER)
            else:
                writer.key(key, expiry, format.STRING)
                writer.put(format.string(value))
    writer.finish()

    reader = _reader(bytes(memory.data), piece, _everything)
    found = list(reader.entries())

    assert found == [
        Entry(number, key, expiry, format.STRING, format.string(value))
        for number, keys in databases.items()
        for key, expiry, value in keys
    ]
    assert (reader.version, reader.valkey, reader.checked) == (version, version == 80, True)


def test_values_are_handed_out_only_where_they_are_wanted() -> None:
    data = _file(_KEY, bytes((format.SELECT_DATABASE, 3)), _KEY)
    assert [entry.value for entry in _reader(data).entries()] == [None, None]
    wanted = list(_reader(data, wanted=lambda database, key: (database, key) == (3, b"key")).entries())
    assert [(entry.database, entry.value) for entry in wanted] == [(0, None), (3, b"\x05value")]


@given(st.lists(st.tuples(st.binary(max_size=20), st.booleans()), max_size=10), st.booleans())
def test_what_is_taken_back_leaves_no_trace(pieces: list[tuple[bytes, bool]], large: bool) -> None:
    memory, straight = _Memory(), _Memory()
    writer, other = RdbWriter(memory), RdbWriter(straight)
    for piece, stays in pieces:
        mark = writer.mark()
        writer.put(piece)
        if large and not stays:
            # More than the writer holds back.
            writer.put(bytes(600_000))
        if stays:
            other.put(piece)
        else:
            writer.rewind(mark)
    writer.finish()
    other.finish()
    assert memory.data == straight.data


def test_libraries_of_functions_come_back() -> None:
    memory = _Memory()
    writer = RdbWriter(memory)
    writer.begin(10, {})
    codes = [b"#!lua name=one", b"#!lua name=two"]
    writer.functions(b"".join(bytes((format.FUNCTION,)) + format.string(code) for code in codes) + _FOOTER)
    writer.finish()
    reader = _reader(bytes(memory.data))
    assert (list(reader.entries()), reader.functions) == ([], codes)


def test_marks_of_servers_are_passed_over() -> None:
    number = format.length(2**63)
    data = _file(
        bytes((format.AUX,)) + format.string(b"aof-preamble") + b"\xc0\x00",
        bytes((format.SELECT_DATABASE, 1, format.RESIZE_DATABASE, 4, 2)),
        bytes((format.SLOT_INFO, 1, 2, 3)),
        bytes((format.EXPIRY_SECONDS,)) + (7).to_bytes(4, "little"),
        bytes((format.IDLE,)) + format.length(70_000) + _KEY,
        bytes((format.FREQUENCY, 255)) + _KEY,
        # A number, a number with a sign, a float, a double and a text, and the end.
        bytes((format.MODULE_AUX,)) + number + b"\x02\x01\x01\x02\x03abcd\x04abcdefgh\x05\x03abc\x00",
    )
    reader = _reader(data, wanted=_everything)
    assert [(entry.database, entry.key, entry.expiry) for entry in reader.entries()] == [
        (1, b"key", 7000),
        (1, b"key", None),
    ]
    assert reader.module_data == {"gAAAAAAAA"}


@given(st.data())
def test_a_file_that_is_cut_short_is_refused(data: st.DataObject) -> None:
    whole = _file(bytes((format.SELECT_DATABASE, 0)), _KEY, _KEY)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(RedisMigrationError, match="The file is cut short"):
        _read(cut, data.draw(st.integers(1, 10)))


@given(st.data())
def test_a_file_with_a_changed_byte_is_refused(data: st.DataObject) -> None:
    damaged = bytearray(_file(bytes((format.SELECT_DATABASE, 0)), _KEY, _KEY))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(RedisMigrationError, match="The file"):
        _read(bytes(damaged))


@given(st.binary(max_size=300), st.sampled_from([4, 9, 12, 80]))
def test_no_bytes_crash_the_reading(data: bytes, version: int) -> None:
    for whole in (data, format.header(version) + data, _file(data, version=version)):
        try:
            _read(whole)
        except RedisMigrationError as exc:
            assert "The file" in str(exc)


def test_a_checksum_of_zero_was_switched_off() -> None:
    data = _file(_KEY)[:-8] + bytes(8)
    reader = _reader(data, wanted=_everything)
    assert [entry.value for entry in reader.entries()] == [b"\x05value"]
    assert not reader.checked


def test_files_before_version_5_have_no_checksum() -> None:
    data = _file(_KEY, version=4)[:-8]
    reader = _reader(data)
    assert [entry.key for entry in reader.entries()] == [b"key"]
    assert not reader.checked


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"PK\x03\x04 and so on", "The file is no RDB file"),
        (format.header(79), "The file is of RDB version 79"),
        (format.header(81), "The file is of RDB version 81"),
        (_file(_KEY) + b"more", "goes on behind its end"),
        (_file(_KEY) + b"*1\r\n$4\r\nPING\r\n", "is an append-only file"),
        (_file(bytes((format.AUX,)) + format.string(b"aof-base") + b"\xc0\x01"), "is an append-only file"),
        (_file(b"\xf6"), "unknown mark 246"),
        (_file(b"\x1e" + format.string(b"key")), "unknown type 30"),
    ],
)
def test_what_is_no_whole_file_of_a_known_kind_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(RedisMigrationError, match=message):
        _read(data)
