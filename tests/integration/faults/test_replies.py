# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that say less than others, or nothing of use: what is not said is never taken for zero."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._analyse.sampler import Wanted
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster.combined import keyspace_info
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.redis_keyspace_info import keyspace
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import read_server
from tests.conftest import ServerFactory
from tests.support import engine
from tests.support.attempt import Watch, attempt
from tests.support.faultproxy import FaultProxy, Rewrite
from tests.support.replies import ERROR, bulk, without_keyspace
from tests.support.run import run_module
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]


@pytest.fixture
def filled(server_pair: Pair) -> Pair:
    for number, count in ((0, 300), (3, 200)):
        with server_pair[0].client(number) as client:
            client.mset({f"key:{index}": f"value {index}" for index in range(count)})
            client.expire("key:1", 3600)
    return server_pair


@pytest.fixture
def proxy(filled: Pair) -> Iterator[FaultProxy]:
    with FaultProxy(filled[0].port, redis=True) as made:
        yield made


# Plain INFO has no keyspace section, or no INFO has one.
HIDDEN = {"in plain INFO": b"", "in every INFO": None}


@pytest.fixture(params=HIDDEN)
def hidden(request: pytest.FixtureRequest, filled: Pair, proxy: FaultProxy) -> dict[str, Any]:
    """The source, which does not tell its databases."""
    proxy.rewrite_reply("INFO", without_keyspace(keep_if_asked=request.param == "in plain INFO"))
    return filled[0].endpoint(port=proxy.port)


def test_a_source_without_a_keyspace_section_is_moved_whole(hidden: dict[str, Any], filled: Pair) -> None:
    watch = Watch(*filled)
    tried = attempt(hidden, filled[1])
    assert engine.moved(tried.ok) == {"scanned": 500, "copied": 500}
    watch.settle(tried)


def test_a_comparison_with_an_empty_target_finds_every_key_missing(hidden: dict[str, Any], filled: Pair) -> None:
    found = engine.diff(hidden, filled[1])
    assert not found["identical"]
    assert found["totals"]["missing"] == 500
    turned = engine.diff(filled[1], hidden)
    assert turned["totals"]["extra"] == 500


def test_a_backup_holds_every_key(hidden: dict[str, Any], filled: Pair, tmp_path: Path) -> None:
    done = run_module("redis_backup", endpoint=hidden, dest=str(tmp_path / "dump.rdb")).ok
    assert done["totals"]["keys"] == 500, done
    assert done["totals"]["expires"] == 2


def test_prune_spares_what_the_source_holds(hidden: dict[str, Any], filled: Pair) -> None:
    engine.migrate(*filled)
    assert engine.migrate(hidden, filled[1], prune=True)["totals"]["pruned"] == 0


def test_keyspace_info_counts_what_it_is_not_told(hidden: dict[str, Any]) -> None:
    found = keyspace_info(parse_endpoint(hidden, "endpoint"))
    assert {number: database["keys"] for number, database in found["databases"].items()} == {"0": 300, "3": 200}
    assert found["keys"] == 500


def test_where_nothing_can_be_known_it_fails(filled: Pair, proxy: FaultProxy, tmp_path: Path) -> None:
    proxy.rewrite_reply("INFO", without_keyspace())
    proxy.replace_reply("DBSIZE", ERROR, times=-1)
    source = filled[0].endpoint(port=proxy.port)
    wanted = "does not say which logical databases hold keys"
    tried = attempt(source, filled[1])
    assert wanted in tried.error and "max requests limit exceeded" in tried.error
    with pytest.raises(engine.RedisMigrationError, match=wanted):
        engine.diff(source, filled[1])
    done = run_module("redis_backup", endpoint=source, dest=str(tmp_path / "dump.rdb"))
    assert wanted in done.message


def test_a_server_that_counts_only_when_told_to_is_not_empty(filled: Pair, proxy: FaultProxy) -> None:
    """Kvrocks says keys=0 until it was told to count."""
    proxy.rewrite_reply("INFO", lambda _command, reply: _counts_nothing(reply))
    proxy.replace_reply("DBSIZE", b":0\r\n", times=-1)
    tried = attempt(filled[0].endpoint(port=proxy.port), filled[1])
    assert "database 0: it holds keys, and DBSIZE says 0" in tried.error


def _counts_nothing(reply: bytes) -> bytes:
    text = re.sub(rb"db\d+:[^\r]*\r\n", b"", reply.split(b"\r\n", 1)[1][:-2])
    return bulk(text.replace(b"# Keyspace\r\n", b"# Keyspace\r\ndb0:keys=0,expires=0,avg_ttl=0\r\n"))


