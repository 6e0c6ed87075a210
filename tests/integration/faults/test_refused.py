# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands that one end refuses where it counts: the last one for a key, the choice of the database, those of a comparison."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ServerFactory, soak
from tests.support import engine
from tests.support.attempt import attempt
from tests.support.faultproxy import FaultProxy
from tests.support.replies import ERROR
from tests.support.servers import RedisServer

QUOTA = "max requests limit exceeded"


def fill(server: RedisServer, database: int = 0) -> None:
    client = server.client(database)
    for number in range(50):
        client.rpush(f"list:{number}", number)
        client.set(f"timed:{number}", number, px=3_600_000)
    client.rpush("large", *["x" * 100] * 5000)


@pytest.mark.parametrize("command", ["EXEC", soak("RENAME"), soak("RENAMENX")])
def test_a_quota_is_used_up_at_the_last_command_for_a_key(redis_server: ServerFactory, command: str) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-6.2")
    fill(source)
    if command == "RENAME":
        fill(target)
        target.client().lpush("list:1", "another value")
    with FaultProxy(target.port, redis=True) as proxy:
        proxy.replace_reply(command, ERROR, times=-1)
        if command != "EXEC":
            proxy.replace_reply(
                "EXEC", b"-EXECABORT Transaction discarded because of previous errors.\r\n", skip=1, times=-1
            )
        tried = attempt(source, target.endpoint(port=proxy.port), strategy="rebuild")
    said = tried.error or " ".join(failure["reason"] for failure in tried.result["failures"])
    # Whether transactions are taken at all is asked by more than one chunk, at first.
    assert QUOTA in said or "EXECABORT" in said
    assert tried.result["totals"]["copied"] <= target.client().dbsize()
    done = engine.migrate(source, target, strategy="rebuild")
    assert done["totals"]["failed"] == 0


def test_a_key_that_cannot_get_its_name_is_named(redis_server: ServerFactory) -> None:
    """The transaction is carried out, but for that one command."""
    source, target = redis_server("redis-7.0"), redis_server("redis-6.2")
    source.client().rpush("list", 1)

    def last_is_refused(_command: bytes, reply: bytes) -> bytes:
        return reply.replace(b":1\r\n:0\r\n", ERROR + b":0\r\n")

    with FaultProxy(target.port, redis=True) as proxy:
        proxy.rewrite_reply("EXEC", last_is_refused)
        tried = attempt(source, target.endpoint(port=proxy.port), strategy="rebuild")
    assert QUOTA in (tried.error or tried.result["failures"][0]["reason"])
    assert tried.result["totals"]["copied"] == 0


@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize("name", ['""', soak("CHOOSE")])
def test_an_end_without_select_is_told(redis_server: ServerFactory, end: str, name: str) -> None:
    config = {"rename-command SELECT": name}
    source = redis_server("redis-7.0", config=config if end == "source" else None)
    target = redis_server("redis-7.0", config=config if end == "target" else None)
    fill(source)
    if end == "target":
        source.client().swapdb(0, 3)
    else:
        source.client().execute_command("SWAPDB", 0, 3)
    for work in (lambda: attempt(source, target).error, lambda: compared(source, target)):
        said = work()
        assert "SELECT" in said and end in said, said


def compared(source: engine.End, target: engine.End) -> str:
    with pytest.raises(engine.RedisMigrationError) as caught:
        engine.diff(source, target)
    return str(caught.value)


def ends_without(redis_server: ServerFactory, end: str, command: str) -> dict[str, Any]:
    """Both ends, `list:1` missing at the target; the user of `end` may not use `command`."""
    rules = [f"user reader on >s3cret ~* &* +@all -{command}"]
    source = redis_server("redis-7.0", acl_lines=rules if end == "source" else ())
    target = redis_server("redis-7.0", acl_lines=rules if end == "target" else ())
    for server in (source, target):
        fill(server)
    target.client().unlink("list:1")
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    ends[end].update({"username": "reader", "password": "s3cret"})
    return ends


@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize("command", ["pexpiretime", soak("type"), soak("scan"), soak("info")])
def test_a_comparison_says_what_its_user_may_not(redis_server: ServerFactory, end: str, command: str) -> None:
    said = compared(**ends_without(redis_server, end, command))
    assert "NOPERM" in said and end in said and command.upper() in said.upper()
    assert "'reader'" in said


@pytest.mark.parametrize("end", ["source", soak("target")])
@pytest.mark.parametrize("command", ["dump", soak("mget")])
def test_a_comparison_does_without_what_only_makes_it_cheaper(
    redis_server: ServerFactory, end: str, command: str
) -> None:
    found = engine.diff(**ends_without(redis_server, end, command))
    # Both were filled one after the other, so times to live differ.
    others = [one for one in found["differences"] if one["kind"] != "ttl"]
    assert [(one["key"], one["kind"]) for one in others] == [("list:1", "missing")]
