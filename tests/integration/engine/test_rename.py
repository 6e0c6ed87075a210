# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys get other names at the target: prefixes replaced, databases joined; and no two keys one name."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.engine import RedisMigrationError, moved
from tests.support.oracle import compare, report
from tests.support.renamed import undo
from tests.support.servers import RedisServer

Ends = tuple[RedisServer, RedisServer]

PAIRS = {
    "6.2-to-8.2": ("redis-6.2", "redis-8.2"),
    "8.2-to-7.0": ("redis-8.2", "redis-7.0"),
    "7.0-to-valkey": ("redis-7.0", "valkey-9"),
}

JOINED: dict[str, Any] = {
    "database_map": {"1": 0, "5": 0, "15": 0},
    "database_prefix": {"0": "db0:", "1": "db1:", "5": "db5:", "15": "db15:"},
}


@pytest.fixture(params=PAIRS.values(), ids=list(PAIRS))
def pair(request: pytest.FixtureRequest, redis_server: ServerFactory) -> Ends:
    source, target = request.param
    return redis_server(source), redis_server(target)


@pytest.fixture
def ends(redis_server: ServerFactory) -> Ends:
    return redis_server("redis-7.0"), redis_server("redis-7.0")


def without_prefix(number: int, name: bytes) -> tuple[int, bytes]:
    """Of JOINED."""
    assert number == 0
    prefix, _colon, key = name.partition(b":")
    return int(prefix.removeprefix(b"db")), key


def names(server: RedisServer, database: int = 0) -> set[bytes]:
    with server.client(database) as client:
        return set(client.scan_iter(count=1000))


def put(server: RedisServer, *keys: str | bytes, database: int = 0, value: str | None = None) -> None:
    with server.client(database) as client:
        for key in keys:
            client.set(key, key if value is None else value)


@pytest.mark.parametrize("strategy", ["auto", "copy", "rebuild"])
def test_databases_are_joined_with_keys_of_all_types(pair: Ends, strategy: str) -> None:
    source, target = pair
    filled = dataset.fill(source.client)
    done = engine.migrate(source, target, strategy=strategy, **JOINED)
    assert moved(done) == {"scanned": filled.total, "copied": filled.total}
    again = engine.migrate(source, target, strategy=strategy, prune=True, **JOINED)
    assert moved(again) == {"scanned": filled.total, "unchanged": filled.total}
    for level in ("keys", "metadata", "values"):
        found = engine.diff(source, target, level=level, **JOINED)
        assert found["identical"], found["differences"][:5]
        assert found["totals"]["source_keys"] == found["totals"]["target_keys"] == filled.total
    undo(target, without_prefix)
    differences = compare(source, target)
    assert not differences, report(differences)


def test_large_keys_come_in_pieces_under_their_new_names(ends: Ends) -> None:
    source, target = ends
    filled = dataset.fill(source.client, databases=(0, 1))
    rules = {"database_prefix": {"0": "a:", "1": "b:"}, "large_key_bytes": 4000}
    assert moved(engine.migrate(source, target, **rules))["copied"] == filled.total
    assert not any(name.startswith(b"__redis") for name in names(target) | names(target, 1))
    undo(target, lambda number, name: (number, name[2:]))
    differences = compare(source, target)
    assert not differences, report(differences)


