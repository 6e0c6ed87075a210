# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decompression of strings in RDB files."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.lzf import decompress


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
