# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options become a selection, or a sentence that says which number is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import (
    Selection,
    parse_selection,
)


def test_without_options_everything_is_selected() -> None:
    selection = parse_selection({})
    assert selection == Selection()
    assert selection.whole
    assert selection.chooser() is None


def test_options_are_sorted_and_typed() -> None:
    selection = parse_selection(
        {"databases": [3, 1, 3], "database_map": {"1": "5"}, "match": ["a*"], "types": ["hash"]}
    )
    assert selection.databases == (1, 3)
    assert selection.database_map == {1: 5}
    assert selection.types == ("hash",)
    assert not selection.whole
    chosen = selection.chooser()
    assert chosen is not None
    assert chosen(b"ab")
    assert not chosen(b"b")


@pytest.mark.parametrize("part", [{"match": ["a"]}, {"exclude": ["a"]}, {"types": ["set"]}])
def test_a_part_of_the_keys_is_not_the_whole(part: dict[str, Any]) -> None:
    assert not parse_selection(part).whole


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"databases": [0, -1]}, "-1 is none"),
        ({"database_map": {"0": -2}}, "-2 is none"),
        ({"database_map": {"zero": 1}}, "not a pair of numbers: 'zero': 1"),
        ({"database_map": {"0": None}}, "not a pair of numbers: '0': None"),
    ],
)
def test_numbers_that_no_database_has(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RedisMigrationError, match=message):
        parse_selection(options)
