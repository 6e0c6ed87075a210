# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any command may be answered by an error or by something that Redis never gives, at any time.

A run ends then with a sentence and its counters, or with a result that is true; never with a Python exception.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.backup import Backup
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.backup_plan import BackupPlan
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.files import BackupFiles
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.restore import Restore
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.restore_plan import RestorePlan
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from tests.conftest import ServerFactory, soak
from tests.support import engine, oracle
from tests.support.attempt import attempt
from tests.support.faultproxy import FaultProxy
from tests.support.replies import ERROR, words_of
from tests.support.servers import RedisServer

# What stands in place of a reply of another kind; or of each of its own: that there is nothing.
NOTHING = b"nothing"
ODD = {
    "error": ERROR,
    "number": b":7\r\n",
    "text": b"$3\r\nodd\r\n",
    "list": b"*1\r\n$3\r\nodd\r\n",
    "nothing": NOTHING,
}


def nothing(name: bytes, reply: bytes) -> bytes:
    """What a server answers that does not have what it is asked for."""
    if name == b"TYPE":
        return b"+none\r\n"
    if name in (b"PTTL", b"PEXPIRETIME"):
        return b":-2\r\n"
    return {b"$": b"$-1\r\n", b"*": b"*0\r\n", b":": b":0\r\n"}.get(reply[:1], reply)


# A list of one text in place of another list is odd for these; elsewhere it may be what the key holds.
FIXED_LISTS = (b"TIME", b"SCAN", b"MGET")

# Only their error matters: what they say otherwise is for people.
GREETING = (b"AUTH", b"SELECT", b"CLIENT", b"HELLO", b"ECHO", b"PING")


class OddReplies(FaultProxy):
    """Counts the commands that pass; answers one of them in an odd way, from its `skip`-th on."""

    def __init__(self, port: int) -> None:
        super().__init__(port, redis=True)
        self.seen: Counter[bytes] = Counter()
        self.command = b""
        self.odd = b""
        self.skip = 0
        self.used = 0

    def order(self, command: bytes, odd: bytes, skip: int) -> None:
        self.command, self.odd, self.skip, self.used = command, odd, skip, 0

    def answer(self, command: bytes, reply: bytes) -> bytes:
        name = words_of(command)[0].upper()
        self.seen[name] += 1
        if name != self.command or reply.startswith((b"-", b"$-1", b"*-1")):
            return reply
        if self.odd == NOTHING:
            if name in GREETING or nothing(name, reply) == reply:
                return reply
            self.used += 1
            return nothing(name, reply)
        kinds = {one[:1].replace(b"+", b"$") for one in (reply, self.odd)}
        if len(kinds) == 1 and not (self.odd[:1] == b"*" and name in FIXED_LISTS):
            return reply
        if self.skip:
            self.skip -= 1
            return reply
        self.used += 1
        return self.odd

    def rule_for(self, command: bytes) -> Any:
        return self._always

    def __enter__(self) -> Any:
        made = super().__enter__()
        self.rewrite_reply("ANY", self.answer)
        self._always = self._rules[0]
        return made


Work = Callable[[engine.End, RedisServer, Path], None]


def migrate(strategy: str) -> Work:
    def work(source: engine.End, target: RedisServer, _directory: Path) -> None:
        target.client().flushall()
        tried = attempt(source, target, strategy=strategy, timeout=1, large_key_bytes=LARGE)
        totals = tried.result["totals"]
        if not tried.error:
            assert totals["scanned"] > 0 and totals["vanished"] == 0, totals
            assert totals["failed"] == len(tried.result["failures"])
            here = {number: server.dbsize() for number in (0,) for server in (target.client(number),)}
            assert here[0] == totals["copied"], totals
            if not totals["failed"]:
                assert totals["copied"] == COUNT[0], totals
                # What is behind the proxy itself.
                assert not oracle.compare(SOURCE[0], target, delivery_tolerance_ms=3_600_000)

    return work


