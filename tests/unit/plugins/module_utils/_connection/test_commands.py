# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands put together by hand are what hiredis would have packed, byte for byte."""

from __future__ import annotations

from typing import Any

import hiredis
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection import commands as made
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.commands import (
    each,
    one,
    restores,
    together,
)

keys = st.one_of(st.binary(max_size=20), st.sampled_from([b"", b"\r\n", b"\x00", b"k" * 255, b"k" * 256, b"k" * 5000]))
expiries = st.one_of(st.none(), st.integers(min_value=0, max_value=2**63 - 1))


def packed(commands: list[tuple[Any, ...]]) -> bytes:
    return b"".join(hiredis.pack_command(command) for command in commands)


@given(st.lists(keys, max_size=5), st.sampled_from([b"EXISTS", b"MEMORY USAGE"]))
def test_each(names: list[bytes], command: bytes) -> None:
    assert each(command, names) == packed([(*command.split(b" "), name) for name in names])


@given(st.lists(keys, min_size=1, max_size=5), st.lists(keys, max_size=2))
def test_names_that_were_packed_before(names: list[bytes], after: list[bytes]) -> None:
    known = made.packed(names)
    assert len(known) == len(names)
    for given_names in (names, known):
        assert each(b"LRANGE", given_names, *after) == packed([(b"LRANGE", name, *after) for name in names])
        assert together(b"MGET", given_names) == packed([(b"MGET", *names)])
    assert each(b"TYPE", known.pick([len(names) - 1, 0])) == packed([(b"TYPE", names[-1]), (b"TYPE", names[0])])


@given(st.lists(keys, min_size=1, max_size=5))
def test_one(args: list[bytes]) -> None:
    assert one(*args) == packed([tuple(args)])


idle = st.tuples(st.just(b"IDLETIME"), st.integers(0, 2**63 - 1))
usages = st.one_of(st.none(), idle, st.tuples(st.just(b"FREQ"), st.integers(0, 255)))


@given(st.lists(st.tuples(keys, expiries, keys, usages), max_size=5), st.booleans())
def test_restores_with_the_use_of_keys(items: list[Any], replace: bool) -> None:
    expected = []
    for name, expiry, payload, usage in items:
        command: tuple[Any, ...] = (b"RESTORE", name, expiry or 0, payload, *(usage or ()))
        expected.append(command + (b"REPLACE",) * replace + (b"ABSTTL",) * (expiry is not None))
    written = restores([item[:3] for item in items], replace=replace, usages=[item[3] for item in items])
    assert written == packed(expected)


@given(st.lists(st.tuples(keys, expiries, keys), max_size=5), st.booleans())
def test_restores(items: list[tuple[bytes, int | None, bytes]], replace: bool) -> None:
    expected = []
    for name, expiry, payload in items:
        command: tuple[Any, ...] = (b"RESTORE", name, expiry or 0, payload)
        expected.append(command + (b"ABSTTL",) * (expiry is not None) + (b"REPLACE",) * replace)
    assert restores(items, replace=replace) == packed(expected)
