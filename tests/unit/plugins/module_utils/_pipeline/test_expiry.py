# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expiries out of the replies to PEXPIRETIME, or to TIME and PTTL; the other end of the pipe is the test."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hiredis import ReplyError

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.expiry import (
    GONE,
    NEVER,
    ExpiryReader,
    is_over,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._pipeline.pipe import Pipe
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import Server

NOW = 1_700_000_000_000


def time(ms: int = NOW) -> list[bytes]:
    return [b"%d" % (ms // 1000), b"%d" % (ms % 1000 * 1000)]


def reader(*, exact: bool, expires: bool = True) -> ExpiryReader:
    pipe = SimpleNamespace(database=0, endpoint=parse_endpoint({"host": "h"}, "source"))
    database = SimpleNamespace(nothing_expires=not expires)
    server = SimpleNamespace(supports_pexpiretime=lambda: exact, databases={0: database}, expired_keys=7)
    return ExpiryReader(cast(Pipe, pipe), cast(Server, server))


def answer(job: Any, *rounds: list[Any]) -> list[int | None]:
    """Run a job whose calls are answered by `rounds`, all of which it has to ask for."""
    replies = iter(rounds)
    try:
        next(job)
        while True:
            job.send(next(replies))
    except StopIteration as end:
        assert next(replies, None) is None
        return cast("list[int | None]", end.value)


def test_a_server_that_knows_absolute_times() -> None:
    assert answer(reader(exact=True).ask([b"a", b"b", b"c"]), [-1, -2, NOW]) == [NEVER, GONE, NOW]


def test_an_older_server_tells_the_time_and_what_is_left() -> None:
    replies = [time(), -1, -2, 5000, time(NOW + 2)]
    assert answer(reader(exact=False).ask([b"a", b"b", b"c"]), replies) == [NEVER, GONE, NOW + 1 + 5000]


def test_a_slow_reply_is_asked_again_and_the_best_counts() -> None:
    slow = [time(), 5000, -1, time(NOW + 400)]
    better = [time(NOW + 400), 4600, time(NOW + 410)]
    best = [time(NOW + 410), 4590, time(NOW + 411)]
    assert answer(reader(exact=False).ask([b"a", b"b"]), slow, better, best) == [NOW + 5000, NEVER]


def test_times_are_moved_to_the_clock_of_the_other_end() -> None:
    moved = reader(exact=True)
    moved.shift_ms = -250
    assert answer(moved.ask([b"a", b"b", b"c"]), [-1, -2, NOW]) == [NEVER, GONE, NOW - 250]


def test_nothing_that_expires_is_proved_not_supposed() -> None:
    proof = [b"# Keyspace\r\ndb0:keys=2,expires=0,avg_ttl=0\r\n", b"# Stats\r\nexpired_keys:7\r\n"]
    assert answer(reader(exact=True, expires=False).ask([b"a", b"b"]), proof) == [NEVER, NEVER]
    # One expires by now, or was there and is over: all are asked after all.
    for keyspace, stats in ((b"expires=1", b"expired_keys:7"), (b"expires=0", b"expired_keys:8")):
        doubt = [b"# Keyspace\r\ndb0:keys=2," + keyspace + b",avg_ttl=0\r\n", b"# Stats\r\n" + stats + b"\r\n"]
        assert answer(reader(exact=True, expires=False).ask([b"a", b"b"]), doubt, [-1, NOW]) == [NEVER, NOW]


def test_a_server_that_does_not_know_what_its_version_should() -> None:
    unknown = [ReplyError("ERR unknown command 'PEXPIRETIME'")] * 2
    replies = [time(), -1, 5000, time()]
    assert answer(reader(exact=True).ask([b"a", b"b"]), unknown, replies) == [NEVER, NOW + 5000]


@pytest.mark.parametrize("exact", [True, False])
def test_a_refusal_is_no_expiry(exact: bool) -> None:
    refusal = ReplyError("ERR max requests limit exceeded")
    replies = [refusal] if exact else [time(), refusal, time()]
    with pytest.raises(RedisMigrationError, match=r"refused P(EXPIRETIME|TTL)"):
        answer(reader(exact=exact).ask([b"a"]), replies)


def test_a_reply_of_another_shape_is_no_expiry() -> None:
    with pytest.raises(RedisMigrationError):
        answer(reader(exact=True).ask([b"a"]), [[b"1"]])


def test_is_over() -> None:
    assert not is_over(NEVER, NOW)
    assert is_over(NOW, NOW) and is_over(GONE, NOW)
    assert not is_over(NOW + 1, NOW)
