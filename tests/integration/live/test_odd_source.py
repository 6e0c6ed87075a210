# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a source does while it is followed that leads to no proof, or that its feed and its counts do not show."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
import redis

from tests.conftest import ServerFactory
from tests.support import dataset
from tests.support.attempt import until
from tests.support.engine import RedisMigrationError
from tests.support.servers import HOST, RedisServer

from .conftest import SharedServer
from .test_follow import assert_proved, following, walked
from .test_follow_faults import cut_feed

Pair = tuple[RedisServer, RedisServer]


@pytest.fixture
def pair(shared_server: SharedServer) -> Pair:
    return shared_server("redis-7.0"), shared_server("redis-8.2", 2)


def test_a_new_database_that_would_land_in_anothers(pair: Pair) -> None:
    source, target = pair
    source.client().set("key", "of 0")
    with following(source, target, database_map={"0": 5}) as follower:
        walked(follower)
        source.client(5).set("key", "of 5")
        with pytest.raises(RedisMigrationError, match="Databases 0 and 5 of the source would both go to database 5"):
            follower.drain()
    assert target.client(5).get("key") == b"of 0"


def test_a_source_that_is_the_target_too_is_not_written_to(pair: Pair) -> None:
    source, _target = pair
    source.client().set("key", 1)
    with (
        pytest.raises(RedisMigrationError, match="the same server, and database 1 would be copied onto itself"),
        following(source, source, database_map={"0": 1}) as follower,
    ):
        walked(follower)
        follower.drain()


@pytest.mark.parametrize("name", ["redis-8.2", "valkey-9"])
def test_a_consumer_that_came_with_a_reader_who_was_never_served(name: str, shared_server: SharedServer) -> None:
    """From Redis 7.2 on a command that blocks is counted only when it is served."""
    source, target = shared_server(name), shared_server(name, 2)
    client = source.client()
    client.xadd("stream", {"a": 1})
    client.xgroup_create("stream", "group", "$")
    client.xadd("without groups", {"a": 1})
    with following(source, target) as follower:
        walked(follower)

        def read() -> None:
            with contextlib.suppress(redis.ConnectionError):
                source.client().xreadgroup("group", "new", {"stream": ">"}, block=0)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        until(lambda: client.xinfo_consumers("stream", "group"), 10)
        while reader.is_alive():
            for connection in client.client_list():
                if "b" in connection["flags"]:
                    client.client_kill_filter(_id=connection["id"])
            reader.join(0.05)
        result = follower.drain()
    assert_proved(result, source, target)
    assert result.in_drain == 1


def test_a_feed_that_is_lost_again_and_again_is_told(pair: Pair) -> None:
    source, target = pair
    dataset.fill_benchmark(source.client(), "mixed", 20_000)
    with (
        pytest.raises(RedisMigrationError, match=r"feed of changes was lost 9 times .* client-output-buffer-limit"),
        following(source, target) as follower,
    ):
        for _time in range(30):
            follower.step(0.001)
            cut_feed(source)
            time.sleep(0.02)


def test_databases_that_are_flushed_again_and_again_are_told(pair: Pair) -> None:
    source, target = pair
    dataset.fill_benchmark(source.client(), "mixed", 20_000)
    with (
        pytest.raises(
            RedisMigrationError, match=r"compared anew 9 times .* flushed or swapped .* without redis_migration_live"
        ),
        following(source, target) as follower,
    ):
        for _time in range(100):
            follower.step(0.001)
            source.client(3).flushdb()


def test_a_replica_that_has_lost_its_primary_proves_nothing(redis_server: ServerFactory) -> None:
    primary, source, target = redis_server("redis-7.0"), redis_server("redis-7.0"), redis_server("redis-8.2")
    primary.client().set("key", 1)
    source.admin().replicaof(HOST, primary.port)
    until(lambda: source.admin().info("replication")["master_link_status"] == "up", 20)
    with following(source, target) as follower:
        walked(follower)
        primary.stop()
        until(lambda: source.admin().info("replication")["master_link_status"] == "down", 20)
        result = follower.drain()
        assert not result.proved
        assert "replica whose link to its primary is down" in str(result.reason)
        primary.start()


@pytest.mark.parametrize("again", [False, True], ids=["while it is followed", "between two runs"])
def test_a_key_that_leaves_the_selected_types(again: bool, pair: Pair) -> None:
    source, target = pair
    client = source.client()
    client.mset({"stays": 1, "turns": 1})
    client.rpush("list", 1)

    def turn() -> None:
        client.delete("turns")
        client.rpush("turns", 1)

    with following(source, target, types=["string"]) as follower:
        walked(follower)
        if not again:
            turn()
            assert follower.drain().proved
    if again:
        turn()
        with following(source, target, types=["string"]) as follower:
            walked(follower)
            assert follower.drain().extra == {0: {b"turns"}}
    with target.client() as there:
        assert set(there.keys()) == ({b"stays", b"turns"} if again else {b"stays"})
