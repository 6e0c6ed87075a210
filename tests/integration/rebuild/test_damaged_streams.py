# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Streams that count other than they hold, as a damaged file or an old fault of a server leaves them."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._rdb.crc64 import crc64
from tests.conftest import ServerFactory
from tests.support import engine, large_keys
from tests.support.servers import RedisServer


def _damage(server: RedisServer, key: str, *, length: int, added: int, padding: str = "") -> None:
    """A stream of five entries whose counters say `length` and `added`; neither is checked by a server."""
    client = server.client()
    for number in range(1, 6):
        client.xadd(key, {"n": number, "padding": padding}, id=f"{number}-0")
    payload = client.dump(key)
    # Length, last ID, first ID, last deleted ID, entries added, groups.
    body, tail, version = payload[:-19], payload[-19:-10], payload[-10:-8]
    assert tail == bytes((5, 5, 0, 1, 0, 0, 0, 5, 0))
    damaged = body + bytes((length, 5, 0, 1, 0, 0, 0, added, 0)) + version
    client.delete(key)
    client.restore(key, 0, damaged + crc64(damaged).to_bytes(8, "little"))
    assert client.xlen(key) == length


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("length", [3, 9])
def test_a_stream_that_counts_other_than_it_holds_is_rebuilt(
    length: int, size: str, redis_server: ServerFactory
) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    _damage(source, "stream", length=length, added=9, padding="x" * 60_000 if size == "large" else "")

    done = engine.migrate(source, target, strategy="rebuild")

    assert engine.moved(done) == {"scanned": 1, "copied": 1}, done["failures"]
    assert target.client().xrange("stream") == source.client().xrange("stream")
    assert target.client().xlen("stream") == 5
    assert not large_keys.temporary(target.client())
    assert engine.diff(source, target)["identical"], engine.diff(source, target)["differences"]
    again = engine.migrate(source, target, strategy="rebuild")
    assert engine.moved(again) == {"scanned": 1, "unchanged": 1}


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_stream_whose_counter_no_server_would_take_is_reported(size: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    _damage(source, "stream", length=3, added=3, padding="x" * 60_000 if size == "large" else "")
    source.client().set("plain", "a")

    done = engine.migrate(source, target, strategy="rebuild")

    assert engine.moved(done) == {"scanned": 2, "copied": 1, "failed": 1}
    (failure,) = done["failures"]
    assert (failure["key"], failure["type"]) == ("stream", "stream")
    assert failure["reason"] == "this stream is damaged: it holds 5 entries and says that only 3 were ever added"
    assert "XSETID" in failure["hint"]
    assert target.client().keys() == [b"plain"]


def test_a_large_stream_that_counts_other_than_it_holds_is_compared_by_what_it_holds(
    redis_server: ServerFactory,
) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    for server, length in ((source, 3), (target, 9)):
        _damage(server, "stream", length=length, added=9, padding="x" * 400_000)
    assert engine.diff(source, target)["identical"]
    target.client().xdel("stream", "5-0")
    (found,) = engine.diff(source, target)["differences"]
    assert (found["key"], found["kind"]) == ("stream", "value")
