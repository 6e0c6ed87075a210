# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of keys: printed as redis-cli prints them, and kept exact beside it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.name import key_fields, printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"", ""),
        (b"user:1", "user:1"),
        (b'a "b"\\', 'a \\"b\\"\\\\'),
        (b"\n\r\t\a\b\x00\x7f\xff", r"\n\r\t\a\b\x00\x7f\xff"),
        (b"x" * 200, "x" * 200),
        (b"x" * 201, "x" * 200 + "… (201 bytes)"),
    ],
)
def test_names_as_they_are_shown(name: bytes, shown: str) -> None:
    assert printable(name) == shown


@given(st.binary(max_size=1000))
def test_a_result_holds_any_name_exactly(name: bytes) -> None:
    fields = key_fields(name)
    assert base64.b64decode(fields["key_base64"]) == name
    assert fields["key"].isprintable()
