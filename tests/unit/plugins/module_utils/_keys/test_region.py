# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that do not meet and cover all slots have each key, and each name, exactly once."""

from __future__ import annotations

import itertools
import random

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.region import (
    EVERYTHING,
    Region,
    joined,
    region_of,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.rename import Renaming
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.slots import (
    ALL_SLOTS,
    NO_SLOTS,
    SLOTS,
    hash_slot,
    table_of,
)

KEYS = [prefix + b"%d" % number for number in range(200) for prefix in (b"old:", b"new:", b"", b"{tag}:", b"old:{t}:")]

RULES: dict[str, dict[bytes, bytes] | None] = {
    "none": None,
    "prefix": {b"": b"db1:"},
    "rivals": {b"old:": b"new:"},
    "many": {b"old:": b"new:", b"{tag}:": b"new:", b"": b""},
}


def split(number: int, randomly: random.Random) -> list[bytes]:
    """All slots in so many sets."""
    owners = [randomly.randrange(number) for _slot in range(SLOTS)]
    return [table_of(slot for slot in range(SLOTS) if owners[slot] == one) for one in range(number)]


@pytest.mark.parametrize("rules", RULES.values(), ids=list(RULES))
@pytest.mark.parametrize(("sources", "targets"), [(1, 3), (3, 1), (3, 2)])
def test_each_key_and_each_name_is_in_one_part(rules: dict[bytes, bytes] | None, sources: int, targets: int) -> None:
    renaming = Renaming(rules) if rules else None
    cut = split(targets, random.Random(7))
    parts = [
        EVERYTHING.between(source, target, renamed=renaming is not None)
        for source, target in itertools.product(split(sources, random.Random(8)), cut)
    ]
    names = renaming.all_there(KEYS) if renaming else KEYS
    assert sorted(key for part in parts for key in part.keys(renaming)(KEYS)) == sorted(KEYS)
    assert sorted(name for part in parts for name in part.names(renaming)(names)) == sorted(names)
    for part in parts:
        for key in part.keys(renaming)(KEYS):
            assert part.source[hash_slot(key)]
            assert part.target[hash_slot(renaming.there(key) if renaming else key)]


def test_names_kept_meet_on_the_diagonal() -> None:
    low, high = table_of(range(100)), table_of(range(100, SLOTS))
    assert EVERYTHING.between(low, high, renamed=False).is_empty
    assert not EVERYTHING.between(low, high, renamed=True).is_empty
    assert EVERYTHING.between(low, ALL_SLOTS, renamed=False) == Region(low, low)
    assert EVERYTHING.between(low, ALL_SLOTS, renamed=True) == Region(low, ALL_SLOTS)


def test_regions_that_are_alike_at_one_end_are_joined() -> None:
    low, high = table_of(range(100)), table_of(range(100, SLOTS))
    quarters = [Region(one, other) for one in (low, high) for other in (low, high)]
    assert joined(quarters, renamed=True) == [EVERYTHING]
    assert joined(quarters[:2], renamed=True) == [Region(low, ALL_SLOTS)]
    assert set(joined([quarters[0], quarters[3]], renamed=True)) == {quarters[0], quarters[3]}
    assert joined([quarters[0], quarters[3]], renamed=False) == [EVERYTHING]
    assert joined([], renamed=False) == joined([], renamed=True) == []


def test_what_is_joined_has_the_same_points() -> None:
    randomly = random.Random(3)
    cut = split(4, randomly)
    for _case in range(20):
        some = [Region(*pair) for pair in itertools.product(cut, cut) if randomly.random() < 0.5]
        points = set(itertools.product(range(0, SLOTS, 997), repeat=2))
        before = {(one, other) for one, other in points if any(r.source[one] and r.target[other] for r in some)}
        found = joined(some, renamed=True)
        after = [(one, other) for one, other in points for r in found if r.source[one] and r.target[other]]
        assert len(after) == len(set(after))
        assert set(after) == before


def test_text_is_exact_and_sentences_are_short() -> None:
    low = table_of([1, 2, 3, 9])
    for region in (EVERYTHING, Region(low, ALL_SLOTS), Region(ALL_SLOTS, low), Region(low, low)):
        assert region_of(region.as_text()) == region
    assert str(Region(low, low)) == str(Region(low, ALL_SLOTS)) == "slots 1-3, 9"
    assert str(Region(ALL_SLOTS, low)) == "slots 1-3, 9 of the target"
    assert Region(NO_SLOTS, low).is_empty
