# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A target that refuses, or answers oddly, while changes are carried over: a sentence, and never a proof of what is not."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._live import unnamed
from tests.conftest import ServerFactory
from tests.support import engine
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare
from tests.support.replies import ERROR
from tests.support.servers import RedisServer

from .conftest import SharedServer
from .test_follow import assert_proved, following, walked

Pair = tuple[RedisServer, RedisServer]

# How to make the target refuse writes, and what is said then.
REFUSALS = {
    "full": (("CONFIG", "SET", "maxmemory", 1), "full"),
    "no replicas": (("CONFIG", "SET", "min-replicas-to-write", 1), "NOREPLICAS"),
    "a replica": (("REPLICAOF", "127.0.0.1", "1"), "replica"),
}
BACK = (
    ("CONFIG", "SET", "maxmemory", 0),
    ("CONFIG", "SET", "min-replicas-to-write", 0),
    ("REPLICAOF", "NO", "ONE"),
)

# Answers to RESTORE, which was carried out.
ANSWERS = {
    b"-LOADING Redis is loading the dataset in memory\r\n": "loading",
    b"-MISCONF Errors writing to the AOF file\r\n": "MISCONF",
    b"-WRONGTYPE Operation\r\n": "WRONGTYPE|could not be moved",
    ERROR: "max requests limit exceeded",
    b"*0\r\n": "RESTORE|could not be moved",
    b":7\r\n": "RESTORE|could not be moved",
}

# Commands that a move sends to the target.
COMMANDS = ("SET", "RESTORE", "EVAL", "UNLINK", "EXISTS", "TIME", "INFO", "MGET", "ECHO", "DUMP", "PEXPIRETIME")


@pytest.fixture
def pair(shared_server: SharedServer) -> Pair:
    return shared_server("redis-7.0"), shared_server("redis-8.2", 2)


def fill(source: RedisServer) -> None:
    client = source.client()
    client.mset({f"string:{number}": number for number in range(20)})
    for number in range(20):
        client.rpush(f"list:{number}", 1, 2)
        client.hset(f"hash:{number}", "f", "1")
    client.set("short", 1, px=600_000)
    client.delete("gone")


def change(source: RedisServer) -> None:
    client = source.client()
    client.rpush("list:1", 3)
    client.set("string:1", "changed")
    client.delete("list:2")
    client.set("short", 2, px=600_000)


@pytest.mark.parametrize("kind", REFUSALS)
def test_a_target_that_refuses_changes(kind: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    fill(source)
    command, wanted = REFUSALS[kind]
    with following(source, target, timeout=0.5) as follower:
        walked(follower)
        target.admin().execute_command(*command)
        change(source)
        with pytest.raises(engine.RedisMigrationError, match=wanted) as refused:
            follower.drain(10)
        assert str(refused.value).endswith(".")
        assert follower.done["totals"]["compared"] >= 60
    for command in BACK:
        target.admin().execute_command(*command)
    with following(source, target, prune=True) as follower:
        walked(follower)
        assert_proved(follower.drain(), source, target)


@pytest.mark.parametrize("reply", ANSWERS, ids=lambda it: it.split(b" ")[0].decode().strip())
def test_odd_answers_to_each_change(reply: bytes, pair: Pair, fault_proxy: Callable[..., FaultProxy]) -> None:
    source, target = pair
    fill(source)
    proxy = fault_proxy(target.port, redis=True)
    with following(source, target.endpoint(port=proxy.port, timeout=2), timeout=0.5) as follower:
        walked(follower)
        proxy.replace_reply("RESTORE", reply, times=-1)
        change(source)
        try:
            result = follower.drain(10)
            said = str(result.reason)
            if result.proved:
                assert not compare(source, target)
                return
        except engine.RedisMigrationError as exc:
            said = str(exc)
        assert said.endswith(".")
        assert re.search(ANSWERS[reply], said), said
        proxy.heal()


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["error", "number", "empty list", "nothing"])
def test_any_command_of_the_target_may_be_answered_oddly_once(
    kind: str, pair: Pair, fault_proxy: Callable[..., FaultProxy]
) -> None:
    """What is wrong may go unsaid; what is called proved is equal."""
    source, target = pair
    fill(source)
    proxy = fault_proxy(target.port, redis=True)
    reply = {"error": ERROR, "number": b":7\r\n", "empty list": b"*0\r\n", "nothing": b"$-1\r\n"}[kind]
    for command in COMMANDS:
        for skip in (0, 2):
            proxy.heal()
            with following(source, target.endpoint(port=proxy.port, timeout=2), timeout=0.5) as follower:
                walked(follower)
                proxy.replace_reply(command, reply, skip=skip)
                change(source)
                try:
                    proved = follower.drain(10).proved
                except engine.RedisMigrationError as exc:
                    proved = False
                    assert str(exc).endswith("."), exc
            assert not (proved and compare(source, target)), (command, skip)


def test_a_target_that_evicts_as_fast_as_it_is_filled_ends_the_run(
    redis_server: ServerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unnamed, "LOOK_SECONDS", 0.05)
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    source.client().mset({f"key:{number}": "x" * 4000 for number in range(5000)})
    admin = target.admin()
    admin.config_set("maxmemory-policy", "allkeys-random")
    admin.config_set("maxmemory", admin.info("memory")["used_memory"] + 8_000_000)
    with (
        pytest.raises(engine.RedisMigrationError, match=r"anew 9 times .* evicts keys \(\d+ since the run began\)"),
        following(source, target) as follower,
    ):
        follower.catch_up(1, 60)
