# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names are chosen as Redis chooses them, and exactly those move."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.glob import compile_glob
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.name import printable
from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.engine import moved
from tests.support.oracle import compare, report
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]

_ALPHABET = [bytes([byte]) for byte in b"abAB-]^[\\*?\n\x00\xff0 "]
_NAMES = st.lists(st.sampled_from(_ALPHABET), max_size=8).map(b"".join)
_PATTERNS = st.lists(
    st.sampled_from([*_ALPHABET, b"[", b"[^", b"]", b"*", b"?", b"\\", b"a-b", b"b-a", b"[ab]", b"[^a]*", b"**"]),
    max_size=8,
).map(b"".join)


@pytest.fixture(scope="module", params=["redis-6.2", "redis-8.2"])
def matcher(request: pytest.FixtureRequest) -> Any:
    """Whether the server itself says that a pattern matches a name."""
    with RedisServer(request.param) as server, server.client() as client:

        def matches(pattern: bytes, name: bytes) -> bool:
            with client.pipeline(transaction=False) as pipeline:
                pipeline.flushdb()
                pipeline.set(name, b"")
                pipeline.execute_command("SCAN", 0, "MATCH", pattern)
                return bool(pipeline.execute()[-1][1])

        yield matches


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(pattern=_PATTERNS, name=_NAMES)
@example(pattern=b"[a-]", name=b"a")
@example(pattern=b"[a-]", name=b"]")
@example(pattern=b"[]", name=b"")
@example(pattern=b"[^]", name=b"a")
@example(pattern=b"[]a]", name=b"a")
@example(pattern=b"[a", name=b"a")
@example(pattern=b"[", name=b"[")
@example(pattern=b"[^", name=b"a")
@example(pattern=b"[\\", name=b"\\")
@example(pattern=b"[\\]]", name=b"]")
@example(pattern=b"[\\a-b]", name=b"-")
@example(pattern=b"[a-\\]", name=b"\\")
@example(pattern=b"a\\", name=b"a\\")
@example(pattern=b"\\*", name=b"*")
@example(pattern=b"*\n*", name=b"a\nb")
@example(pattern=b"", name=b"")
@example(pattern=b"?", name=b"\n")
@example(pattern=b"*a*b", name=b"aab")
@example(pattern=b"*[ab]*b?", name=b"abba")
def test_a_pattern_matches_what_the_server_matches(matcher: Any, pattern: bytes, name: bytes) -> None:
    assert bool(compile_glob(pattern).fullmatch(name)) == matcher(pattern, name)


NAMES = [
    b"app:1",
    b"app:2",
    b"app:10",
    b"APP:1",
    b"other",
    b"app:list",
    b"\xff\x01",
    b"back\\slash \\x00",
    b"a\x00b",
    b"*",
]


@pytest.mark.parametrize(
    ("match", "exclude", "expected"),
    [
        (["app:*"], [], {b"app:1", b"app:2", b"app:10", b"app:list"}),
        (["app:?"], [], {b"app:1", b"app:2"}),
        (["app:[0-9]*"], ["app:2"], {b"app:1", b"app:10"}),
        (["app:1", "other"], [], {b"app:1", b"other"}),
        ([], ["app:*", "APP:*", "stays"], {b"other", b"\xff\x01", b"back\\slash \\x00", b"a\x00b", b"*"}),
        (["\\xff*"], [], {b"\xff\x01"}),
        (["*\\x00*"], [], {b"a\x00b"}),
        (["back\\\\slash*"], [], {b"back\\slash \\x00"}),
        (["back\\\\slash \\\\x00"], [], {b"back\\slash \\x00"}),
        (["\\*"], [], {b"*"}),
        (["\\x2a"], [], {b"*"}),
        (["nothing*"], [], set()),
        (["app:*"], ["*"], set()),
    ],
)
def test_match_and_exclude(match: list[str], exclude: list[str], expected: set[bytes], server_pair: Pair) -> None:
    source, target = server_pair
    for name in NAMES:
        source.client(2).set(name, name)
    target.client(2).set("stays", 1)

    done = engine.migrate(source, target, match=match, exclude=exclude)

    assert done["totals"]["scanned"] == done["totals"]["copied"] == len(expected)
    assert set(target.client(2).keys()) == expected | {b"stays"}
    proved = engine.diff(source, target, match=match, exclude=exclude)
    assert proved["identical"]
    assert proved["totals"]["source_keys"] == len(expected)
    with_all = engine.diff(source, target)
    assert with_all["totals"]["missing"] == len(NAMES) - len(expected)
    assert with_all["totals"]["extra"] == 1