def test_fields_that_expire_keep_their_times(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("valkey-9")
    with source.client() as client:
        dataset.fill_hash_ttls(client)
    rules = {"database_prefix": {"0": "a:"}}
    engine.migrate(source, target, strategy="auto", **rules)
    assert engine.diff(source, target, **rules)["identical"]
    assert moved(engine.migrate(source, target, strategy="auto", **rules)).keys() == {"scanned", "unchanged"}
    undo(target, lambda number, name: (number, name[2:]))
    differences = compare(source, target)
    assert not differences, report(differences)


@pytest.mark.parametrize(
    ("rename", "there"),
    [
        ({"a:": "b:", "b:": "a:"}, {b"a:1": b"b:1", b"b:1": b"a:1", b"b:": b"a:", b"c": b"c"}),
        ({"a:": "1:", "a:b:": "2:"}, {b"a:b:c": b"2:c", b"a:b": b"1:b", b"a:": b"1:", b"a:b:": b"2:"}),
        ({"a:": ""}, {b"a:1": b"1", b"a:": b""}),
        ({"": "z:"}, {b"": b"z:", b"z:": b"z:z:", b"1": b"z:1"}),
        ({r"\xff\x00\n": r"\xfe\\ "}, {b"\xff\x00\n\xfd": b"\xfe\\ \xfd", b"x": b"x"}),
        ({"ä:": "ö:"}, {"ä:ü".encode(): "ö:ü".encode()}),
        ({"a:": "b:", "a:keep": "a:keep"}, {b"a:keep1": b"a:keep1", b"a:1": b"b:1"}),
    ],
    ids=["swap", "longest", "to-nothing", "from-nothing", "bytes", "text", "exception"],
)
def test_prefixes_are_replaced(ends: Ends, rename: dict[str, str], there: dict[bytes, bytes]) -> None:
    source, target = ends
    put(source, *there)
    done = engine.migrate(source, target, rename=rename, prune=True)
    assert moved(done)["copied"] == len(there)
    with target.client() as client:
        assert {key: client.get(name) for key, name in there.items()} == {key: key for key in there}
    assert names(target) == set(there.values())
    assert moved(engine.migrate(source, target, rename=rename, prune=True)).keys() == {"scanned", "unchanged"}
    assert engine.diff(source, target, rename=rename)["identical"]


def test_match_and_exclude_are_about_the_source(ends: Ends) -> None:
    source, target = ends
    put(source, "old:1", "old:2", "other")
    put(target, "new:3", "new:2", "other2")
    chosen = {"rename": {"old:": "new:"}, "match": ["old:*"], "exclude": ["old:2"]}
    found = engine.diff(source, target, **chosen)
    assert {one["key"]: one["kind"] for one in found["differences"]} == {"old:1": "missing", "new:3": "extra"}
    assert moved(engine.migrate(source, target, prune=True, **chosen)) == {"scanned": 1, "copied": 1, "pruned": 1}
    assert names(target) == {b"new:1", b"new:2", b"other2"}


@pytest.mark.parametrize("level", ["keys", "values"])
def test_what_differs_is_found_under_the_rule(ends: Ends, level: str) -> None:
    source, target = ends
    put(source, "old:1", "old:2", "old:3", database=1)
    rules = {"database_map": {"1": 0}, "database_prefix": {"1": "db1:"}, "rename": {"old:": "new:"}}
    engine.migrate(source, target, **rules)
    put(target, "db1:new:2", value="changed")
    put(target, "db1:new:4", "db1:old:5", "elsewhere")
    with target.client() as client:
        client.delete("db1:new:1")
    found = engine.diff(source, target, level=level, **rules)
    kinds = {(one["database"], one["key"]): one["kind"] for one in found["differences"]}
    expected = {(1, "old:1"): "missing", (1, "db1:new:4"): "extra"}
    assert kinds == expected | ({(1, "old:2"): "value"} if level == "values" else {})
    done = engine.migrate(source, target, prune=True, databases=[1], **rules)
    assert moved(done) == {"scanned": 3, "copied": 1, "updated": 1, "unchanged": 1, "pruned": 1}
    # What none of the source's keys would be called is nobody's business.
    assert names(target) == {b"db1:new:1", b"db1:new:2", b"db1:new:3", b"db1:old:5", b"elsewhere"}


@pytest.mark.parametrize("policy", ["update", "replace", "skip", "fail"])
def test_keys_that_are_there_under_the_new_name(ends: Ends, policy: str) -> None:
    source, target = ends
    put(source, "a:1", "a:2")
    put(target, "b:1", "a:2", value="theirs")
    done = engine.migrate(source, target, rename={"a:": "b:"}, existing_keys=policy)
    with target.client() as client:
        kept = client.get("b:1") == b"theirs"
        assert client.get("b:2") == b"a:2"
        assert client.get("a:2") == b"theirs"
    assert kept == (policy in ("skip", "fail"))
    if policy == "fail":
        (failure,) = done["failures"]
        assert (failure["key"], "'b:1' there" in failure["reason"]) == ("a:1", True)


# -- collisions ---------------------------------------------------------------------------------------------------


def refused(source: RedisServer, target: RedisServer, **options: Any) -> RedisMigrationError:
    with pytest.raises(RedisMigrationError) as caught:
        engine.migrate(source, target, **options)
    assert names(target) == set()
    return caught.value


def test_a_key_that_has_the_new_name_already_is_found_before_anything_is_written(ends: Ends) -> None:
    source, target = ends
    put(source, *[f"x:{number}" for number in range(3000)], "a:1", "a:2", "b:2", "b:3")
    error = refused(source, target, rename={"a:": "b:"})
    assert "'a:2' of the same database would have the same name at the target, 'b:2'" in error.message
    assert "exclude" in (error.hint or "")
    # Without such a pair the same rule is fine, and what is left out is no rival.
    done = engine.migrate(source, target, rename={"a:": "b:"}, exclude=["b:2"])
    assert done["totals"]["copied"] == 3003
    with target.client() as client:
        assert [client.get(name) for name in ("b:1", "b:2", "b:3")] == [b"a:1", b"a:2", b"b:3"]


@pytest.mark.parametrize(
    ("rename", "keys"),
    [
        ({"a:": "x:", "b:": "x:"}, ("a:1", "b:1")),
        ({"a:": "x:", "b:": "x:y:"}, ("a:y:1", "b:1")),
        ({"a:": ""}, ("a:1", "1")),
        ({"": "z:", "a:": ""}, ("1", "a:z:1")),
        ({r"\xff": r"\xfe*"}, (b"\xffa", b"\xfe*a")),
    ],
)
def test_each_sort_of_rivals_is_found(ends: Ends, rename: dict[str, str], keys: tuple[Any, Any]) -> None:
    source, target = ends
    put(source, keys[0])
    assert moved(engine.migrate(source, target, rename=rename)) == {"scanned": 1, "copied": 1}
    target.admin().flushall()
    put(source, keys[1])
    assert "would have the same name at the target" in refused(source, target, rename=rename).message
    found = engine.diff(source, target, rename=rename)
    assert not found["identical"]


def test_a_collision_is_found_in_check_mode(ends: Ends) -> None:
    source, target = ends
    put(source, "a:1", "b:1")
    with pytest.raises(RedisMigrationError, match="same name"):
        engine.migrate(source, target, check=True, rename={"a:": "b:"})


def test_a_comparison_does_not_take_two_keys_for_one(ends: Ends) -> None:
    source, target = ends
    put(source, "a:1", value="same")
    engine.migrate(source, target, rename={"a:": "b:"})
    put(source, "b:1", value="same")
    for level in ("keys", "metadata", "values"):
        found = engine.diff(source, target, level=level, rename={"a:": "b:"})
        assert {one["key"]: one["kind"] for one in found["differences"]} == {"a:1": "value", "b:1": "value"}


def test_a_key_that_comes_later_overwrites_none(ends: Ends) -> None:
    source, target = ends
    put(source, "a:1", *[f"x:{number}" for number in range(20000)])
    run = engine.migration(source, target, rename={"a:": "b:"})
    run.run(0.01)
    put(source, "b:1")
    progress = engine.resumed(run).run()
    failures = {failure.key: failure.reason for failure in progress.failures}
    assert all("same name" in reason for reason in failures.values())
    assert failures.keys() <= {b"a:1", b"b:1"}
    with target.client() as client:
        assert client.get("b:1") in (b"a:1", b"b:1", None)


# -- joined databases ---------------------------------------------------------------------------------------------


def test_databases_that_nothing_keeps_apart_are_refused(ends: Ends) -> None:
    source, target = ends
    put(source, "x")
    put(source, "y", database=1)
    error = refused(source, target, database_map={"1": 0})
    assert "Databases 0 and 1" in error.message
    assert '"1": "db1:"' in (error.hint or "")
    error = refused(source, target, database_map={"1": 0}, database_prefix={"0": "a:", "1": "a:"})
    assert "names of both may begin with 'a:'" in error.message
    same = {"database_map": {"1": 0}, "database_prefix": {"0": "a:", "1": "b:"}, "rename": {"": "c"}}
    assert moved(engine.migrate(source, target, **same)) == {"scanned": 2, "copied": 2}
    assert names(target) == {b"a:cx", b"b:cy"}


def test_one_of_joined_databases_may_go_without_a_prefix(ends: Ends) -> None:
    source, target = ends
    put(source, "x", "y")
    put(source, "x", "z", database=1)
    rules = {"database_map": {"1": 0}, "database_prefix": {"1": "db1:"}}
    done = engine.migrate(source, target, prune=True, **rules)
    assert moved(done) == {"scanned": 4, "copied": 4}
    assert names(target) == {b"x", b"y", b"db1:x", b"db1:z"}
    # One of them alone leaves those of the other alone.
    done = engine.migrate(source, target, prune=True, databases=[0], **rules)
    assert moved(done) == {"scanned": 2, "unchanged": 2}
    assert engine.diff(source, target, **rules)["identical"]
    with source.client() as client:
        client.delete("x")
    assert moved(engine.migrate(source, target, prune=True, **rules))["pruned"] == 1
    assert names(target) == {b"y", b"db1:x", b"db1:z"}


def test_a_key_that_lies_where_another_database_goes_is_found_before_anything_is_written(ends: Ends) -> None:
    source, target = ends
    put(source, "x", "db1:q")
    put(source, "x", database=1)
    rules = {"database_map": {"1": 0}, "database_prefix": {"1": "db1:"}}
    error = refused(source, target, **rules)
    assert "'db1:q'" in error.message
    assert "of another database" in error.message
    assert moved(engine.migrate(source, target, exclude=["db1:*"], **rules))["copied"] == 2


def test_four_databases_in_slices(ends: Ends) -> None:
    source, target = ends
    for number in range(4):
        put(source, *[f"k:{at}" for at in range(6000)], database=number)
    rules = {
        "database_map": {str(number): 0 for number in range(1, 4)},
        "database_prefix": {str(number): f"db{number}:" for number in range(4)},
    }
    done, slices = engine.migrate_in_slices(source, target, 0.02, **rules)
    assert slices > 1
    assert moved(done) == {"scanned": 24000, "copied": 24000}
    found, _slices = engine.diff_in_slices(source, target, 0.05, **rules)
    assert found["identical"]
    assert len(names(target)) == 24000


# -- strategies ---------------------------------------------------------------------------------------------------


def test_migrate_cannot_rename(ends: Ends) -> None:
    source, target = ends
    put(source, "a:1")
    backend = {"host": "127.0.0.1", "port": target.port}
    with_backend = {**target.endpoint(), "backend": backend}
    with pytest.raises(RedisMigrationError, match="MIGRATE keeps their names"):
        engine.migrate(source, with_backend, strategy="migrate", rename={"a:": "b:"})
    done = engine.migrate(source, with_backend, strategy="auto", rename={"a:": "b:"})
    assert done["strategy"] == "copy"
    assert "MIGRATE keeps their names" in done["strategy_reason"]
    assert names(target) == {b"b:1"}


def test_a_failed_key_is_named_as_the_source_names_it(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    with source.client() as client:
        dataset.fill_hash_ttls(client)
    done = engine.migrate(source, target, strategy="auto", rename={"hash:": "h:"})
    assert done["totals"]["failed"] == 5
    assert all(failure["key"].startswith("hash:") for failure in done["failures"])
    assert base64.b64decode(done["failures"][0]["key_base64"]).startswith(b"hash:")
