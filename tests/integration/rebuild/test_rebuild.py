# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys move by ordinary commands: across formats, with everything that a client can see, under every rule."""

from __future__ import annotations

import time

import pytest

from tests.conftest import ServerFactory, soak
from tests.support import dataset, engine, large_keys
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.servers import RedisServer, raw_connection

Pair = tuple[RedisServer, RedisServer]


def _equal(source: RedisServer, target: RedisServer) -> None:
    found = compare(source, target)
    assert not found, report(found)
    assert not large_keys.temporary(target.client())


def _knows_field_ttl(server: RedisServer) -> bool:
    return server.binary.version >= ((9, 0, 0) if server.binary.flavor == "valkey" else (7, 4, 0))


def test_a_target_that_cannot_read_the_payloads_gets_equal_data(downgrade_pair: Pair) -> None:
    source, target = downgrade_pair
    filled = dataset.fill(source.client, size="medium")
    if _knows_field_ttl(source) and _knows_field_ttl(target):
        dataset.fill_hash_ttls(source.client())
    keys = sum(source.client(number).dbsize() for number in filled.keys)
    source.client().config_resetstat()

    done = engine.migrate(source, target, strategy="auto")

    assert done["strategy"] == "rebuild"
    assert "does not read" in done["strategy_reason"]
    assert engine.moved(done) == {"scanned": keys, "copied": keys}, done["failures"]
    assert done["totals"]["rebuilt"] == keys
    assert source.write_calls() == 0
    _equal(source, target)
    assert engine.diff(source, target)["identical"]

    target.client().config_resetstat()
    again = engine.migrate(source, target, strategy="auto", prune=True)
    assert engine.moved(again) == {"scanned": keys, "unchanged": keys}
    assert target.write_calls() == 0


@pytest.mark.parametrize("name", ["redis-8.2", "valkey-9"])
def test_field_expiries_arrive_to_the_millisecond(name: str, redis_server: ServerFactory) -> None:
    source, target = redis_server(name), redis_server(name)
    client = source.client()
    dataset.fill_hash_ttls(client)
    large_keys.write(client, "hash", "large", 20_000)
    now = int(time.time() * 1000)
    for number in range(0, 20_000, 100):
        client.execute_command("HPEXPIREAT", "large", now + 3_600_000 + number % 7, "FIELDS", 1, f"field:{number}")
    client.hset("passing", mapping={"stays": 1, "goes": 2})
    client.execute_command("HPEXPIRE", "passing", 1, "FIELDS", 1, "goes")
    keys = client.dbsize()

    done = engine.migrate(source, target, strategy="rebuild")

    assert engine.moved(done) == {"scanned": keys, "copied": keys}, done["failures"]
    _equal(source, target)
    assert target.client().hkeys("passing") == [b"stays"]
    assert engine.diff(source, target)["identical"]
    # A difference in one expiry of a large hash is seen.
    target.client().execute_command("HPERSIST", "large", "FIELDS", 1, "field:100")
    (found,) = engine.diff(source, target)["differences"]
    assert (found["key"], found["kind"]) == ("large", "ttl")


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("elements", [10, 20_000])
def test_field_expiries_that_the_target_cannot_hold_are_reported(
    elements: int, check: bool, redis_server: ServerFactory
) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    large_keys.write(source.client(), "hash", "timed", elements)
    source.client().execute_command("HEXPIRE", "timed", 1000, "FIELDS", 1, f"field:{elements - 1}")
    source.client().hset("plain", "a", 1)

    done = engine.migrate(source, target, strategy="auto", check=check)

    assert engine.moved(done) == {"scanned": 2, "copied": 1, "failed": 1}
    (failure,) = done["failures"]
    assert (failure["key"], failure["type"]) == ("timed", "hash")
    assert "expire" in failure["reason"]
    assert "HPERSIST" in failure["hint"]
    assert target.client().keys() == ([] if check else [b"plain"])


