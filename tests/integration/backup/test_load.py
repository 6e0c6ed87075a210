# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backup is a true RDB file: servers of the same kind and newer ones load it, and others read it."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import rdb
import redis

from tests.conftest import ServerFactory, soak
from tests.support import backups, dataset, large_keys
from tests.support.faultproxy import FaultProxy
from tests.support.paths import REPO
from tests.support.run import run_module
from tests.support.servers import RedisServer

HEADERS = {
    "redis-6.2": b"REDIS0009",
    "redis-7.0": b"REDIS0010",
    "redis-8.2": b"REDIS0012",
    "valkey-8": b"REDIS0011",
    "valkey-9": b"VALKEY080",
}
LOADS = [
    *((name, name) for name in HEADERS),
    ("redis-6.2", "redis-7.0"),
    ("redis-6.2", "redis-8.2"),
    ("redis-6.2", "valkey-9"),
    ("redis-7.0", "redis-8.2"),
    ("redis-7.0", "valkey-9"),
    ("valkey-8", "valkey-9"),
]


@pytest.mark.parametrize(("source_name", "loader_name"), LOADS, ids=map("-by-".join, LOADS))
def test_servers_load_the_file(source_name: str, loader_name: str, redis_server: ServerFactory, tmp_path: Path) -> None:
    # Pieces or whole must make no difference: half of the pairs each.
    large_key_bytes = None if LOADS.index((source_name, loader_name)) % 2 else 1000
    source = redis_server(source_name)
    keys = backups.fill(source)
    source.client().config_resetstat()

    done = run_module(
        "redis_backup",
        endpoint=source.endpoint(),
        dest=str(tmp_path / "dump.rdb"),
        large_key_bytes=large_key_bytes,
    ).ok

    assert done["changed"]
    assert done["totals"]["keys"] == keys
    assert (done["totals"]["large"] > 0) is (large_key_bytes is not None)
    assert {number: saved["keys"] for number, saved in done["databases"].items()} == {
        str(number): source.client(number).dbsize() for number in (0, 1, 5, 15)
    }
    assert source.write_calls() == 0
    content = (tmp_path / "dump.rdb").read_bytes()
    assert content.startswith(HEADERS[source_name])
    assert content[-8:] != bytes(8), "no checksum"

    loader = backups.load(redis_server(loader_name), tmp_path / "dump.rdb")

    backups.assert_equal(source, loader)
    if backups.knows_functions(source):
        assert done["functions"] == 1
        assert backups.libraries(loader) == backups.libraries(source)


@pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2"])
def test_an_independent_reader_reads_the_file(name: str, redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server(name)
    dataset.fill(source.client)
    file = tmp_path / "dump.rdb"
    assert run_module("redis_backup", endpoint=source.endpoint(), dest=str(file), large_key_bytes=1000).ok["changed"]

    seen: dict[int, set[bytes]] = {0: set(), 1: set(), 5: set(), 15: set()}
    database = -1
    for item in rdb.RdbDecoder(file):
        if item["type"] == "select_db":
            database = item["db"]
        if "key" not in item or item["type"] == "aux_field":
            continue
        client, key = source.client(database), item["key"]
        seen[database].add(key)
        expiry = item["expiry"]
        assert (client.pttl(key) == -1) is (expiry is None)
        if expiry is not None:
            assert abs(time.time() * 1000 + client.pttl(key) - expiry) < 2000
        if item["type"] == "string":
            assert item["value"] == client.get(key)
        elif item["type"] == "hash":
            assert item["values"] == client.hgetall(key)
        elif item["type"] == "list":
            assert item["values"] == client.lrange(key, 0, -1)
        elif item["type"] == "set":
            assert set(item["members"]) == client.smembers(key)
        else:
            assert {member: score for score, member in item["values"]} == dict(
                client.zrange(key, 0, -1, withscores=True)
            )
    # That reader passes over streams.
    for number, keys in seen.items():
        client = source.client(number)
        assert keys == set(client.scan_iter(count=1000)) - set(client.scan_iter(count=1000, _type="stream"))


def test_only_what_was_chosen_is_saved(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, loader = redis_server(), redis_server()
    backups.fill(source)
    file = tmp_path / "dump.rdb"

    done = run_module(
        "redis_backup",
        endpoint=source.endpoint(),
        dest=str(file),
        databases=[0, 5],
        match=["user:*", "*:large"],
        exclude=["user:1*"],
        functions=False,
    ).ok

    assert done["functions"] is None
    backups.load(loader, file)
    assert backups.libraries(loader) == []
    for number in (0, 5):
        wanted = {
            key
            for key in source.client(number).scan_iter(count=1000)
            if (key.startswith(b"user:") and not key.startswith(b"user:1")) or key.endswith(b":large")
        }
        assert set(loader.client(number).scan_iter(count=1000)) == wanted
        assert len(wanted) > 5
    assert loader.client(1).dbsize() == loader.client(15).dbsize() == 0


def test_lost_connections_leave_nothing_out(redis_server: ServerFactory, fault_proxy: object, tmp_path: Path) -> None:
    source, loader = redis_server(), redis_server()
    keys = backups.fill(source)
    proxy: FaultProxy = fault_proxy(source.port)  # type: ignore[operator]
    proxy.cut_after(150_000, "to_client", times=12)

    done = run_module(
        "redis_backup",
        endpoint=source.endpoint(port=proxy.port),
        dest=str(tmp_path / "dump.rdb"),
        large_key_bytes=300_000,
    ).ok

    assert done["totals"]["keys"] == keys
    backups.assert_equal(source, backups.load(loader, tmp_path / "dump.rdb"))


def test_a_server_that_is_restarted_meanwhile_is_read_anew(
    redis_server: ServerFactory, fault_proxy: object, tmp_path: Path
) -> None:
    source, loader = redis_server(), redis_server()
    backups.fill(source)
    proxy: FaultProxy = fault_proxy(source.port, redis=True)  # type: ignore[operator]
    restarted = []

    def restart() -> None:
        restarted.append(True)
        source.stop(save=True)
        source.start()

    proxy.on_command("DUMP", lambda: threading.Thread(target=restart).start(), skip=300, times=1)

    done = run_module(
        "redis_backup", endpoint=source.endpoint(port=proxy.port), dest=str(tmp_path / "dump.rdb"), timeout=30
    ).ok

    assert restarted
    assert done["totals"]["failed"] == 0
    backups.assert_equal(source, backups.load(loader, tmp_path / "dump.rdb"))


def test_a_busy_source_gives_a_file_that_loads(redis_server: ServerFactory, tmp_path: Path) -> None:
    """Keys come, go, expire and change while they are read, and the table shrinks: no key may be in the file twice."""
    source, loader = redis_server(), redis_server()
    client = source.client()
    dataset.fill_benchmark(client, "strings100", 60_000)
    client.rpush("large", *range(50_000))
    busy = threading.Event()

    def disturb() -> None:
        mine = source.client()
        number = 0
        while not busy.is_set() and number < 55_000:
            with mine.pipeline(transaction=False) as pipeline:
                for _each in range(200):
                    pipeline.unlink(b"key:%012d" % number)
                    number += 1
                pipeline.rpush("large", number)
                pipeline.set("counter", number)
                pipeline.set(f"short:{number}", "soon gone", px=20)
                pipeline.execute()

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        done = run_module(
            "redis_backup", endpoint=source.endpoint(), dest=str(tmp_path / "dump.rdb"), large_key_bytes=100_000
        ).ok
    finally:
        busy.set()
        thread.join()

    backups.load(loader, tmp_path / "dump.rdb")
    held = loader.client().dbsize()
    assert 0 <= done["totals"]["keys"] - held <= 400, "more than short-lived keys are missing"
    assert loader.client().llen("large") >= 50_000
    left = {key for key in client.scan_iter(count=5000) if not key.startswith(b"short:")}
    assert left <= set(loader.client().scan_iter(count=5000)) | {b"counter"}


def _odd_entries(client: redis.Redis, key: str) -> None:
    """Entries whose fields and values have every size and shape that a listpack tells apart, and IDs of every kind."""
    numbers = [0, 127, 128, -1, -4096, 4095, 4096, -4097, 2**15, -(2**23), 2**31, -(2**63), 2**63 - 1, 2**63]
    values = [b"", b"007", b"-0", b"+1", b"1.5", b"x" * 63, b"x" * 64, b"x" * 4095, b"x" * 4096, b"\xff" * 20_000]
    for value in [*values, *map(b"%d".__mod__, numbers)]:
        client.xadd(key, {b"field": value, b"other": value})
        client.xadd(key, {value: b"1"})
    for name in ("99999999999999-5", "99999999999999-18446744073709551615", "99999999999999999-0"):
        client.xadd(key, {"a": 1}, id=name)


@pytest.mark.parametrize("name", ["redis-6.2", soak("redis-7.0"), soak("redis-8.2"), "valkey-9"])
def test_large_keys_are_read_without_blocking_commands(name: str, redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server(name)
    # One that looks at every byte of what it loads.
    loader = redis_server(name, config={"sanitize-dump-payload": "yes"})
    client = source.client()
    with client.pipeline(transaction=False) as pipeline:
        for begin in range(0, 60_000, 1000):
            numbers = range(begin, begin + 1000)
            pipeline.rpush("list", *(f"element {number}" for number in numbers))
            pipeline.sadd("set", *(f"member {number}" for number in numbers))
            pipeline.zadd("zset", {f"member {number}": number / 7 for number in numbers})
            pipeline.hset("hash", mapping={f"field {number}": number for number in numbers})
        pipeline.execute()
    client.set("string", b"0123456789abcdef" * 200_000)
    large_keys.write(client, "stream", "stream", 30_000)
    _odd_entries(client, "stream")
    client.xgroup_create("stream", "idle", id="5-0")
    client.xgroup_createconsumer("stream", "idle", "nobody yet")
    client.pexpire("hash", 3_600_000)
    if backups.knows_field_ttl(source):
        client.execute_command("HPEXPIRE", "hash", 5_000_000, "FIELDS", 2, "field 3", "field 59999")
    client.config_resetstat()

    done = run_module(
        "redis_backup", endpoint=source.endpoint(), dest=str(tmp_path / "dump.rdb"), large_key_bytes=500_000
    ).ok

    assert done["totals"] == {"keys": 6, "expires": 1, "vanished": 0, "large": 6, "failed": 0}
    calls = source.command_calls()
    assert not {"dump", "smembers", "hgetall"} & set(calls)
    assert calls["hscan"] > 50
    assert calls["sscan"] > 50
    backups.assert_equal(source, backups.load(loader, tmp_path / "dump.rdb"))
    restored = redis_server(name)
    assert run_module("redis_restore", endpoint=restored.endpoint(), src=str(tmp_path / "dump.rdb")).ok["changed"]
    backups.assert_equal(source, restored)
    # What can be told of a stream is equal; that the rest is well, the server has to say by going on with it.
    again = loader.client()
    assert again.xadd("stream", {"a": 2}, id="99999999999999999-1")
    assert len(again.xautoclaim("stream", "readers", "three", 0, "0-0", count=100)[1]) > 90
    assert again.xtrim("stream", maxlen=10, approximate=False) > 29_000
    assert again.xreadgroup("readers", "one", {"stream": ">"}, count=5)


@pytest.mark.parametrize(
    ("limit", "large"),
    [({"max_keys_per_second": 250}, False), ({"max_bytes_per_second": 1_000_000}, False)]
    + [({"max_bytes_per_second": 1_000_000}, True)],
)
def test_limits_are_kept(limit: dict[str, int], large: bool, redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server()
    with source.client() as client:
        if large:
            client.set("string", b"x" * 2_500_000)
        else:
            dataset.fill_benchmark(client, "strings10k", 250 if "max_bytes_per_second" in limit else 625)
    options = {"large_key_bytes": 1_000_000, **limit}
    done = run_module("redis_backup", endpoint=source.endpoint(), dest=str(tmp_path / "dump.rdb"), **options).ok
    assert done["elapsed_seconds"] > 2


def test_a_large_key_that_never_rests_is_read_whole(
    redis_server: ServerFactory, fault_proxy: object, tmp_path: Path
) -> None:
    source, loader = redis_server(), redis_server()
    client = source.client()
    client.rpush("list", *(f"element {number}" for number in range(20_000)))
    proxy: FaultProxy = fault_proxy(source.port, redis=True)  # type: ignore[operator]
    proxy.on_command("LRANGE", lambda: client.rpush("list", "one more"), times=-1)
    client.config_resetstat()

    done = run_module(
        "redis_backup",
        endpoint=source.endpoint(port=proxy.port),
        dest=str(tmp_path / "dump.rdb"),
        large_key_bytes=10_000,
    ).ok

    assert done["totals"]["large"] == 1
    assert source.command_calls()["watch"] == 3
    assert source.command_calls()["dump"] == 1
    backups.assert_equal(source, backups.load(loader, tmp_path / "dump.rdb"))


@pytest.mark.parametrize("server", ["redis-7.0", "redis-8.2", "valkey-9"])
def test_a_user_with_few_rights_suffices(server: str, redis_server: ServerFactory, tmp_path: Path) -> None:
    """Without the rights for large keys DUMP does; functions are in the file, or there are none, or it fails."""
    few = "+info +time +ping +select +scan +strlen +memory|usage +dump +pttl +pexpiretime"
    source = redis_server(server, acl_lines=[f"user reader on >secret ~* {few}"])
    loader = redis_server(server)
    keys = backups.fill(source)
    options: dict[str, Any] = {
        "endpoint": source.endpoint(username="reader", password="secret"),
        "dest": str(tmp_path / "dump.rdb"),
        "large_key_bytes": 10_000,
        "force": True,
    }

    refused = run_module("redis_backup", **options)
    assert "has libraries of functions (scripts for FCALL): 1" in refused.message
    assert "NOPERM" in refused.message
    assert "Permit +function|dump, or leave them out of the backup with 'functions: false'" in refused.message
    assert list(tmp_path.iterdir()) == []
    without = run_module("redis_backup", functions=False, **options).ok
    assert (without["totals"]["keys"], without["functions"]) == (keys, None)

    source.client().execute_command("FUNCTION", "FLUSH")
    done = run_module("redis_backup", **options).ok
    assert (done["totals"]["keys"], done["functions"]) == (keys, 0)
    assert "warnings" not in done
    backups.assert_equal(source, backups.load(loader, tmp_path / "dump.rdb"))


def test_documented_rights_save_everything(redis_server: ServerFactory, tmp_path: Path) -> None:
    page = (REPO / "docs" / "permissions.md").read_text()
    rules = " ".join(page.split("```acl-source\n")[1].split("```")[0].split())
    more = re.findall(r"`(\+[a-z|]+)`", page.split("## Backups\n")[1].split(";")[0])
    acl = f"user reader on >secret ~* {rules} +pexpiretime +hpexpiretime {' '.join(more)}"
    source, loader = redis_server("redis-8.2", acl_lines=[acl]), redis_server("redis-8.2")
    keys = backups.fill(source)

    run = run_module(
        "redis_backup",
        endpoint=source.endpoint(username="reader", password="secret"),
        dest=str(tmp_path / "dump.rdb"),
        large_key_bytes=10_000,
    ).ok

    assert run["totals"]["keys"] == keys
    assert "warnings" not in run
    assert backups.libraries(source) == backups.libraries(backups.load(loader, tmp_path / "dump.rdb"))
    backups.assert_equal(source, loader)
    refused = {entry["object"] for entry in source.client().acl_log()}
    assert refused <= {"function|list", "client|setname", "client|no-touch", "command|info"}


def test_a_key_that_may_not_be_read_leaves_no_backup(redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server("redis-7.0", acl_lines=["user reader on >secret ~user:* +@all"])
    backups.fill(source)

    run = run_module(
        "redis_backup", endpoint=source.endpoint(username="reader", password="secret"), dest=str(tmp_path / "dump.rdb")
    )

    assert "NOPERM" in run.message
    assert list(tmp_path.iterdir()) == []


def test_keys_that_go_meanwhile_are_vanished(redis_server: ServerFactory, fault_proxy: object, tmp_path: Path) -> None:
    source, loader = redis_server(), redis_server()
    client = source.client()
    client.mset({f"goes:{number}": number for number in range(300)})
    client.set("stays", 1)
    proxy: FaultProxy = fault_proxy(source.port, redis=True)  # type: ignore[operator]
    proxy.on_command("DUMP", lambda: client.unlink(*client.keys("goes:*")))

    done = run_module("redis_backup", endpoint=source.endpoint(port=proxy.port), dest=str(tmp_path / "dump.rdb")).ok

    assert done["totals"]["keys"] == 1
    assert done["totals"]["vanished"] == 300
    backups.load(loader, tmp_path / "dump.rdb")
    assert loader.client().keys() == [b"stays"]


def test_a_server_without_keys_gives_an_empty_backup(redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server("redis-6.2")
    done = run_module("redis_backup", endpoint=source.endpoint(), dest=str(tmp_path / "dump.rdb")).ok
    assert done["totals"]["keys"] == 0
    loader: RedisServer = backups.load(redis_server("redis-6.2"), tmp_path / "dump.rdb")
    assert loader.client().dbsize() == 0
