# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Large keys on their way in pieces, and what can happen to them: kills, cuts, writers, lost beginnings."""

from __future__ import annotations

import threading
import time

import pytest

from tests.conftest import ServerFactory
from tests.support import engine, large_keys
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.run import StartedModule, run_module
from tests.support.servers import RedisServer

_ELEMENTS = 30_000

# The commands by which a piece of a key is read, and written.
_READ = {"string": "GETRANGE", "list": "LRANGE", "set": "SSCAN", "hash": "HSCAN", "zset": "ZSCAN", "stream": "XRANGE"}
_WRITE = {"string": "SETRANGE", "list": "RPUSH", "set": "SADD", "hash": "HSET", "zset": "ZADD", "stream": "XADD"}


def _write(server: RedisServer, kind: str) -> None:
    large_keys.write(server.client(), kind, "key", 10 * _ELEMENTS if kind == "string" else _ELEMENTS)


def _equal(source: RedisServer, target: RedisServer) -> None:
    found = compare(source, target)
    assert not found, report(found)
    assert not large_keys.temporary(target.client())


def _wait_for_temporary(server: RedisServer) -> None:
    deadline = time.monotonic() + 30
    with server.client() as client:
        while not large_keys.temporary(client):
            assert time.monotonic() < deadline, "no temporary key within 30 s"
            time.sleep(0.001)