def test_a_server_that_really_is_empty(redis_server: ServerFactory) -> None:
    server = read_server(parse_endpoint(redis_server("redis-6.2").endpoint(), "endpoint"))
    assert (server.keys, server.expires, server.databases) == (0, 0, {})


def _cycle() -> Rewrite:
    """Two cursors for ever, and every time the names of the first page."""
    cursors = itertools.cycle((b"5", b"7"))
    return lambda _command, reply: b"*2\r\n" + bulk(next(cursors)) + reply.split(b"\r\n", 3)[3]


def _one_key() -> Rewrite:
    """A new cursor every time, and the same key."""
    cursors = itertools.count(5)
    return lambda _command, _reply: b"*2\r\n" + bulk(b"%d" % next(cursors)) + b"*500\r\n" + 500 * bulk(b"key:1")


ENDLESS = {"a cursor that comes back": _cycle, "the same key for ever": _one_key}


@pytest.fixture(params=ENDLESS)
def endless(request: pytest.FixtureRequest, filled: Pair, proxy: FaultProxy) -> dict[str, Any]:
    """The source, at which SCAN does not end."""
    proxy.rewrite_reply("SCAN", ENDLESS[request.param]())
    return filled[0].endpoint(port=proxy.port)


def test_a_scan_without_an_end_ends_the_run(endless: dict[str, Any], filled: Pair, tmp_path: Path) -> None:
    wanted = "SCAN at the .* does not come to an end"
    tried = attempt(endless, filled[1])
    assert re.search(wanted, tried.error)
    for source, target in ((endless, filled[1]), (filled[1], endless)):
        with pytest.raises(engine.RedisMigrationError, match=wanted):
            engine.diff(source, target, level="keys")
    done = run_module("redis_backup", endpoint=endless, dest=str(tmp_path / "dump.rdb"))
    assert re.search(wanted, done.message)
    with pytest.raises(engine.RedisMigrationError, match=wanted):
        keyspace(parse_endpoint(endless, "endpoint"), Wanted(1_000_000))


def test_nor_does_it_go_on_from_slice_to_slice(filled: Pair, proxy: FaultProxy) -> None:
    proxy.rewrite_reply("SCAN", _one_key())
    with pytest.raises(engine.RedisMigrationError, match="does not come to an end: it showed"):
        engine.migrate_in_slices(filled[0].endpoint(port=proxy.port), filled[1], 0.2)


def test_nor_does_that_of_a_large_key_in_a_backup(redis_server: ServerFactory, tmp_path: Path) -> None:
    """Where fields expire they are walked over once more before, to count them."""
    source = redis_server("redis-8.2")
    client = source.client()
    client.hset("hash", mapping={f"field {number}": number for number in range(10_000)})
    client.execute_command("HPEXPIRE", "hash", 5_000_000, "FIELDS", 1, "field 1")
    with FaultProxy(source.port, redis=True) as proxy:
        proxy.rewrite_reply("HSCAN", _cycle())
        endpoint = source.endpoint(port=proxy.port)
        done = run_module("redis_backup", endpoint=endpoint, dest=str(tmp_path / "dump.rdb"), large_key_bytes=1000)
    assert "HSCAN at the endpoint" in done.message
    assert "does not come to an end: it came back to a cursor" in done.message
    assert not (tmp_path / "dump.rdb").exists()


@pytest.mark.parametrize("cursor", [b"next", b"-1", b"1.5", b""])
def test_a_cursor_is_a_number(filled: Pair, proxy: FaultProxy, cursor: bytes) -> None:
    proxy.rewrite_reply("SCAN", lambda _command, reply: b"*2\r\n" + bulk(cursor) + reply.split(b"\r\n", 3)[3])
    tried = attempt(filled[0].endpoint(port=proxy.port), filled[1])
    assert "answered SCAN with a list of 2, which Redis would not do" in tried.error


def test_more_keys_than_in_the_beginning_are_no_alarm(filled: Pair, proxy: FaultProxy) -> None:
    """The database grows a hundredfold behind the first page."""
    with filled[0].client() as client:
        proxy.on_command("SCAN", lambda: client.mset({f"more:{index}": "x" for index in range(30_000)}), times=1)
        tried = attempt(filled[0].endpoint(port=proxy.port), filled[1], databases=[0])
        assert engine.moved(tried.ok)["scanned"] == client.dbsize()
