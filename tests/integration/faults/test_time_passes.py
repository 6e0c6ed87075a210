# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fields of hashes expire while a hash is read, written or compared: nothing lives longer, nothing is a difference."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.conftest import ServerFactory
from tests.support import backups, engine, large_keys
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.run import run_module
from tests.support.servers import RedisServer

Proxies = Callable[..., FaultProxy]

KNOWING = pytest.mark.parametrize("name", ["redis-8.2", "valkey-9"])
_LARGE = 20_000


def _server(redis_server: ServerFactory, name: str, *, active: bool = False, **options: Any) -> RedisServer:
    """A server that knows expiring fields; not `active`: it removes them only where somebody looks."""
    server = redis_server(name, config={"enable-debug-command": "yes"}, **options)
    if not active:
        server.client().execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    return server


def _now(client: redis.Redis) -> int:
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


def _expire(client: redis.Redis, key: str, fields: list[str], at: int) -> None:
    assert set(client.execute_command("HPEXPIREAT", key, at, "FIELDS", len(fields), *fields)) == {1}


def _until(client: redis.Redis, at: int) -> None:
    """Wait for the server's clock to pass `at`."""
    while (left := at - _now(client)) >= 0:
        time.sleep((left + 1) / 1000)


def _assert_equal(source: RedisServer, target: RedisServer) -> None:
    found = compare(source, target)
    assert not found, report(found)
    assert not large_keys.temporary(target.client())


