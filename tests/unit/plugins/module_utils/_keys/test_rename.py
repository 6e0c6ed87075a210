# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.name import as_name, printable
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.rename import Renaming, rules_of
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import (
    Selection,
    parse_selection,
)

# Few letters, so that prefixes overlap.
NAMES = st.text("ab:", max_size=5).map(str.encode)
RULES = st.dictionaries(NAMES, NAMES, max_size=4)


@pytest.mark.parametrize(
    ("rules", "key", "name"),
    [
        ({b"old:": b"new:"}, b"old:1", b"new:1"),
        ({b"old:": b"new:"}, b"old:", b"new:"),
        ({b"old:": b"new:"}, b"old", b"old"),
        ({b"old:": b"new:"}, b"older:1", b"older:1"),
        ({b"": b"db1:"}, b"x", b"db1:x"),
        ({b"": b"db1:"}, b"", b"db1:"),
        ({b"a:": b"", b"": b"z"}, b"a:1", b"1"),
        ({b"a:": b"1", b"a:b:": b"2"}, b"a:b:c", b"2c"),
        ({b"a:b:": b"2", b"a:": b"1"}, b"a:c", b"1c"),
        ({b"a:": b"b:", b"b:": b"a:"}, b"a:b:1", b"b:b:1"),
        ({b"\xff\n": b"\x00"}, b"\xff\n\xfe", b"\x00\xfe"),
        ({b"a:": b"b:", b"a:keep:": b"a:keep:"}, b"a:keep:1", b"a:keep:1"),
    ],
)
def test_the_longest_prefix_counts(rules: dict[bytes, bytes], key: bytes, name: bytes) -> None:
    renaming = Renaming(rules)
    assert renaming.there(key) == name
    assert renaming.all_there([key, key]) == [name, name]
    assert key in renaming.back(name)


@given(RULES, NAMES)
def test_a_key_is_among_those_of_its_name(rules: dict[bytes, bytes], key: bytes) -> None:
    renaming = Renaming(rules)
    assert key in renaming.back(renaming.there(key))


@given(RULES, NAMES)
def test_the_keys_of_a_name_are_all_that_get_it(rules: dict[bytes, bytes], name: bytes) -> None:
    renaming = Renaming(rules)
    longest = max(map(len, [*rules, b""])) + len(name)
    everything = [
        bytes(letters)
        for length in range(min(longest, 6) + 1)
        for letters in itertools.product(b"ab:", repeat=length)
        if length <= 6
    ]
    assert {key for key in everything if renaming.there(key) == name} <= set(renaming.back(name))
    assert all(renaming.there(key) == name for key in renaming.back(name))


@given(RULES, st.lists(NAMES, max_size=8))
def test_without_suspects_no_two_keys_get_one_name(rules: dict[bytes, bytes], keys: list[bytes]) -> None:
    renaming = Renaming(rules)
    suspects = tuple(renaming.suspects)
    by_name: dict[bytes, list[bytes]] = {}
    for key in dict.fromkeys(keys):
        by_name.setdefault(renaming.there(key), []).append(key)
    for some in by_name.values():
        for one, other in itertools.combinations(some, 2):
            assert one.startswith(suspects) or other.startswith(suspects)
            assert other in renaming.rivals(one, renaming.there(one))
            assert renaming.there(one).startswith(renaming.doubtful)


@given(RULES, RULES, NAMES, NAMES)
def test_a_name_is_of_one_database_alone(
    mine: dict[bytes, bytes], its: dict[bytes, bytes], key: bytes, other_key: bytes
) -> None:
    mine, its = {b"": b"", **mine}, {b"": b"", **its}
    if set(mine.values()) & set(its.values()):
        return
    one, other = Renaming(mine, its.values()), Renaming(its, mine.values())
    name = one.there(key)
    assert not (one.back(name) and other.back(name))
    if one.owner(name) is not None:
        assert key.startswith(tuple(one.suspects))
        assert name.startswith(one.doubtful)
    if name == other.there(other_key):
        assert one.owner(name) is not None or other.owner(name) is not None


def test_what_is_not_chosen_is_no_rival() -> None:
    rules = {b"a:": b"b:"}
    assert Renaming(rules).rivals(b"a:1", b"b:1") == [b"b:1"]
    chosen = Renaming(rules, chosen=lambda key: not key.startswith(b"b:"))
    assert chosen.rivals(b"a:1", b"b:1") == []
    assert chosen.concerns(b"b:1")
    assert not chosen.concerns(b"a:1")


def test_names_that_none_of_its_keys_could_have_do_not_concern_it() -> None:
    renaming = Renaming({b"": b"db1:"})
    assert renaming.concerns(b"db1:x")
    assert not renaming.concerns(b"x")
    assert Renaming({b"a:": b"b:"}).back(b"a:1") == []


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(database_map={0: 3}),
        Selection(database_prefix={1: "db1:"}),
        Selection(rename={"a:": "a:"}),
        Selection(database_map={1: 3, 2: 3}, database_prefix={1: "one:", 2: "two:"}),
    ],
)
def test_a_database_without_a_rule_has_none(selection: Selection) -> None:
    assert selection.renaming(0) is None


def test_a_database_that_others_join_knows_what_is_theirs() -> None:
    selection = Selection(database_map={1: 0}, database_prefix={1: "db1:"})
    renaming = selection.renaming(0)
    assert renaming is not None
    assert renaming.there(b"x") == b"x"
    assert renaming.owner(b"db1:x") == b"db1:"
    assert not renaming.concerns(b"db1:x")


def test_rename_comes_before_the_prefix_of_the_database() -> None:
    renaming = Selection(database_prefix={2: "two:"}, rename={"old:": "new:"}).renaming(2)
    assert renaming is not None
    assert renaming.there(b"old:1") == b"two:new:1"
    assert renaming.there(b"1") == b"two:1"
    assert rules_of(b"two:", {b"old:": b"new:"}) == {b"": b"two:", b"old:": b"two:new:"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a:", b"a:"),
        ("ä:", b"\xc3\xa4:"),
        (r"\xff\x00", b"\xff\x00"),
        (r"\\xff", rb"\xff"),
        (r"\n\"", b'\n"'),
        ("\\q\\", b"\\q\\"),
    ],
)
def test_a_prefix_is_written_as_names_are_shown(text: str, name: bytes) -> None:
    assert as_name(text) == name


@given(st.binary(max_size=200))
def test_what_is_shown_can_be_written(name: bytes) -> None:
    assert as_name(printable(name)) == name


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"database_prefix": {"x": "a"}}, "database_prefix has an entry"),
        ({"database_prefix": {"-1": "a"}}, "from 0 on"),
        ({"database_prefix": {"1": 7}}, "database_prefix has an entry"),
        ({"rename": {"a": None}}, "rename has an entry"),
        ({"rename": {"a": "__redis_migration_tmp:"}}, "temporary keys"),
        ({"rename": {"a\\x3a": "b", "a:": "c"}}, "twice"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(RedisMigrationError, match=said):
        parse_selection(options)
