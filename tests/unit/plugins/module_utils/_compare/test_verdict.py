# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How two mappings differ, as a difference says it."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._compare.verdict import mapping_detail


@pytest.mark.parametrize(
    ("mine", "its", "detail"),
    [
        ({b"a": 1}, {}, "1 field missing, such as 'a'"),
        ({}, {b"a": 1, b"b": 1}, "2 fields extra, such as 'a'"),
        ({b"a": 1, b"b": 1}, {b"a": 2, b"b": 1}, "1 field different, such as 'a'"),
        ({b"a": 1, b"b": 1}, {b"b": 2, b"c": 1}, "1 field missing, 1 field extra, 1 field different, such as 'b'"),
        ({b"\n\xff": 1}, {}, "1 field missing, such as '\\n\\xff'"),
    ],
)
def test_detail_of_mappings(mine: dict[bytes, int], its: dict[bytes, int], detail: str) -> None:
    assert mapping_detail(mine, its, "field") == detail


def test_a_long_name_is_cut_and_no_value_is_shown() -> None:
    detail = mapping_detail({b"n" * 1000: b"secret"}, {}, "field")
    assert detail == f"1 field missing, such as '{'n' * 60}'"
