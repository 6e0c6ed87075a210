# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What answers for the source says of something that is there that it is not: no key counts as gone by one reply.

Each command alone is in test_odd_replies.py; here are the single fields, the selections and the deletions.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ServerFactory
from tests.support import engine
from tests.support.attempt import attempt
from tests.support.faultproxy import FaultProxy
from tests.support.replies import words_of
from tests.support.run import run_module
from tests.support.servers import RedisServer


@pytest.fixture
def ends(redis_server: ServerFactory) -> tuple[RedisServer, RedisServer]:
    return redis_server("redis-8.2"), redis_server("redis-8.2")


def test_a_value_is_hidden(ends: tuple[RedisServer, RedisServer], tmp_path: Path) -> None:
    source, target = ends
    source.client().rpush("list", 1)
    source.client().set("string", 1)
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.replace_reply("DUMP", b"$-1\r\n", times=-1)
        here = source.endpoint(port=proxy.port)
        found = engine.diff(here, target)
        assert not found["identical"] and found["totals"]["missing"] + found["totals"]["different"] == 2
        moved = attempt(here, target)
        saved = run_module("redis_backup", endpoint=here, dest=str(tmp_path / "dump.rdb"))
    assert moved.result["totals"]["copied"] == 1
    for failures in (moved.result["failures"], saved.result["failures"]):
        assert "list" in [one["key"] for one in failures]
        assert all("says that it has this key (EXISTS, TYPE), and answered DUMP" in one["reason"] for one in failures)
    assert saved.result["failed"]


def first_field_is_over(_command: bytes, reply: bytes) -> bytes:
    head, _first, rest = reply.split(b"\r\n", 2)
    return b"\r\n".join((head, b":-2", rest))


@pytest.mark.parametrize("fields", [10, 2000])
def test_a_field_is_over_by_the_word_of_one_command(ends: tuple[RedisServer, RedisServer], fields: int) -> None:
    source, target = ends
    names = [f"field {index}" for index in range(fields)]
    for server in ends:
        server.client().hset("hash", mapping=dict.fromkeys(names, "x" * 100))
        server.client().execute_command("HPEXPIRE", "hash", 3_600_000, "FIELDS", 1, names[-1])
    target.client().hdel("hash", *names[:1000])
    at = source.client().execute_command("HPEXPIRETIME", "hash", "FIELDS", 1, names[-1])[0]
    target.client().execute_command("HPEXPIREAT", "hash", at, "FIELDS", 1, names[-1])
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.rewrite_reply("HPEXPIRETIME", first_field_is_over)
        here = source.endpoint(port=proxy.port)
        found = engine.diff(here, target)
        assert not found["identical"]
        target.client().flushall()
        tried = attempt(here, target, strategy="rebuild")
    (failure,) = tried.result["failures"]
    assert failure["key"] == "hash"
    assert "HPEXPIRETIME" in failure["reason"] and "HMGET" in failure["reason"]
    assert target.client().dbsize() == 0


def test_only_what_one_field_lacks(ends: tuple[RedisServer, RedisServer]) -> None:
    """The target lacks just the field that the source hides: the verdict must not be identical."""
    source, target = ends
    for server in ends:
        server.client().hset("hash", mapping={"a": 1, "b": 2})
        server.client().execute_command("HPEXPIREAT", "hash", 4_000_000_000_000, "FIELDS", 1, "a")
    target.client().hdel("hash", "a")
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.rewrite_reply("HPEXPIRETIME", first_field_is_over)
        found = engine.diff(source.endpoint(port=proxy.port), target)
    assert not found["identical"]
    assert "HPEXPIRETIME" in found["differences"][0]["detail"]


@pytest.mark.parametrize("entries", [3, 3000])
def test_no_group_of_a_stream_is_left_out(ends: tuple[RedisServer, RedisServer], entries: int) -> None:
    """XINFO GROUPS shows none, and XINFO STREAM counts one."""
    source, target = ends
    for number in range(entries):
        source.client().xadd("stream", {"field": "x" * 100}, id=f"{number + 1}-1")
    source.client().xgroup_create("stream", "group")

    def no_groups(command: bytes, reply: bytes) -> bytes:
        return b"*0\r\n" if words_of(command)[1].upper() == b"GROUPS" else reply

    with FaultProxy(source.port, redis=True) as proxy:
        proxy.rewrite_reply("XINFO", no_groups)
        here = source.endpoint(port=proxy.port)
        tried = attempt(here, target, strategy="rebuild")
        assert [failure["key"] for failure in tried.result["failures"]] == ["stream"], tried
        target.client().flushall()
        engine.migrate(source, target)
        target.client().xgroup_destroy("stream", "group")
        assert not engine.diff(here, target)["identical"]


@pytest.mark.parametrize("command", ["TYPE", "EXISTS"])
def test_nothing_is_pruned_by_the_word_of_one_command(ends: tuple[RedisServer, RedisServer], command: str) -> None:
    source, target = ends
    for server in ends:
        server.client().mset({f"key:{index}": index for index in range(50)})
    target.client().set("extra", 1)
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.replace_reply(command, b"+none\r\n" if command == "TYPE" else b":0\r\n", times=-1)
        done = attempt(source.endpoint(port=proxy.port), target, prune=True)
    assert target.client().dbsize() >= 50
    assert done.error or done.result["totals"]["pruned"] == 1


def test_a_selection_of_types_loses_no_key_whose_type_is_hidden(ends: tuple[RedisServer, RedisServer]) -> None:
    source, target = ends
    source.client().rpush("list", 1)
    source.client().sadd("set", 1)
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.replace_reply("TYPE", b"+none\r\n", times=-1)
        done = attempt(source.endpoint(port=proxy.port), target, types=["list", "set"], strategy="rebuild")
    assert done.error or {one["key"] for one in done.result["failures"]} == {"list", "set"}