@pytest.mark.parametrize("kind", large_keys.KINDS)
def test_a_run_killed_in_the_middle_is_finished_by_the_next(kind: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    _write(source, kind)
    with FaultProxy(source.port, bandwidth=1_000_000) as slow:
        options = {"source": source.endpoint(port=slow.port), "target": target.endpoint(), "strategy": "auto"}
        running = StartedModule("redis_migrate_keys", options)
        _wait_for_temporary(target)
        running.kill()
        assert not running.wait().result
    (left,) = large_keys.temporary(target.client())
    assert 0 < target.client().pttl(left) <= 600_000
    assert not target.client().exists("key")
    # It is nobody's data.
    difference = engine.diff(source, target)
    assert (difference["totals"]["extra"], difference["totals"]["missing"]) == (0, 1)

    planned = engine.migrate(source, target, strategy="auto", prune=True, check=True)
    assert engine.moved(planned) == {"scanned": 1, "copied": 1}
    assert large_keys.temporary(target.client()) == [left]

    done = run_module("redis_migrate_keys", **{**options, "source": source.endpoint()}).ok
    assert engine.moved(done) == {"scanned": 1, "copied": 1}
    _equal(source, target)


def test_leftovers_go_with_any_strategy_and_are_not_moved_on(server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    for server in server_pair:
        server.client().hset("__redis_migration_tmp:{1}:0123456789abcdef:5", "half", "done")
    source.client().set("key", "value")
    target.client().mset({f"stale:{number}": "" for number in range(20)})

    planned = engine.migrate(source, target, check=True)
    assert engine.moved(planned) == {"scanned": 1, "copied": 1}
    assert large_keys.temporary(target.client())
    done = engine.migrate(source, target, prune=True)

    assert engine.moved(done) == {"scanned": 1, "copied": 1, "pruned": 20}
    assert target.client().keys() == [b"key"]
    # The source's own is not touched, and not reported as missing either, though the source counts it.
    assert large_keys.temporary(source.client())
    for level in ("keys", "ttl", "values"):
        assert engine.diff(source, target, level=level)["identical"]


@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize("kind", large_keys.KINDS)
def test_cuts_in_the_middle_cost_a_piece_and_not_the_key(kind: str, end: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    _write(source, kind)
    source.client().pexpire("key", 3_600_000)
    source.client().config_resetstat()
    server = source if end == "source" else target
    with FaultProxy(server.port) as proxy:
        # Half of them meet the list of commands, which a source is asked for before the first key.
        proxy.cut_after(100_000, "to_client" if end == "source" else "to_server", times=8 if end == "source" else 4)
        ends = {"source": source.endpoint(), "target": target.endpoint(), end: server.endpoint(port=proxy.port)}
        done = engine.migrate(ends["source"], ends["target"], strategy="rebuild")

    assert engine.moved(done) == {"scanned": 1, "copied": 1}, done["failures"]
    assert done["reconnects"] >= 3
    _equal(source, target)
    # Begun anew, it would have been read several times; to be sure of it, it is compared once. Pending entries of a
    # stream are added twice.
    reads = source.command_calls()[_READ[kind].lower()]
    writes = target.command_calls()[_WRITE[kind].lower()]
    assert reads < 250, reads
    assert writes < (1.5 * _ELEMENTS if kind == "stream" else 250), writes


@pytest.mark.parametrize("kind", large_keys.KINDS)
def test_random_cuts_at_both_ends_leave_equal_data(kind: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    _write(source, kind)
    with FaultProxy(source.port, redis=True) as here, FaultProxy(target.port, redis=True) as there:

        def cut() -> None:
            for count in (3_001, 77_777, 140_011):
                here.cut_after(count, "to_client", times=2)
                here.cut_after(count // 40, "to_server", times=2)
                there.cut_after(count, "to_server", times=2)
                there.cut_after(count // 40, "to_client", times=2)

        # Once it is under way; orders to a proxy come from another thread.
        there.on_command("PEXPIRE", lambda: threading.Thread(target=cut).start(), skip=1)
        done = engine.migrate(source.endpoint(port=here.port), target.endpoint(port=there.port), strategy="rebuild")
    assert engine.moved(done) == {"scanned": 1, "copied": 1}, done["failures"]
    assert done["reconnects"] >= 4
    _equal(source, target)


@pytest.mark.parametrize("kind", large_keys.KINDS)
def test_the_last_answer_lost_is_no_key_lost(kind: str, redis_server: ServerFactory) -> None:
    """The target renames the key, and nobody hears of it."""
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    large_keys.write(source.client(), kind, "key", _ELEMENTS // 2)
    with FaultProxy(target.port, redis=True) as proxy:

        def deaf() -> None:
            proxy._swallowed = frozenset({"to_client"})  # from within the proxy's own thread there is no other way
            threading.Timer(0.5, proxy.heal).start()

        proxy.on_command("EXEC", deaf, skip=1)
        done = engine.migrate(source, target.endpoint(port=proxy.port, timeout=2), strategy="rebuild")
    assert engine.moved(done) == {"scanned": 1, "copied": 1}, done["failures"]
    _equal(source, target)


@pytest.mark.parametrize("kind", large_keys.KINDS)
def test_a_reader_sees_the_old_key_or_the_new_one(kind: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    _write(source, kind)
    source.client().pexpire("key", 3_600_000)
    large_keys.write(target.client(), kind, "key", 40)
    target.client().pexpire("key", 7_200_000)
    old, new = (large_keys.length(server.client(), kind, "key") for server in (target, source))
    seen: list[tuple[int, bool]] = []
    over = threading.Event()

    def read() -> None:
        with target.client() as client:
            while not over.is_set():
                pipeline = client.pipeline()
                pipeline.execute_command(large_keys.LENGTH[kind], "key")
                pipeline.pttl("key")
                length, ttl = pipeline.execute()
                seen.append((length, ttl > 3_600_000))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        done = engine.migrate(source, target, strategy="rebuild")
    finally:
        over.set()
        reader.join()
    assert engine.moved(done) == {"scanned": 1, "updated": 1}
    assert set(seen) <= {(old, True), (new, False)}
    assert len(seen) > 10
    _equal(source, target)


@pytest.mark.parametrize("kind", large_keys.KINDS)
def test_a_key_that_changes_while_it_is_read_is_no_mixture(kind: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    _write(source, kind)
    with FaultProxy(source.port, redis=True) as proxy:
        writer = source.client()
        proxy.on_command(_READ[kind], lambda: large_keys.CHANGE[kind](writer, "key"), skip=2)
        done = engine.migrate(source.endpoint(port=proxy.port), target, strategy="rebuild")
    assert engine.moved(done) == {"scanned": 1, "copied": 1}, done["failures"]
    _equal(source, target)


@pytest.mark.parametrize("kind", ["list", "hash", "zset", "string", "set"])
def test_a_change_is_noticed_without_the_right_to_watch(kind: str, redis_server: ServerFactory) -> None:
    """Then the key is compared at the end, before it appears."""
    source = redis_server("redis-8.2", acl_lines=["user reader on >pw ~* +@all -@transaction -watch -unwatch"])
    target = redis_server("redis-7.0")
    _write(source, kind)
    with FaultProxy(source.port, redis=True) as proxy:
        writer = source.client()
        proxy.on_command(_READ[kind], lambda: large_keys.CHANGE[kind](writer, "key"), skip=3)
        reader = source.endpoint(port=proxy.port, username="reader", password="pw")
        done = engine.migrate(reader, target, strategy="rebuild")
    assert engine.moved(done) == {"scanned": 1, "copied": 1}, done["failures"]
    _equal(source, target)


@pytest.mark.parametrize("kind", large_keys.KINDS)
def test_a_key_that_never_holds_still_is_reported(kind: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    large_keys.write(source.client(), kind, "key", _ELEMENTS // 2)
    source.client().set("other", "holds still")
    with FaultProxy(source.port, redis=True) as proxy:
        writer, count = source.client(), iter(range(10**6))

        def change() -> None:
            number = next(count)
            {
                "string": lambda: writer.setrange("key", 3, str(number)),
                "list": lambda: writer.lset("key", 3, number),
                "set": lambda: (writer.spop("key"), writer.sadd("key", f"new {number}")),
                "hash": lambda: writer.hset("key", "field:3", number),
                "zset": lambda: writer.zadd("key", {"member:3": number}),
                "stream": lambda: writer.xadd("key", {"n": number}),
            }[kind]()

        proxy.on_command(_READ[kind], change, times=-1)
        done = engine.migrate(source.endpoint(port=proxy.port), target, strategy="rebuild")
    assert engine.moved(done) == {"scanned": 2, "copied": 1, "failed": 1}
    (failure,) = done["failures"]
    assert (failure["key"], failure["type"]) == ("key", kind)
    assert "written to while it was read" in failure["reason"]
    assert "run again" in failure["hint"]
    assert target.client().keys() == [b"other"]
    # Once it holds still, another run moves it.
    assert engine.moved(engine.migrate(source, target, strategy="rebuild"))["copied"] == 1
    _equal(source, target)


def test_a_key_that_changes_its_type_on_the_way_arrives_as_what_it_is(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    large_keys.write(source.client(), "hash", "large", _ELEMENTS)
    source.client().hset("small", "a", 1)
    with FaultProxy(source.port, redis=True) as proxy:
        writer = source.client()

        def replace(key: str) -> None:
            writer.delete(key)
            writer.rpush(key, "another", "type")

        proxy.on_command("HSCAN", lambda: replace("large"), skip=3)
        proxy.on_command("HGETALL", lambda: replace("small"))
        done = engine.migrate(source.endpoint(port=proxy.port), target, strategy="rebuild")
    assert engine.moved(done) == {"scanned": 2, "copied": 2}, done["failures"]
    _equal(source, target)


@pytest.mark.parametrize("kind", large_keys.KINDS)
def test_a_temporary_key_that_disappears_is_built_anew(kind: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    _write(source, kind)
    with FaultProxy(target.port, redis=True) as proxy:
        other = target.client()
        proxy.on_command("PEXPIRE", lambda: other.delete(*large_keys.temporary(other)), skip=3)
        done = engine.migrate(source, target.endpoint(port=proxy.port), strategy="rebuild")
    assert engine.moved(done) == {"scanned": 1, "copied": 1}, done["failures"]
    _equal(source, target)


def test_a_full_target_ends_the_run_and_keeps_nothing_half_done(redis_server: ServerFactory) -> None:
    source = redis_server("redis-8.2")
    target = redis_server("redis-7.0", config={"maxmemory": "4mb", "maxmemory-policy": "noeviction"})
    large_keys.write(source.client(), "hash", "key", 2 * _ELEMENTS)
    with pytest.raises(engine.RedisMigrationError, match="full") as failed:
        engine.migrate(source, target, strategy="rebuild")
    assert "OOM" in str(failed.value)
    assert target.client().keys() == []


def test_a_string_longer_than_the_target_allows_is_reported(redis_server: ServerFactory) -> None:
    source = redis_server("redis-8.2")
    target = redis_server("redis-7.0", config={"proto-max-bulk-len": 1 << 20})
    large_keys.write(source.client(), "string", "long", 300_000)
    source.client().set("short", "value")

    done = engine.migrate(source, target, strategy="rebuild")

    assert engine.moved(done) == {"scanned": 2, "copied": 1, "failed": 1}
    (failure,) = done["failures"]
    assert "proto-max-bulk-len" in failure["reason"]
    assert "proto-max-bulk-len" in failure["hint"]
    assert target.client().keys() == [b"short"]


@pytest.mark.parametrize("kind", large_keys.KINDS)
def test_large_keys_are_compared_in_pieces(kind: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    for server in (source, target):
        large_keys.write(server.client(), kind, "key", 3 * _ELEMENTS if kind != "stream" else _ELEMENTS)
    engine.migrate(source, target, strategy="rebuild")
    with FaultProxy(source.port) as here, FaultProxy(target.port) as there:
        for proxy in (here, there):
            proxy.cut_after(150_000, "to_client", times=2)
        same = engine.diff(source.endpoint(port=here.port), target.endpoint(port=there.port))
    assert same["identical"], same["differences"]

    large_keys.CHANGE[kind](target.client(), "key")
    (found,) = engine.diff(source, target)["differences"]
    assert (found["key"], found["kind"], found["type"]) == ("key", "value", kind)


def test_memory_is_bounded_by_pieces_and_not_by_the_key(redis_server: ServerFactory) -> None:
    """Five million elements are measured by hand; growth shows with a fraction of them."""
    source = redis_server("redis-8.2")
    target = redis_server("redis-7.0")
    source.client().set("small", "only")
    baseline = run_module("redis_migrate_keys", source=source.endpoint(), target=target.endpoint()).peak_mib
    for kind in ("list", "set", "hash", "zset", "stream"):
        large_keys.write(source.client(), kind, kind, 150_000)
    large_keys.write(source.client(), "string", "string", 10_000_000)

    moved = run_module("redis_migrate_keys", source=source.endpoint(), target=target.endpoint())
    compared = run_module("redis_key_diff", source=source.endpoint(), target=target.endpoint())

    assert moved.ok["totals"]["failed"] == 0
    assert compared.ok["identical"]
    assert moved.peak_mib < baseline + 40
    assert compared.peak_mib < baseline + 40
    assert max(moved.peak_mib, compared.peak_mib) < 200


@pytest.mark.parametrize("strategy", ["copy", "migrate", "rebuild"])
def test_names_that_only_look_temporary_are_keys_like_every_other(redis_server: ServerFactory, strategy: str) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-7.0")
    names = [
        b"__redis_migration_tmp:" + rest for rest in (b"", b"x", b"mine:really", b"{1}:0123456789abcdef:", b"{1}:0:0")
    ]
    for number, name in enumerate(names):
        source.client().set(name, number)
    target.client().set(names[0], "older")
    target.client().set("__redis_migration_tmp:only here", "kept")
    done = engine.migrate(source, target.endpoint(), strategy=strategy)
    assert engine.moved(done) == {"scanned": 5, "copied": 4, "updated": 1}, done["failures"]
    held = {name: target.client().get(name) for name in target.client().keys()}
    assert held == {name: b"%d" % number for number, name in enumerate(names)} | {
        b"__redis_migration_tmp:only here": b"kept"
    }
