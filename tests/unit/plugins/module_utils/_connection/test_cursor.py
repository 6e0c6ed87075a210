# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk of a cursor: what is odd or endless is an error, whatever a server sends."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.cursor import CursorWalk
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError


def walk(expected: int = 10, **options: Any) -> CursorWalk:
    return CursorWalk(Endpoint("source", "a"), "SCAN", expected, **options)


def test_pages_are_counted() -> None:
    cursor = walk(walked=(5, 2))
    assert cursor.page([b"7", []]) == (b"7", [])
    assert cursor.walked == (5, 3)
    assert cursor.page([b"0", [b"a", b"b"]]) == (b"0", [b"a", b"b"])
    assert cursor.walked == (7, 0)


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"OK",
        [],
        [b"0"],
        [b"0", None],
        [0, []],
        [b"-1", []],
        [b"x", []],
        [b"1" * 21, []],
        [b"0", [None]],
        [b"0", [[b"nested"]]],
    ],
)
def test_a_reply_that_is_no_page(reply: Any) -> None:
    with pytest.raises(RedisMigrationError, match="SCAN"):
        walk().page(reply)


@pytest.mark.parametrize("length", [1, 2, 3, 7, 64])
def test_a_circle_of_any_length_is_noticed(length: int) -> None:
    cursor = walk()
    with pytest.raises(RedisMigrationError, match="does not come to an end: it came back to a cursor"):
        for number in range(10 * length):
            cursor.page([b"%d" % (1 + number % length), []])


def test_far_more_elements_than_there_are() -> None:
    cursor = walk(expected=1)
    page = [b"x"] * 10_004
    cursor.checked_page([b"1", page])
    assert not cursor.overdue
    with pytest.raises(RedisMigrationError, match="it showed 10005 elements where there are 1"):
        cursor.checked_page([b"2", [b"x"]])


def test_growth_is_no_fault() -> None:
    cursor = walk(expected=1)
    cursor.page([b"1", [b"x"] * 10_005])
    assert cursor.overdue
    cursor.expect(2_000)
    assert not cursor.overdue
