# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run says whether the source was written to meanwhile, across slices too, and another run repairs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.oracle import compare
from tests.support.run import ModuleRun, StartedModule, run_module
from tests.support.servers import RedisServer

ServerFactory = Callable[..., RedisServer]

SERVERS = ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-9"]


def fill(server: RedisServer, keys: int, **options: Any) -> None:
    with server.client() as client:
        pipeline = client.pipeline(transaction=False)
        for number in range(keys):
            pipeline.set(f"key:{number}", number, **options)
        pipeline.execute()


def while_running(
    source: RedisServer, target: RedisServer, act: Callable[[Any], object], options: dict[str, Any] | None = None
) -> ModuleRun:
    """A slow run, in the middle of which `act` gets a client of the source."""
    order = {"source": source.endpoint(), "target": target.endpoint(), "max_keys_per_second": 1000}
    order.update(options or {})
    started = StartedModule("redis_migrate_keys", order)
    deadline = time.monotonic() + 30
    with target.client() as client:
        while not client.dbsize():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    with source.client() as client:
        act(client)
    return started.wait()


@pytest.mark.parametrize("name", SERVERS)
def test_a_quiet_source(redis_server: ServerFactory, name: str) -> None:
    source, target = redis_server(name), redis_server("valkey-9" if name == "valkey-9" else "redis-8.2")
    fill(source, 2000)
    run = run_module("redis_migrate_keys", source=source.endpoint(), target=target.endpoint())
    assert (run.ok["source_writes"], run.ok["drift"]) == (0, False)
    assert "written to" not in str(run.result.get("warnings"))


@pytest.mark.parametrize("name", SERVERS)
def test_a_source_that_is_written_to(redis_server: ServerFactory, name: str) -> None:
    source, target = redis_server(name), redis_server("valkey-9" if name == "valkey-9" else "redis-8.2")
    fill(source, 5000)

    def act(client: Any) -> None:
        pipeline = client.pipeline(transaction=False)
        for number in range(2000):
            pipeline.set(f"key:{number}", "changed")
        pipeline.execute()

    run = while_running(source, target, act)
    assert (run.ok["source_writes"], run.ok["drift"]) == (2000, True)
    assert "2000 write commands" in str(run.result["warnings"])
    diff = run_module("redis_key_diff", source=source.endpoint(), target=target.endpoint()).ok
    assert diff["identical"] is False
    assert all(found["kind"] == "value" for found in diff["differences"])
    again = run_module("redis_migrate_keys", source=source.endpoint(), target=target.endpoint())
    assert again.ok["totals"]["updated"] == diff["totals"]["different"]
    assert again.ok["drift"] is False
    assert compare(source, target) == []


def test_writes_that_change_nothing_are_no_drift(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source, 2000)
    run = while_running(source, target, lambda client: client.delete("never there"))
    assert (run.ok["source_writes"], run.ok["drift"]) == (1, False)


def test_expired_keys_are_no_drift(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source, 1000)
    fill(source, 500, px=1500)
    run = while_running(source, target, lambda client: time.sleep(2))
    with source.client() as client:
        assert client.info("stats")["expired_keys"] > 0
    assert (run.ok["source_writes"], run.ok["drift"]) == (0, False)


def test_our_own_migrate_is_no_drift(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    fill(source, 100)
    end = target.endpoint(backend={"host": "127.0.0.1", "port": target.port})
    run = run_module("redis_migrate_keys", source=source.endpoint(), target=end, strategy="migrate")
    assert run.ok["totals"]["copied"] == 100
    assert (run.ok["source_writes"], run.ok["drift"]) == (0, False)


def test_a_save_in_between_hides_nothing(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source, 2000)

    def act(client: Any) -> None:
        client.set("key:1", "changed")
        client.save()

    run = while_running(source, target, act)
    assert (run.ok["source_writes"], run.ok["drift"]) == (1, True)


def test_writes_between_slices_count(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source, 150_000)
    order = {"source": source.endpoint(), "target": target.endpoint()}
    run = run_module("redis_migrate_keys", **order, slice_seconds=0.1)
    assert run.ok["finished"] is False
    with source.client() as client:
        client.set("key:1", "between two slices")
    while not run.ok["finished"]:
        run = run_module("redis_migrate_keys", **order, slice_seconds=1, resume=run.ok["resume"])
    assert (run.ok["source_writes"], run.ok["drift"]) == (1, True)


def test_a_user_who_may_not_ask_for_commands(redis_server: ServerFactory) -> None:
    source = redis_server("redis-8.2", acl_lines=["user reader on >pw ~* &* +@all -command"])
    target = redis_server("redis-8.2")
    fill(source, 2000)
    end = source.endpoint(username="reader", password="pw")
    run = run_module("redis_migrate_keys", source=end, target=target.endpoint())
    assert (run.ok["source_writes"], run.ok["drift"]) == (None, False)
    with target.client() as client:
        client.flushall()
    # The server's count of changes still tells that something changed.
    run = while_running(source, target, lambda client: client.set("key:1", "x"), {"source": end})
    assert (run.ok["source_writes"], run.ok["drift"]) == (None, True)
    assert "written to" in str(run.result["warnings"])
