# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values are taken apart whatever their encoding, and damaged ones end in a sentence."""

from __future__ import annotations

import struct
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb import format, listpack
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.elements import elements
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.parser import RdbBytes
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.streams import (
    VERSIONS,
    stream_behind_entries,
    stream_entries,
)

_KINDS = [1, 2, 4, 5, 10, 11, 12, 13, 14, 16, 17, 18, 20, 22, 24, 25]
_WORD = st.binary(max_size=80) | st.integers(-(2**63), 2**63 - 1).map(lambda number: b"%d" % number)
_PAIRS = st.lists(st.tuples(_WORD, _WORD), max_size=20)


def _data(value: bytes) -> RdbBytes:
    pieces = iter((value,))
    return RdbBytes(lambda: next(pieces, b""), "The test")


def _read(kind: int, value: bytes, *, valkey: bool = False) -> list[tuple[t.Any, ...]]:
    found = elements(kind, _data(value), valkey=valkey)
    assert found is not None
    return list(found)


def _pack(words: t.Sequence[bytes]) -> bytes:
    body = b"".join(map(listpack.text, words))
    return format.string((len(body) + 7).to_bytes(4, "little") + b"\xff\xff" + body + b"\xff")


def _flat(pairs: t.Iterable[tuple[bytes, ...]]) -> list[bytes]:
    return [word for pair in pairs for word in pair]


@given(st.lists(_WORD))
def test_lists_and_sets(words: list[bytes]) -> None:
    plain = format.length(len(words)) + b"".join(map(format.string, words))
    told = [(word,) for word in words]
    assert _read(1, plain) == _read(2, plain) == _read(20, _pack(words)) == told
    nodes = format.length(2) + format.length(2) + _pack(words) + format.length(1) + format.string(b"a plain node")
    assert _read(18, nodes) == [*told, (b"a plain node",)]


@given(_PAIRS)
def test_hashes(pairs: list[tuple[bytes, bytes]]) -> None:
    plain = format.length(len(pairs)) + b"".join(map(format.string, _flat(pairs)))
    assert _read(4, plain) == _read(16, _pack(_flat(pairs))) == [(*pair, None) for pair in pairs]


@given(st.lists(st.tuples(_WORD, _WORD, st.none() | st.integers(1, 2**47)), max_size=20))
def test_hashes_whose_fields_expire(fields: list[tuple[bytes, bytes, int | None]]) -> None:
    first = min((expiry for _field, _value, expiry in fields if expiry), default=1)
    head = first.to_bytes(8, "little")
    valkey = redis = format.length(len(fields))
    for field, value, expiry in fields:
        both = format.string(field) + format.string(value)
        valkey += both + (-1 if expiry is None else expiry).to_bytes(8, "little", signed=True)
        redis += format.length(0 if expiry is None else expiry - first + 1) + both
    words = _flat((field, value, b"%d" % (expiry or 0)) for field, value, expiry in fields)
    assert _read(22, valkey, valkey=True) == _read(24, head + redis) == _read(25, head + _pack(words)) == fields


@given(st.lists(st.tuples(_WORD, st.floats(allow_nan=False)), max_size=20))
def test_sorted_sets(members: list[tuple[bytes, float]]) -> None:
    plain = format.length(len(members))
    plain += b"".join(format.string(member) + struct.pack("<d", score) for member, score in members)
    found = _read(5, plain)
    assert [(member, float(score)) for score, member in found] == members
    assert _read(17, _pack(_flat((member, score) for score, member in found))) == found


@pytest.mark.parametrize("width", [2, 4, 8])
def test_sets_of_numbers(width: int) -> None:
    numbers = [-(2 ** (8 * width - 1)), -1, 0, 7, 2 ** (8 * width - 1) - 1]
    body = b"".join(number.to_bytes(width, "little", signed=True) for number in numbers)
    value = format.string(width.to_bytes(4, "little") + len(numbers).to_bytes(4, "little") + body)
    assert _read(11, value) == [(b"%d" % number,) for number in numbers]


def test_ziplists_of_older_servers() -> None:
    # Each with the length of the one before in front: texts of three sizes, a number in the mark and of each width.
    texts = [b"short", b"m" * 100, b"l" * 20_000]
    encoded = [
        (b"\x05short", texts[0]),
        (b"\x40\x64" + texts[1], texts[1]),
        (b"\x80" + (20_000).to_bytes(4, "big") + texts[2], texts[2]),
        (b"\xfd", b"12"),
        (b"\xfe\xff", b"-1"),
        (b"\xc0\x00\x80", b"-32768"),
        (b"\xf0\xff\xff\x7f", b"8388607"),
        (b"\xd0\x00\x00\x00\x80", b"-2147483648"),
        (b"\xe0" + b"\xff" * 7 + b"\x7f", b"9223372036854775807"),
    ]
    body, before = b"", 0
    for element, _told in encoded:
        front = bytes((before,)) if before < 254 else b"\xfe" + before.to_bytes(4, "little")
        body += front + element
        before = len(front + element)
    told = [word for _element, word in encoded]
    pack = format.string(bytes(10) + body + b"\xff")
    assert _read(10, pack) == [(word,) for word in told]
    assert _read(14, format.length(2) + pack * 2) == [(word,) for word in told * 2]
    even = format.string(bytes(10) + b"\x00\x05field\x07\xf8\xff")
    assert _read(13, even) == [(b"field", b"7", None)]
    assert _read(12, even) == [(b"7", b"field")]


def test_what_is_not_known_here_is_left_alone() -> None:
    for kind in (7, 22, 26, 99):
        assert elements(kind, _data(b""), valkey=False) is None


@given(st.sampled_from(_KINDS), st.binary(max_size=60), st.booleans())
def test_no_bytes_crash_the_reading(kind: int, value: bytes, wrapped: bool) -> None:
    try:
        list(elements(kind, _data(format.string(value) if wrapped else value), valkey=True) or ())
    except RedisMigrationError as exc:
        assert "at byte" in str(exc)


@given(st.sampled_from([*VERSIONS]), st.binary(max_size=80), st.lists(_WORD, max_size=12))
def test_no_bytes_crash_the_reading_of_a_stream(kind: int, value: bytes, words: list[bytes]) -> None:
    for damaged in (value, format.length(1) + format.string(bytes(16)) + _pack(words) + value):
        try:
            stream_behind_entries(kind, _data(damaged))
            list(stream_entries(_data(damaged)))
        except RedisMigrationError as exc:
            assert "at byte" in str(exc)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (16, _pack([b"a field without a value"])),
        (17, _pack([b"member", b"1", b"a member without a score"])),
        (25, bytes(8) + _pack([b"field", b"value"])),
        (25, bytes(8) + _pack([b"field", b"value", b"no number"])),
        # A text that is longer than what it stands in, also where its end would be another element's.
        (20, format.string(bytes(6) + b"\xbfabc\xff")),
        (11, format.string(bytes(8) + b"\x01\x00")),
        (11, format.string(b"\x02" + bytes(7) + b"\x01")),
    ],
)
def test_values_that_make_no_sense(kind: int, value: bytes) -> None:
    with pytest.raises(RedisMigrationError, match="make no sense at byte"):
        _read(kind, value)