@pytest.mark.parametrize("name", dataset.AWKWARD_NAMES, ids=printable)
def test_a_name_in_a_result_makes_a_pattern_for_just_itself(name: bytes, server_pair: Pair) -> None:
    source, target = server_pair
    for other in dataset.AWKWARD_NAMES:
        source.client().set(other, "v")
    # What a result shows with a letter is a code in a pattern, and a wildcard wants a backslash.
    codes = {"\\a": "\\x07", "\\b": "\\x08", "\\n": "\\x0a", "\\r": "\\x0d", "\\t": "\\x09"}
    pattern = re.sub(
        r"\\.|[*?\[]", lambda part: codes.get(part[0], part[0] if len(part[0]) > 1 else "\\" + part[0]), printable(name)
    )
    done = engine.migrate(source, target, match=[pattern])
    assert target.client().keys() == [name]
    assert moved(done) == {"scanned": 1, "copied": 1}


@pytest.mark.parametrize("types", [["string"], ["hash", "stream"], ["zset"], ["string", "list", "set", "zset", "hash"]])
def test_types(types: list[str], server_pair: Pair) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0, 1))
    wanted: set[tuple[int, bytes]] = set()
    for number in (0, 1):
        with source.client(number) as client:
            wanted |= {(number, name) for name in client.scan_iter() if client.type(name).decode() in types}

    done = engine.migrate(source, target, types=types)

    assert moved(done) == {"scanned": len(wanted), "copied": len(wanted)}
    found = compare(source, target, databases=(0, 1), key_filter=lambda number, name: (number, name) in wanted)
    assert not found, report(found)
    assert sum(target.client(number).dbsize() for number in (0, 1)) == len(wanted)


def test_a_pattern_takes_no_longer_for_long_names(server_pair: Pair) -> None:
    """Names of a megabyte against wildcards that could match in a million ways each."""
    source, target = server_pair
    for number in range(3):
        source.client().set(b"ab" * 500_000 + b"%d" % number, number)
    done = engine.migrate(source, target, match=["*a*a*a*a*b*c*1", "**a**b**2"])
    assert moved(done) == {"scanned": 1, "copied": 1}


@pytest.mark.parametrize("strategy", ["copy", "migrate"])
def test_databases_change_places_between_servers(strategy: str, server_pair: Pair) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0, 1, 5))
    mapping = {"0": 1, "1": 0, "5": 12}

    done = engine.migrate(source, target, strategy=strategy, database_map=mapping)

    assert {number: counters["target_database"] for number, counters in done["databases"].items()} == mapping
    numbers = {int(here): there for here, there in mapping.items()}
    found = compare(source, target, database_map=numbers)
    assert not found, report(found)
    proved = engine.diff(source, target, database_map=mapping)
    assert proved["identical"]
    again = engine.migrate(source, target, strategy=strategy, database_map=mapping, prune=True)
    assert again["totals"]["unchanged"] == again["totals"]["scanned"]
    assert not again["changed"]


def test_chosen_databases_only(server_pair: Pair) -> None:
    source, target = server_pair
    for number in range(5):
        source.client(number).set("a", number)
    done = engine.migrate(source, target, databases=[1, 3, 9], database_map={"3": 4, "0": 7})
    assert moved(done) == {"scanned": 2, "copied": 2}
    assert set(target.client().info("keyspace")) == {"db1", "db4"}
    assert set(done["databases"]) == {"1", "3", "9"}


@pytest.mark.parametrize("strategy", ["copy", "migrate"])
def test_limits_are_kept(strategy: str, redis_server: ServerFactory) -> None:
    """Compared with what the same run takes unlimited: limits are lower bounds for time, whatever the machine does."""
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    dataset.fill_benchmark(source.client(), "strings100", 600)
    by_keys = engine.migrate(source, target, strategy=strategy, max_keys_per_second=400)
    target.client().flushall()
    by_bytes = engine.migrate(source, target, strategy=strategy, max_bytes_per_second=40_000)
    target.client().flushall()
    unlimited = engine.migrate(source, target, strategy=strategy, max_keys_per_second=0, max_bytes_per_second=0)
    for done in (by_keys, by_bytes, unlimited):
        assert moved(done) == {"scanned": 600, "copied": 600}
    # A tenth of a second's worth may go at once.
    assert by_keys["elapsed_seconds"] > 600 / 400 - 0.2
    assert by_bytes["elapsed_seconds"] > 600 * 100 / 40_000 - 0.2
    assert unlimited["elapsed_seconds"] < by_keys["elapsed_seconds"]