def compare(level: str) -> Work:
    """With an empty target, so that nothing may be called identical."""

    def work(source: engine.End, target: RedisServer, _directory: Path) -> None:
        target.client().flushall()
        try:
            found = engine.diff(source, target, level=level, timeout=1)
        except engine.RedisMigrationError as exc:
            assert str(exc).rstrip().endswith("."), exc
        else:
            assert found["totals"]["missing"] + found["totals"]["different"] == COUNT[0], found["totals"]

    return work


def back_up(source: engine.End, target: RedisServer, directory: Path) -> None:
    endpoint = parse_endpoint(dict(source), "endpoint")  # type: ignore[arg-type]
    files = BackupFiles(str(directory / "dump.rdb"), replace=True)
    file = files.new()
    backup = Backup(BackupPlan(endpoint, Selection(), large_key_bytes=LARGE, timeout=1), file)
    try:
        done = backup.run()
        assert done.totals.failed + done.totals.keys == COUNT[0]
        if not done.totals.failed:
            files.commit([file], in_parts=False, beside=False)
            target.client().flushall()
            endpoint = parse_endpoint(dict(target.endpoint()), "endpoint")  # type: ignore[arg-type]
            Restore(RestorePlan((str(directory / "dump.rdb"),), endpoint, Selection())).run()
            assert not oracle.compare(SOURCE[0], target, delivery_tolerance_ms=3_600_000)
    except engine.RedisMigrationError as exc:
        assert str(exc).rstrip().endswith("."), exc
    finally:
        files.abandon()


def fill(client: redis.Redis) -> None:
    """A few keys of every type, some with an expiry, and one of every type that is moved in pieces."""
    words = [f"word {index}" for index in range(10)]
    client.mset({f"string:{index}": word for index, word in enumerate(words)})
    client.pexpire("string:1", 3_600_000)
    many = [f"{index} {'x' * 40}" for index in range(600)]
    for size, elements in (("small", words), ("large", many)):
        client.rpush(f"{size} list", *elements)
        client.sadd(f"{size} set", *elements)
        client.zadd(f"{size} zset", {word: index for index, word in enumerate(elements)})
        client.hset(f"{size} hash", mapping=dict.fromkeys(elements, "x"))
        for word in elements:
            client.xadd(f"{size} stream", {"field": word})
        client.xgroup_create(f"{size} stream", "group", 0)
        client.xreadgroup("group", "consumer", {f"{size} stream": ">"}, count=5)
        client.set(f"{size} string", "x" * len("".join(elements)))
    client.execute_command("HPEXPIRE", "small hash", 3_600_000, "FIELDS", 1, words[0])


LARGE = 20_000
COUNT = [0]
SOURCE: list[RedisServer] = []
WORKS: dict[str, Work] = {
    "copy": migrate("copy"),
    "rebuild": migrate("rebuild"),
    "diff of values": compare("values"),
    "diff of metadata": compare("metadata"),
    "diff of keys": compare("keys"),
    "backup": back_up,
}


@pytest.mark.parametrize(
    ("work", "kind"),
    [
        (work, kind) if kind in ("error", "list") or (work, kind) == ("diff of values", "nothing") else soak(work, kind)
        for work in WORKS
        for kind in ODD
    ],
)
def test_every_command_of_the_source_may_be_answered_oddly(
    redis_server: ServerFactory, work: str, kind: str, tmp_path: Path
) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    with source.client() as client:
        fill(client)
        COUNT[0] = client.dbsize()
        SOURCE[:] = [source]
    problems = []
    with OddReplies(source.port) as proxy:
        endpoint = source.endpoint(port=proxy.port, timeout=2)
        WORKS[work](endpoint, target, tmp_path)
        commands = sorted(set(proxy.seen) - (set() if kind == "error" else set(GREETING)))
        for command in commands:
            # These are asked while the servers are measured and with the keys.
            for skip in (0, 8) if command in (b"TIME", b"INFO") else (0,):
                proxy.order(command, ODD[kind], skip)
                try:
                    WORKS[work](endpoint, target, tmp_path)
                except Exception as exc:  # all of them are wanted at once
                    problems.append(f"{command.decode()} after {skip}: {type(exc).__name__}: {str(exc)[:300]}")
    assert len(commands) > 5
    assert not problems, "\n".join(problems)
