# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A key that several commands make, of which the target refuses one: nothing of it stands under its name.

Valkey keeps a field until any time; Redis only until some day of the year 4199.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.conftest import ServerFactory
from tests.support import engine, large_keys
from tests.support.faultproxy import FaultProxy
from tests.support.run import run_module
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]

_YEAR_5000 = 95_617_584_000_000


@pytest.fixture
def pair(redis_server: ServerFactory) -> Pair:
    source, target = redis_server("valkey-9"), redis_server("redis-8.2")
    with source.client() as client:
        for name in ("bad", "good"):
            client.hset(name, mapping={"a": 1, "b": 2})
        client.execute_command("HPEXPIREAT", "bad", _YEAR_5000, "FIELDS", 1, "a")
        client.execute_command("HPEXPIRE", "good", 3_600_000, "FIELDS", 1, "a")
        client.xadd("stream", {"a": 1}, "1-1")
        client.expire("stream", 3600)
    return source, target


def check(target: RedisServer, held: dict[bytes, bytes]) -> None:
    with target.client() as client:
        assert client.hgetall("bad") == held
        assert client.hgetall("good") == {b"a": b"1", b"b": b"2"}
        assert 0 < client.execute_command("HPTTL", "good", "FIELDS", 1, "a")[0] <= 3_600_000
        assert client.ttl("good") == -1
        assert client.xlen("stream") == 1
        assert 0 < client.ttl("stream") <= 3600
        assert not large_keys.temporary(client)


@pytest.mark.parametrize("old", [{}, {b"old": b"value"}], ids=["absent", "there"])
def test_a_migration(old: dict[bytes, bytes], pair: Pair) -> None:
    source, target = pair
    if old:
        target.client().hset("bad", mapping=old)  # type: ignore[arg-type]

    done = engine.migrate(source, target, strategy="rebuild")

    assert (done["totals"]["copied"], done["totals"]["failed"]) == (2, 1)
    (failure,) = done["failures"]
    assert failure["key"] == "bad"
    assert "expire" in failure["reason"]
    check(target, old)
    found = engine.diff(source, target)
    assert [(one["key"], one["kind"]) for one in found["differences"]] == [("bad", "value" if old else "missing")]


@pytest.mark.parametrize("old", [{}, {b"old": b"value"}], ids=["absent", "there"])
def test_a_restore(old: dict[bytes, bytes], pair: Pair) -> None:
    source, target = pair
    if old:
        target.client().hset("bad", mapping=old)  # type: ignore[arg-type]
    source.client().save()
    file = str(source.directory / "dump.rdb")

    run = run_module("redis_restore", endpoint=target.endpoint(), src=file, existing_keys="replace")

    totals = run.result["totals"]
    assert (totals["restored"], totals["failed"]) == (2, 1)
    assert run.result["failures"][0]["key"] == "bad"
    check(target, old)


@pytest.mark.parametrize("command", ["PEXPIRE", "PERSIST", "RENAMENX", "TIME"])
def test_a_break_between_its_commands(command: str, pair: Pair, fault_proxy: Callable[..., FaultProxy]) -> None:
    """Whatever has arrived of it by then, it is made anew, and nothing is left."""
    source, target = pair
    source.client().delete("bad")
    proxy = fault_proxy(target.port, redis=True)
    proxy.on_command(command, lambda: threading.Thread(target=proxy.cut_now).start(), times=2)

    done = engine.migrate(source, target.endpoint(port=proxy.port), strategy="rebuild")

    assert done["totals"]["copied"] == 2
    check(target, {})
