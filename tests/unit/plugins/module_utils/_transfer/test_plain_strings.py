# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strings are written by MSET and SET."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.commands import one
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.expiry import NEVER
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.plain_strings import writes

ITEMS = [(b"a", NEVER, b"1"), (b"b", 1_700_000_000_000, b"2"), (b"c", NEVER, b"3")]


def test_what_lasts_goes_together_and_what_expires_alone() -> None:
    made = writes(ITEMS, replace=True)
    assert made.commands == one(b"MSET", b"a", b"1", b"c", b"3") + one(b"SET", b"b", b"2", b"PXAT", b"1700000000000")
    assert made.groups == [[0, 2], [1]]


def test_without_replace_nothing_is_overwritten() -> None:
    made = writes(ITEMS, replace=False)
    assert made.commands == one(b"MSETNX", b"a", b"1", b"c", b"3") + one(
        b"SET", b"b", b"2", b"PXAT", b"1700000000000", b"NX"
    )


def test_of_one_kind_only() -> None:
    assert writes(ITEMS[:1], replace=True).groups == [[0]]
    assert writes(ITEMS[1:2], replace=True).groups == [[0]]
    assert writes([], replace=True) == (b"", [])


def test_a_node_of_a_cluster_gets_each_alone() -> None:
    timed = (b"SET", b"b", b"2", b"PXAT", b"1700000000000")
    made = writes(ITEMS, replace=True, alone=True)
    assert made.commands == one(b"SET", b"a", b"1") + one(b"SET", b"c", b"3") + one(*timed)
    assert made.groups == [[0], [2], [1]]
    made = writes(ITEMS, replace=False, alone=True)
    assert made.commands == one(b"SET", b"a", b"1", b"NX") + one(b"SET", b"c", b"3", b"NX") + one(*timed, b"NX")
    assert writes([], replace=True, alone=True) == (b"", [])
    assert writes(ITEMS[1:2], replace=True, alone=True).groups == [[0]]