def test_a_type_of_a_module_is_reported(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("valkey-9")
    source.client().execute_command("VADD", "vectors", "VALUES", 3, 1, 2, 3, "element")
    source.client().set("plain", "a")

    planned = engine.migrate(source, target, strategy="auto", check=True)
    done = engine.migrate(source, target, strategy="auto")

    for result in (planned, done):
        assert engine.moved(result) == {"scanned": 2, "copied": 1, "failed": 1}
        (failure,) = result["failures"]
        assert (failure["key"], failure["type"]) == ("vectors", "vectorset")
        assert "module" in failure["hint"]
    assert target.client().keys() == [b"plain"]


def test_a_type_of_a_module_moves_to_a_server_that_has_it(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    source.client().execute_command("VADD", "vectors", "VALUES", 3, 1, 2, 3, "element")

    done = engine.migrate(source, target, strategy="rebuild")

    assert engine.moved(done) == {"scanned": 1, "copied": 1}, done["failures"]
    assert done["totals"]["rebuilt"] == 0
    assert target.client().execute_command("VCARD", "vectors") == 1


def _awkward_streams(server: RedisServer) -> None:
    client = server.client()
    # Pending entries whose entries are gone: deleted in the middle, at both ends, trimmed; two groups, one at ID 0-1.
    for number in range(1, 1001):
        client.xadd("gone", {"n": number}, id=f"0-{number}")
    client.xgroup_create("gone", "a", id="0")
    client.xgroup_create("gone", b"b\x00\xff", id="0-900")
    for count, consumer in ((300, "one"), (1, "two"), (250, "three")):
        client.xreadgroup("a", consumer, {"gone": ">"}, count=count)
        time.sleep(0.003)
    client.xreadgroup(b"b\x00\xff", "only", {"gone": ">"})
    client.xclaim("gone", "a", "two", 0, ["0-7", "0-9"], retrycount=41, time=1_600_000_000_123)
    client.xdel("gone", "0-1", "0-9", "0-500", "0-950", "0-1000")
    client.xtrim("gone", minid="0-100", approximate=False)
    # Nothing left of the entries, all still pending.
    for number in range(1, 11):
        client.xadd("all gone", {"n": number}, id=f"{number}-1")
    client.xgroup_create("all gone", "g", id="0")
    client.xreadgroup("g", "c", {"all gone": ">"})
    client.xtrim("all gone", maxlen=0, approximate=False)
    # A consumer without anything, groups without consumers, no entry ever.
    client.xgroup_create("never", "g", id="0", mkstream=True)
    client.execute_command("XGROUP", "CREATECONSUMER", "never", "g", "idle")
    client.xgroup_create("never", "ahead", id="77-7")
    client.execute_command("XGROUP", "CREATE", "empty", "g", "0", "MKSTREAM")
    client.execute_command("XGROUP", "DESTROY", "empty", "g")
    client.xadd("last id", {"a": 1}, id="5-5")
    client.xdel("last id", "5-5")
    client.xadd("largest id", {"a": 1}, id="18446744073709551615-18446744073709551615")
    client.xadd("ahead", {"a": 1}, id="1-1")
    client.execute_command("XSETID", "ahead", "18446744073709551615-0")


def _pending(server: RedisServer, key: bytes) -> list[object]:
    """Of every group the pending entries: ID, consumer, time of delivery, deliveries."""
    with server.client() as client, raw_connection(client) as connection:
        connection.send_command("XINFO", "STREAM", key, "FULL", "COUNT", 0)
        stream = connection.read_response()
    groups = dict(zip(stream[::2], stream[1::2]))[b"groups"]
    return [dict(zip(group[::2], group[1::2]))[b"pending"] for group in groups]


@pytest.mark.parametrize("expires", [False, True], ids=["lasting", "expiring"])
def test_streams_keep_what_refers_to_entries_that_are_gone(downgrade_pair: Pair, expires: bool) -> None:
    source, target = downgrade_pair
    _awkward_streams(source)
    client = source.client()
    if expires:
        for key in client.keys():
            client.pexpire(key, 3_600_000)
    keys = client.dbsize()

    done = engine.migrate(source, target, strategy="auto")

    assert engine.moved(done) == {"scanned": keys, "copied": keys}, done["failures"]
    _equal(source, target)
    # Not only about then: at the same millisecond.
    for key in client.keys():
        mine, its = (_pending(server, key) for server in (source, target))
        assert mine == its, key
    assert engine.diff(source, target)["identical"]


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        (elements, kind) if elements == 20 or kind == "hash" else soak(elements, kind)
        for elements in (20, 15_000)
        for kind in large_keys.KINDS
    ],
)
def test_rules_for_keys_that_the_target_holds(kind: str, elements: int, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    for key in ("equal", "other", "timed", "new"):
        large_keys.write(source.client(), kind, key, elements)
    source.client().expire("timed", 5000)

    def prepare() -> None:
        target.client().flushall()
        large_keys.write(target.client(), kind, "equal", elements)
        target.client().rename("equal", "kept")
        engine.migrate(source, target, strategy="rebuild", match=["equal"])
        target.client().set("other", "what was there")
        large_keys.write(target.client(), kind, "timed", 3 if kind != "stream" else 30)
        target.client().expire("timed", 50)

    counted = {
        "update": {"scanned": 4, "copied": 1, "updated": 2, "unchanged": 1},
        "replace": {"scanned": 4, "copied": 1, "updated": 3},
        "skip": {"scanned": 4, "copied": 1, "skipped": 3},
        "fail": {"scanned": 4, "copied": 1, "failed": 3},
    }
    for policy, expected in counted.items():
        prepare()
        target.client().config_resetstat()
        planned = engine.migrate(source, target, strategy="rebuild", existing_keys=policy, check=True)
        assert target.write_calls() == 0
        done = engine.migrate(source, target, strategy="rebuild", existing_keys=policy)
        assert engine.moved(planned) == engine.moved(done) == expected, (policy, done["failures"])
        written = ("equal", "new") if policy in ("skip", "fail") else ("equal", "other", "timed", "new")
        found = compare(source, target, key_filter=lambda _database, key, names=written: key.decode() in names)
        assert not found, (policy, report(found))
        if policy in ("skip", "fail"):
            assert target.client().get("other") == b"what was there"
        assert target.client().exists("kept")
        assert not large_keys.temporary(target.client())


@pytest.mark.parametrize("kind", large_keys.KINDS)
@pytest.mark.parametrize("elements", [20, 15_000])
def test_a_key_that_somebody_writes_at_the_last_moment_is_not_overwritten(
    kind: str, elements: int, redis_server: ServerFactory
) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    large_keys.write(source.client(), kind, "key", elements)
    with FaultProxy(target.port, redis=True) as proxy:
        other = target.client()
        proxy.on_command("EXEC", lambda: other.set("key", "somebody else's"), skip=1)
        done = engine.migrate(source, target.endpoint(port=proxy.port), strategy="rebuild", existing_keys="fail")
    assert engine.moved(done) == {"scanned": 1, "failed": 1}
    assert "already holds" in done["failures"][0]["reason"]
    assert other.get("key") == b"somebody else's"
    assert not large_keys.temporary(other)


def test_what_expires_on_the_way_has_vanished(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    client = source.client()
    for kind in large_keys.KINDS:
        large_keys.write(client, kind, f"small {kind}", 20)
        large_keys.write(client, kind, f"large {kind}", 20_000)
    with FaultProxy(target.port, redis=True) as proxy:
        # Everything is read before the first key reaches the target (an empty transaction goes ahead), and over then.
        for key in client.keys():
            client.pexpire(key, 1500)
        proxy.on_command("MULTI", lambda: time.sleep(2), skip=1)
        done = engine.migrate(source, target.endpoint(port=proxy.port), strategy="rebuild")
    assert engine.moved(done) == {"scanned": 12, "vanished": 12}, done["failures"]
    # DBSIZE would also count what is over and not yet removed.
    assert target.client().keys() == []


def test_copy_rebuilds_what_the_target_refuses_to_read(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    filled = dataset.fill(source.client)
    strings = sum(
        kind == b"string"
        for number in filled.keys
        for kind in map(source.client(number).type, source.client(number).keys())
    )

    done = engine.migrate(source, target, strategy="copy")

    assert done["strategy"] == "copy"
    assert engine.moved(done) == {"scanned": filled.total, "copied": filled.total}, done["failures"]
    assert done["totals"]["rebuilt"] == filled.total - strings
    _equal(source, target)


@pytest.mark.parametrize("strategy", ["copy", "migrate"])
def test_large_keys_are_moved_in_pieces_whatever_the_strategy(strategy: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    dataset.fill(source.client, databases=[0])
    for kind in large_keys.KINDS:
        large_keys.write(source.client(), kind, f"large {kind}", 25_000)
    keys = source.client().dbsize()
    large = [key for key in source.client().keys() if source.client().memory_usage(key) > 200_000]
    to = target.endpoint(backend={"host": "127.0.0.1", "port": target.port})

    done = engine.migrate(source, to, strategy=strategy, large_key_bytes=200_000)

    assert engine.moved(done) == {"scanned": keys, "copied": keys}, done["failures"]
    assert len(large_keys.KINDS) <= done["totals"]["rebuilt"] <= len(large)
    _equal(source, target)

    target.client().flushall()
    whole = engine.migrate(source, to, strategy=strategy, large_key_bytes=0)
    assert engine.moved(whole) == {"scanned": keys, "copied": keys}
    assert whole["totals"]["rebuilt"] == 0


@pytest.mark.parametrize("kind", large_keys.KINDS)
def test_the_limit_of_bytes_holds_within_a_large_key(kind: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    large_keys.write(source.client(), kind, "key", 100_000 if kind == "string" else 20_000)
    size = int(source.client().memory_usage("key"))
    began = time.monotonic()
    done = engine.migrate(source, target, strategy="rebuild", max_bytes_per_second=size // 2)
    taken = time.monotonic() - began
    assert engine.moved(done) == {"scanned": 1, "copied": 1}
    # The first piece may go at once, and of a stream the room that pending entries take is not read as entries.
    assert taken > 1
    _equal(source, target)
