# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was seen of the keys has to agree with what the servers count: a walk that shows too few, a comparison whose target
loses keys behind its back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import read_server
from tests.conftest import ServerFactory, soak
from tests.support import engine
from tests.support.attempt import attempt, until
from tests.support.faultproxy import FaultProxy
from tests.support.replies import bulk, without_section, words_of
from tests.support.run import run_module
from tests.support.servers import RedisServer

KEYS = 3000

Pair = tuple[RedisServer, RedisServer]


@pytest.fixture
def pair(redis_server: ServerFactory) -> Pair:
    both = [redis_server("redis-7.0", config={"enable-debug-command": "local"}) for _end in range(2)]
    for server in both:
        server.client().mset({f"key:{index}": index for index in range(KEYS)})
        server.client().set("timed", 1, px=3_600_000)
    return both[0], both[1]


def compared(source: engine.End, target: engine.End, **options: Any) -> str:
    """What an operator learns: "identical", "different", or the sentence of a failure."""
    try:
        found = engine.diff(source, target, ttl_tolerance_ms=60_000, **options)
    except engine.RedisMigrationError as exc:
        return str(exc)
    return "identical" if found["identical"] else "different"


def have_the_target_walked(pair: Pair, here: FaultProxy) -> None:
    """A write during the first walk: counts prove nothing then."""
    client = pair[1].client()
    here.on_command("SCAN", lambda: client.pexpire("timed", 3_600_000))


@pytest.mark.parametrize(
    ("level", "options"),
    [("values", {}), soak("metadata", {}), ("keys", {"match": ["key:*"]}), soak("values", {"exclude": ["timed"]})],
)
def test_keys_of_the_target_go_between_the_two_walks(pair: Pair, level: str, options: dict[str, Any]) -> None:
    source, target = pair
    client = target.client()
    with FaultProxy(source.port, redis=True) as here, FaultProxy(target.port, redis=True) as proxy:
        have_the_target_walked(pair, here)
        proxy.on_command("SCAN", lambda: client.unlink(*[f"key:{index}" for index in range(KEYS)]))
        found = compared(source.endpoint(port=here.port), target.endpoint(port=proxy.port), level=level, **options)
    assert found == "different"


