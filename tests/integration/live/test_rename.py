# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A source that is written to is followed under other names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import dataset
from tests.support.engine import RedisMigrationError
from tests.support.oracle import compare, report
from tests.support.renamed import undo
from tests.support.writers import Writers

from .conftest import SharedServer
from .test_follow import drained_behind, following, walked

JOINED: dict[str, Any] = {
    "database_map": {"3": 0, "7": 0},
    "database_prefix": {"0": "zero:", "3": "three:", "7": "seven:"},
}
NUMBERS = {b"zero": 0, b"three": 3, b"seven": 7}

# Each takes the names of the next: no key has another's name, but each comes to lie where one was.
ROUND = {"string:": "list:", "list:": "hash:", "hash:": "string:"}


def without_prefix(number: int, name: bytes) -> tuple[int, bytes]:
    if number:
        # Writers move keys to other databases too.
        return number, name
    prefix, _colon, key = name.partition(b":")
    return NUMBERS[prefix], key


def turned_back(number: int, name: bytes) -> tuple[int, bytes]:
    for old, new in ROUND.items():
        if name.startswith(new.encode()):
            return number, old.encode() + name[len(new) :]
    return number, name


@pytest.mark.parametrize("pair", [("redis-7.0", "redis-8.2"), ("redis-8.2", "redis-7.0")], ids="-to-".join)
def test_databases_are_joined_while_they_are_written_to(pair: tuple[str, str], shared_server: SharedServer) -> None:
    source, target = shared_server(pair[0]), shared_server(pair[1], 2)
    for number in (0, 3):
        dataset.fill_benchmark(source.client(number), "mixed", 1500)
    with (
        Writers(source, databases=(0, 3, 7), target=target) as writers,
        following(source, target, **JOINED) as follower,
    ):
        result = drained_behind(follower, writers)
    assert result.proved, (result.reason, result.failures[:3])
    undo(target, without_prefix)
    differences = compare(source, target)
    assert not differences, report(differences)


def test_prefixes_go_round_while_they_are_written_to(shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)
    with (
        Writers(source, databases=(0, 3), seed=5) as writers,
        following(source, target, rename=ROUND, large_key_bytes=500) as follower,
    ):
        result = drained_behind(follower, writers, 0.5, 1)
    assert result.proved, (result.reason, result.failures[:3])
    undo(target, turned_back)
    differences = compare(source, target)
    assert not differences, report(differences)


def test_a_key_that_takes_the_name_of_one_that_was_moved_is_kept(shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-7.0", 2)
    client, its = source.client(), target.client()
    client.mset({"old:1": "one", "old:2": "two", "x": "x"})
    with following(source, target, rename={"old:": "new:"}) as follower:
        walked(follower)
        assert its.get("new:1") == b"one"
        # The application itself begins to use the new names.
        client.rename("old:1", "new:1")
        client.set("new:3", "three")
        client.delete("old:2")
        follower.catch_up(max_lag_seconds=1, patience_seconds=10)
        result = follower.drain()
    assert result.proved, result.reason
    assert {name: its.get(name) for name in its.scan_iter()} == {b"new:1": b"one", b"new:3": b"three", b"x": b"x"}


@pytest.mark.parametrize("value", ["one", "another"])
def test_two_keys_of_one_name_are_not_proved_equal(shared_server: SharedServer, value: str) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-7.0", 2)
    client, its = source.client(), target.client()
    client.mset({"old:1": "one", "x": "x"})
    with following(source, target, rename={"old:": "new:"}) as follower:
        walked(follower)
        client.set("new:1", value)
        result = follower.drain(5)
        assert not result.proved
        assert {failure.key for failure in result.failures} <= {b"old:1", b"new:1"}
        assert its.get("new:1") == b"one"
        client.delete("new:1")
        result = follower.drain()
    assert result.proved, (result.reason, result.failures)
    assert its.get("new:1") == b"one"


def test_what_only_the_target_has_is_found_in_the_image_of_the_rule(shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-7.0", 2)
    source.client().set("a", "1")
    target.client().mset({"p:b": "theirs", "elsewhere": "theirs"})
    rules = {"database_prefix": {"0": "p:"}}
    with following(source, target, **rules) as follower:
        walked(follower)
        result = follower.drain()
    assert result.extra == {0: {b"p:b"}}
    with following(source, target, prune=True, **rules) as follower:
        walked(follower)
        assert follower.drain().proved
    assert set(target.client().scan_iter()) == {b"p:a", b"elsewhere"}


def test_streams_with_groups_are_looked_at_under_their_new_names(shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-7.0", 2)
    client = source.client()
    client.xadd("s", {"f": "v"}, id="1-1")
    client.xgroup_create("s", "g", "0")
    with following(source, target, database_prefix={"0": "p:"}) as follower:
        walked(follower)
        # No feed names this.
        client.xreadgroup("g", "c", {"s": ">"})
        result = follower.drain()
    assert result.proved, result.reason
    undo(target, lambda number, name: (number, name[2:]))
    differences = compare(source, target)
    assert not differences, report(differences)


def test_a_collision_is_found_before_anything_is_written(shared_server: SharedServer) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-7.0", 2)
    source.client().mset({"old:1": "one", "new:1": "another"})
    with (
        pytest.raises(RedisMigrationError, match="same name at the target"),
        following(source, target, rename={"old:": "new:"}),
    ):
        raise AssertionError("it has begun")
    assert target.client().dbsize() == 0
