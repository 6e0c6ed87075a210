# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listpacks as they are written are read as they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb import format, listpack
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.elements import (
    listpack as elements_of,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.parser import RdbBytes
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.stream_id import parse_id
from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.streams import (
    stream_behind_entries,
    stream_entries,
)

_WORDS = st.binary(max_size=100) | st.integers(-(2**63), 2**63 - 1).map(lambda number: b"%d" % number)
_NUMBER = st.integers(0, 2**64 - 1)


def _pack(parts: list[bytes]) -> bytes:
    body = b"".join(parts)
    return (len(body) + 7).to_bytes(4, "little") + len(parts).to_bytes(2, "little") + body + b"\xff"


@given(st.lists(_WORDS))
def test_elements_come_back(words: list[bytes]) -> None:
    assert list(elements_of(_pack(list(map(listpack.text, words))))) == words


@pytest.mark.parametrize("size", [0, 1, 63, 64, 126, 127, 4095, 4096, 16378, 16379, 2097146, 2097147])
def test_elements_of_every_size_come_back(size: int) -> None:
    words = [b"x" * size, b"behind"]
    assert list(elements_of(_pack(list(map(listpack.text, words))))) == words


@pytest.mark.parametrize("power", [7, 12, 15, 23, 31, 63])
def test_numbers_at_the_edges_come_back(power: int) -> None:
    numbers = [sign * 2**power + near for sign in (1, -1) for near in (-1, 0, 1)]
    numbers = [number for number in numbers if -(2**63) <= number < 2**63]
    assert list(elements_of(_pack(list(map(listpack.integer, numbers))))) == [b"%d" % number for number in numbers]


@pytest.mark.parametrize("text", [b"007", b"-0", b"+1", b"1 ", b"-", b"--1", b"9223372036854775808", b"1_0", b"\xb9"])
def test_what_only_looks_like_a_number_stays_text(text: bytes) -> None:
    encoded = listpack.text(text)
    assert encoded[0] == 0x80 | len(text)
    assert list(elements_of(_pack([encoded]))) == [text]


_ENTRIES = st.dictionaries(
    st.tuples(_NUMBER, _NUMBER), st.lists(st.tuples(st.binary(max_size=3), _WORDS), min_size=1, max_size=4), min_size=1
)


@given(_ENTRIES)
def test_the_entries_of_a_stream_come_back(told: dict[tuple[int, int], list[tuple[bytes, bytes]]]) -> None:
    entries = [(b"%d-%d" % name, [word for field in fields for word in field]) for name, fields in sorted(told.items())]
    base = b"".join(part.to_bytes(8, "big") for part in parse_id(entries[0][0]))
    end = sorted(told)[-1]
    value = format.length(1) + format.string(base) + format.string(listpack.node(entries))
    value += format.length(len(entries)) + b"".join(map(format.length, end)) + format.length(0)

    def data() -> RdbBytes:
        pieces = iter((value,))
        return RdbBytes(lambda: next(pieces, b""), "The test")

    found = stream_behind_entries(format.STREAM, data())

    assert list(stream_entries(data())) == entries
    assert (found.last_id, found.entries_added, found.groups) == (entries[-1][0], len(entries), [])