@pytest.mark.parametrize("level", ["values", "keys"])
def test_keys_of_the_target_go_behind_the_counts_that_spared_a_walk(pair: Pair, level: str) -> None:
    source, target = pair
    client = target.client()
    asked: list[bytes] = []

    def behind_the_second(_command: bytes, reply: bytes) -> bytes:
        asked.append(reply)
        if len(asked) == 2:
            client.unlink(*[f"key:{index}" for index in range(KEYS // 2)])
        return reply

    with FaultProxy(target.port, redis=True) as proxy:
        proxy.rewrite_reply("DBSIZE", behind_the_second)
        found = compared(source, target.endpoint(port=proxy.port), level=level)
    assert len(asked) > 1
    assert found == "different"


@pytest.mark.parametrize("end", ["source", "target"])
def test_keys_come_behind_the_walks(pair: Pair, end: str) -> None:
    """Seen by no walk, but counted at the end."""
    source, target = pair
    client = (source if end == "source" else target).client()
    with FaultProxy(source.port, redis=True) as here, FaultProxy(target.port, redis=True) as proxy:
        have_the_target_walked(pair, here)
        proxy.on_command("SCAN", lambda: client.mset({f"new:{index}": 1 for index in range(500)}))
        found = compared(source.endpoint(port=here.port), target.endpoint(port=proxy.port))
    assert found == "different"


def test_one_that_never_stands_still_is_not_proved(pair: Pair) -> None:
    """Keys are there whenever they are asked for, and not when the target is walked."""
    source, target = pair
    client = target.client()
    names = {f"key:{index}": index for index in range(500)}
    with FaultProxy(source.port, redis=True) as here, FaultProxy(target.port, redis=True) as there:
        here.on_command("SCAN", lambda: client.mset(names), times=-1)
        there.on_command("SCAN", lambda: client.unlink(*names), times=-1)
        found = compared(source.endpoint(port=here.port), target.endpoint(port=there.port))
    assert "proves nothing" in found
    assert "without an expiry" in found


def nothing_shown(_command: bytes, reply: bytes) -> bytes:
    return b"*2\r\n$1\r\n0\r\n*0\r\n" if reply.startswith(b"*2") else reply


@pytest.mark.parametrize("rewrite", [nothing_shown])
def test_a_scan_that_shows_too_few_ends_the_run(
    pair: Pair, rewrite: Callable[[bytes, bytes], bytes], tmp_path: Path
) -> None:
    source, target = pair
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.rewrite_reply("SCAN", rewrite)
        here = source.endpoint(port=proxy.port)
        said = [compared(here, target), attempt(here, target, prune=True).error]
        saved = run_module("redis_backup", endpoint=here, dest=str(tmp_path / "dump.rdb"))
        said.append(saved.message)
    for sentence in said:
        assert f"came to its end after 0 of the {KEYS} keys without an expiry" in sentence
    assert target.client().dbsize() == KEYS + 1


def is_left_out(name: bytes) -> bool:
    """One in twenty."""
    return name.startswith(b"key:") and int(name[4:]) % 20 == 7


def a_twentieth_left_out(_command: bytes, reply: bytes) -> bytes:
    if not reply.startswith(b"*2"):
        return reply
    lines = reply.split(b"\r\n")
    kept = [name for name in lines[5::2] if not is_left_out(name)]
    return b"*2\r\n" + bulk(lines[2]) + b"*%d\r\n" % len(kept) + b"".join(map(bulk, kept))


def test_a_scan_that_leaves_out_a_few_keys(pair: Pair, tmp_path: Path) -> None:
    """Also while somebody writes: one change brings one key that it need not show."""
    source, target = pair
    client = source.client()
    target.client().unlink(*filter(is_left_out, target.client().keys("key:*")))

    def rewrite(command: bytes, reply: bytes) -> bytes:
        client.set("key:0", 0)
        return a_twentieth_left_out(command, reply)

    with FaultProxy(source.port, redis=True) as proxy:
        proxy.rewrite_reply("SCAN", rewrite)
        here = source.endpoint(port=proxy.port)
        said = [attempt(here, target).error, *(compared(here, target, level=level) for level in ("values", "keys"))]
        said.append(run_module("redis_backup", endpoint=here, dest=str(tmp_path / "dump.rdb")).message)
        for sentence in said:
            assert f"came to its end after 2851 of the {KEYS} keys" in sentence
        # It does not say how many changes there were.
        proxy.rewrite_reply("INFO", without_section(b"Persistence"))
        for level in ("values", "keys"):
            assert "proves nothing" in compared(here, target, level=level)


def test_a_scan_that_shows_no_key_that_expires(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-7.0")
    client = source.client()
    for number in range(100):
        client.set(f"key:{number}", 1, px=86_400_000)
    until(lambda: client.info("keyspace")["db0"]["avg_ttl"] > 600_000)
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.rewrite_reply("SCAN", nothing_shown)
        here = source.endpoint(port=proxy.port)
        said = [attempt(here, target).error, compared(here, target)]
        said.append(run_module("redis_backup", endpoint=here, dest=str(tmp_path / "dump.rdb")).message)
    for sentence in said:
        assert "came to its end after 0 of the 100 keys" in sentence


def test_keys_that_expire_at_one_end_alone_have_equal_names(pair: Pair) -> None:
    source, target = pair
    for number in range(KEYS):
        target.client().pexpire(f"key:{number}", 3_600_000)
    assert compared(source, target, level="keys") == "identical"


@pytest.mark.parametrize("lies", [1, KEYS])
def test_prune_spares_what_the_source_counts(pair: Pair, lies: int) -> None:
    """EXISTS and TYPE agree that keys are gone, by the word of what stands in between; INFO has them still."""
    source, target = pair
    target.client().set("extra", 1)
    names = [b"key:%d" % number for number in range(lies)]
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.rewrite_reply(
            "EXISTS", lambda command, reply: b":%d\r\n" % len({*words_of(command)[1:]}.difference(names, [b"extra"]))
        )
        proxy.rewrite_reply("TYPE", lambda command, reply: b"+none\r\n" if words_of(command)[1] in names else reply)
        here = source.endpoint(port=proxy.port)
        assert "counts them" in attempt(here, target, prune=True).error
        assert target.client().dbsize() > KEYS - 1000
    # Whichever of the two came first is deleted.
    target.client().set("extra", 1)
    target.client().unlink("key:0")
    assert attempt(source, target, prune=True, check=True).ok["totals"]["pruned"] == 1
    assert attempt(source, target, prune=True).ok["totals"]["pruned"] == 1


def test_what_has_expired_and_is_counted_still_is_no_contradiction(pair: Pair) -> None:
    """A server counts such keys until it has removed them, and shows none."""
    source, target = pair
    for server in pair:
        client = server.client()
        client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        for index in range(KEYS):
            client.set(f"over:{index}", 1, px=1)
    target.client().execute_command("DEBUG", "SET-ACTIVE-EXPIRE", 1)
    assert compared(source, target) == "identical"


def test_the_first_key_comes_between_two_questions(redis_server: ServerFactory) -> None:
    """INFO counts no key, and a moment later there is one: it is asked again, and not database by database."""
    server = redis_server("redis-8.2")
    client = server.client()
    with FaultProxy(server.port, redis=True) as proxy:
        proxy.on_command("SCAN", lambda: client.set("first", 1, ex=1000))
        found = read_server(parse_endpoint(server.endpoint(port=proxy.port), "target"))
    assert {number: (one.keys, one.expires) for number, one in found.databases.items()} == {0: (1, 1)}