@KNOWING
@pytest.mark.parametrize(("moment", "active"), [("HPEXPIRETIME", False), ("INFO", True)], ids=["kept", "removed"])
@pytest.mark.parametrize("elements", [10, 5_000], ids=["small", "large"])
def test_a_field_whose_time_comes_between_two_questions(
    elements: int, moment: str, active: bool, name: str, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    source, target = _server(redis_server, name, active=active), _server(redis_server, name, active=active)
    client = source.client()
    large_keys.write(client, "hash", "some", elements)
    client.hset("all", mapping={f"f{number}": number for number in range(5)})
    client.set("plain", "a")
    at = _now(client) + 1_500
    _expire(client, "some", ["field:1", "field:7"], at)
    _expire(client, "all", [f"f{number}" for number in range(5)], at)
    proxy = fault_proxy(source.port, redis=True)

    def pass_time() -> None:
        _until(client, at)
        while active and client.execute_command("HLEN", "some") > elements - 2:
            time.sleep(0.01)

    # What the run asks of the whole server before it begins comes first.
    proxy.on_command(moment, pass_time, skip=4 if moment == "INFO" else 0)
    done = engine.migrate(source.endpoint(port=proxy.port), target, strategy="rebuild")

    _until(client, at)
    assert done["totals"]["failed"] == 0, done["failures"]
    assert target.client().hexists("some", "field:1") is False
    assert len(target.client().hgetall("some")) == elements - 2
    assert target.client().hgetall("all") == {}
    assert engine.diff(source, target)["identical"], engine.diff(source, target)["differences"]


@KNOWING
@pytest.mark.parametrize(
    ("of_source", "of_target"), [(["HPEXPIRETIME"], ["HMGET"]), (["HMGET"], ["HPEXPIRETIME"])], ids=["times", "values"]
)
def test_fields_end_between_any_two_questions_of_a_comparison(
    of_source: list[str], of_target: list[str], name: str, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    """Of the values of a piece and of their times: whichever is asked first, a field may be over when the other is."""
    source, target = _server(redis_server, name, active=True), _server(redis_server, name, active=True)
    client = source.client()
    large_keys.write(client, "hash", "hash", _LARGE)
    assert engine.moved(engine.migrate(source, target)) == {"scanned": 1, "copied": 1}
    at = _now(client) + 200
    for end in (source, target):
        with end.client().pipeline(transaction=False) as pipeline:
            for number in range(_LARGE // 2):
                pipeline.execute_command("HPEXPIREAT", "hash", at + number, "FIELDS", 1, f"field:{number}")
            pipeline.execute()
    asked = dict.fromkeys(("HLEN", *of_source, *of_target), 0)

    def late(end: RedisServer, *commands: str) -> dict[str, Any]:
        proxy = fault_proxy(end.port, redis=True)
        for command in commands:

            def wait(command: str = command) -> None:
                asked[command] += 1
                time.sleep(0.1)

            proxy.on_command(command, wait, times=1000)
        return end.endpoint(port=proxy.port)

    # So the lengths differ, and what only the target may have is looked at as well.
    found = engine.diff(late(source, "HLEN", *of_source), late(target, *of_target))

    assert min(asked.values()) > 0, asked
    assert found["identical"], found["differences"]


@KNOWING
@pytest.mark.parametrize("strategy", ["rebuild", "copy"])
def test_a_large_hash_whose_fields_keep_expiring(
    strategy: str, name: str, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    """Nobody writes: that a field ends is no change, also where only a comparison can tell (no WATCH)."""
    source = _server(redis_server, name, active=True, acl_lines=["user mover on >pw ~* &* +@all -watch"])
    target = _server(redis_server, name, active=True)
    client = source.client()
    large_keys.write(client, "hash", "hash", _LARGE)
    now = _now(client)
    with client.pipeline(transaction=False) as pipeline:
        for number in range(_LARGE // 2):
            pipeline.execute_command("HPEXPIREAT", "hash", now + 2_000 + number // 4, "FIELDS", 1, f"field:{number}")
        pipeline.execute()
    proxy = fault_proxy(source.port, latency=0.02)
    end = source.endpoint(port=proxy.port, username="mover", password="pw")
    options = {"large_key_bytes": 100_000} if strategy == "copy" else {}

    done = engine.migrate(end, target, strategy=strategy, **options)

    assert engine.moved(done) == {"scanned": 1, "copied": 1}, done["failures"]
    assert engine.diff(end, target)["identical"]
    _until(client, now + 2_000 + _LARGE // 8)
    assert len(target.client().hgetall("hash")) == _LARGE // 2
    for end in (client, target.client()):
        # A server counts a field that is over until it has removed it.
        while end.hlen("hash") > _LARGE // 2:
            time.sleep(0.01)
    _assert_equal(source, target)


@pytest.mark.parametrize("names", [("redis-8.2", "valkey-9"), ("valkey-9", "redis-8.2")], ids="-to-".join)
def test_fields_expire_between_the_answers_of_the_two_ends(
    names: tuple[str, str], redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    """The source still shows a field, the target no longer: that is time, and no difference."""
    source, target = (_server(redis_server, name) for name in names)
    client = source.client()
    large_keys.write(client, "hash", "hash", 300)
    moments = [_now(client) + 4_000 + 100 * number for number in range(200)]
    with client.pipeline(transaction=False) as pipeline:
        for number, at in enumerate(moments):
            pipeline.execute_command("HPEXPIREAT", "hash", at, "FIELDS", 1, f"field:{number}")
        pipeline.execute()
    done = engine.migrate(source, target, strategy="rebuild")
    assert engine.moved(done) == {"scanned": 1, "copied": 1}, done["failures"]
    proxy = fault_proxy(target.port, redis=True)
    waited = []

    def pass_time() -> None:
        at = next(at for at in moments if at > _now(client) + 30)
        _until(client, at)
        waited.append(at)

    proxy.on_command("HGETALL", pass_time, times=-1)
    found = engine.diff(source, target.endpoint(port=proxy.port))
    assert waited
    assert found["identical"], found["differences"]


@KNOWING
@pytest.mark.parametrize(
    ("level", "elements"), [("keys", 10), ("keys", 5_000), ("metadata", 10), ("values", 10), ("values", _LARGE)]
)
def test_a_hash_without_a_living_field(level: str, elements: int, name: str, redis_server: ServerFactory) -> None:
    """It is still in the keyspace, but it holds nothing any more: to both modules it is gone."""
    source, target = _server(redis_server, name), _server(redis_server, name)
    client = source.client()
    for server, key in ((source, "dead"), (target, "dead there")):
        server.client().hset("both", "a", 1)
        server.client().set("plain", "a")
        large_keys.write(server.client(), "hash", key, elements)
    at = _now(client) + 1_500 + elements // 10
    names = [f"field:{number}" for number in range(elements)]
    _expire(client, "dead", names, at)
    _expire(client, "both", ["a"], at)
    _expire(target.client(), "dead there", names, at)
    _until(client, at)
    _until(target.client(), at)
    assert client.exists("dead") and target.client().exists("dead there")

    # What lives at the target only is extra, whatever the source still has of it.
    found = engine.diff(source, target, level=level)["differences"]
    assert [(one["key"], one["kind"]) for one in found] == [("both", "extra")]
    done = engine.migrate(source, target, strategy="rebuild")
    assert engine.moved(done) == {"scanned": 3, "unchanged": 1, "vanished": 2}
    assert engine.moved(engine.migrate(source, target, strategy="copy"))["vanished"] == 2


@KNOWING
@pytest.mark.parametrize("active", [False, True], ids=["kept", "removed"])
def test_a_backup_keeps_no_field_longer(
    active: bool, name: str, redis_server: ServerFactory, fault_proxy: Proxies, tmp_path: Path
) -> None:
    source = _server(redis_server, name, active=active)
    client = source.client()
    large_keys.write(client, "hash", "large", 5_000)
    at = _now(client) + 2_000
    _expire(client, "large", ["field:1", "field:7"], at)
    proxy = fault_proxy(source.port, redis=True)
    # The first walk counts the fields, the second one writes them.
    proxy.on_command("HPEXPIRETIME", lambda: _until(client, at), skip=7)

    done = run_module(
        "redis_backup",
        endpoint=source.endpoint(port=proxy.port),
        dest=str(tmp_path / "dump.rdb"),
        large_key_bytes=1000,
    ).ok

    assert done["totals"]["keys"] == 1
    loaded = backups.load(redis_server(name), tmp_path / "dump.rdb").client()
    assert len(loaded.hgetall("large")) == 4_998
    assert loaded.hget("large", "field:1") is None
