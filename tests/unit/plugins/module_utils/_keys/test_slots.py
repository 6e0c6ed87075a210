# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots of keys, and sets of slots."""

from __future__ import annotations

import random

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.slots import (
    ALL_SLOTS,
    NO_SLOTS,
    both,
    by_slot,
    either,
    hash_slot,
    in_slots,
    parsed,
    ranges_of,
    shown,
    table_of,
    text_of,
    without,
)


# The examples of the cluster specification, and slots that a real cluster named.
@pytest.mark.parametrize(
    ("key", "slot"),
    [
        (b"123456789", 0x31C3 % 16384),
        (b"foo", 12182),
        (b"bar", 5061),
        (b"{foo}anything", 12182),
        (b"x{foo}{bar}", 12182),
        (b"", 0),
    ],
)
def test_slots_are_those_of_a_cluster(key: bytes, slot: int) -> None:
    assert hash_slot(key) == slot


def test_only_the_first_tag_counts_and_an_empty_one_does_not() -> None:
    assert hash_slot(b"foo{}{bar}") != hash_slot(b"bar")
    assert hash_slot(b"foo{bar") != hash_slot(b"bar")
    assert hash_slot(b"foo{{bar}}zap") == hash_slot(b"{bar")


def test_a_set_of_slots_is_text_and_back() -> None:
    chance = random.Random(1)
    for count in (0, 1, 7, 5000, 16384):
        numbers = set(chance.sample(range(16384), count))
        table = table_of(numbers)
        assert parsed(text_of(table)) == table
        assert {slot for first, last in ranges_of(table) for slot in range(first, last + 1)} == numbers
    assert text_of(table_of([0, 1, 2, 9, 16383])) == "0-2,9,16383"
    assert parsed(text_of(ALL_SLOTS)) == ALL_SLOTS
    for senseless in ("16384", "5-3", "a"):
        with pytest.raises(ValueError):
            parsed(senseless)


def test_sets_of_slots_are_combined() -> None:
    one, other = table_of([1, 2, 16383]), table_of([0, 2])
    assert both(one, other) == table_of([2])
    assert either(one, other) == table_of([0, 1, 2, 16383])
    assert without(one, other) == table_of([1, 16383])
    assert without(ALL_SLOTS, NO_SLOTS) == ALL_SLOTS


def test_a_sentence_names_a_few_ranges() -> None:
    assert shown(ALL_SLOTS) == "all slots"
    assert shown(table_of([7])) == "slot 7"
    assert shown(table_of(range(5461))) == "slots 0-5460"
    assert shown(table_of(range(0, 100, 2))) == "slots 0, 2, 4, 6, … (50 in all)"


def test_keys_are_chosen_by_their_slots() -> None:
    chance = random.Random(1)
    plain = [chance.randbytes(9).replace(b"{", b"") for _key in range(500)]
    tagged = [b"{%d}:%d" % (number % 7, number) for number in range(500)]
    slots = table_of(range(0, 16384, 3))
    for keys in (plain, tagged, [*plain, *tagged], []):
        assert in_slots(keys, slots) == [key for key in keys if hash_slot(key) % 3 == 0]
    groups = by_slot([*plain, *tagged])
    assert sorted(position for group in groups for position in group) == list(range(1000))
    assert all(len({hash_slot([*plain, *tagged][position]) for position in group}) == 1 for group in groups)
