# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an RDB file holds comes into a running server, whoever wrote it; a damaged one changes nothing."""

from __future__ import annotations

import gzip
import random
import re
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ServerFactory, soak
from tests.support import backups, dataset
from tests.support.faultproxy import FaultProxy
from tests.support.run import ModuleRun, StartedModule, run_module
from tests.support.servers import RedisServer

SERVERS = ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-8", "valkey-9"]
UPGRADES = [
    ("redis-6.2", "redis-7.0"),
    ("redis-6.2", "redis-8.2"),
    ("redis-6.2", "valkey-9"),
    ("redis-7.0", "redis-8.2"),
    ("redis-7.0", "valkey-8"),
    ("valkey-8", "redis-8.2"),
    ("valkey-8", "valkey-9"),
]


def _backup(source: RedisServer, file: Path, **options: Any) -> Path:
    assert run_module("redis_backup", endpoint=source.endpoint(), dest=str(file), **options).ok["changed"]
    return file


def _restore(target: RedisServer, file: Path, **options: Any) -> ModuleRun:
    return run_module("redis_restore", endpoint=target.endpoint(), src=str(file), **options)


def _own_dump(server: RedisServer) -> Path:
    server.client().save()
    return server.directory / "dump.rdb"


@pytest.mark.parametrize(("from_name", "to_name"), [*(soak(name, name) for name in SERVERS), *UPGRADES])
def test_round_trip(from_name: str, to_name: str, redis_server: ServerFactory, tmp_path: Path) -> None:
    """Our own file where the two servers are alike, what the server wrote itself where they are not."""
    source, target = redis_server(from_name), redis_server(to_name)
    keys = backups.fill(source)
    own = from_name != to_name
    file = _own_dump(source) if own else _backup(source, tmp_path / "dump.rdb", large_key_bytes=20_000)

    if not own:
        planned = _restore(target, file, check=True).ok
        assert planned["changed"]
        assert planned["totals"]["restored"] == keys
        assert target.write_calls() == 0

    done = _restore(target, file).ok
    assert done["changed"]
    assert done["totals"] == {"scanned": keys, "restored": keys, "skipped": 0, "expired": 0, "empty": 0, "failed": 0}
    assert done["backup"]["checksum_verified"]
    backups.assert_equal(source, target)
    if backups.knows_functions(source):
        assert done["functions"]["loaded"] == ["orders"]
        assert backups.libraries(target) == backups.libraries(source)

    again = _restore(target, file, existing_keys="skip").ok
    assert not again["changed"]
    assert again["totals"]["skipped"] == keys


@pytest.mark.parametrize("compress", [True, False], ids=["gzip", "plain"])
@pytest.mark.parametrize(
    "options",
    ["-aes256 -md md5", "-aes-256-cbc -pbkdf2", "-aes-256-cbc", "-aes-256-cbc -pbkdf2 -iter 600000"],
    ids=["dashboard", "pbkdf2", "default", "ours"],
)
def test_what_openssl_encrypted_is_opened(
    options: str, compress: bool, redis_server: ServerFactory, tmp_path: Path
) -> None:
    """A dashboard's download is `openssl enc -aes256 -md md5` of a gzip file."""
    source, target = redis_server("redis-6.2"), redis_server("redis-6.2")
    dataset.fill(source.client, databases=(0, 3))
    plain = _own_dump(source).read_bytes()
    (tmp_path / "plain").write_bytes(gzip.compress(plain) if compress else plain)
    subprocess.run(
        ["openssl", "enc", *options.split(), "-in", tmp_path / "plain", "-out", tmp_path / "download"]
        + ["-pass", "pass:the password"],
        capture_output=True,
        check=True,
    )

    wrong = _restore(target, tmp_path / "download", encryption_password="not the password")
    assert "does not open the backup" in wrong.message
    none = _restore(target, tmp_path / "download")
    assert "is encrypted" in none.message
    assert "encryption_password" in none.message
    assert target.client().dbsize() == 0

    done = _restore(target, tmp_path / "download", encryption_password="the password").ok
    assert done["backup"]["kind"] == ("openssl of gzip" if compress else "openssl")
    backups.assert_equal(source, target)


def test_encrypted_by_us(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server(), redis_server()
    backups.fill(source)
    file = _backup(source, tmp_path / "dump.rdb", encryption_password="ein Wort ☃")
    assert "does not open" in _restore(target, file, encryption_password="ein Wort").message
    assert _restore(target, file, encryption_password="ein Wort ☃").ok["backup"]["kind"] == "openssl"
    backups.assert_equal(source, target)


def test_damaged_and_truncated_files_change_nothing(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    backups.fill(source)
    whole = _own_dump(source).read_bytes()
    file = tmp_path / "bad.rdb"

    def message(content: bytes, **options: Any) -> str:
        file.write_bytes(content)
        found = _restore(target, file, **options).message
        assert str(file) in found
        return found

    for size in (0, 5, 9, 10, 1000, len(whole) // 2, len(whole) - 9, len(whole) - 8, len(whole) - 1):
        said = message(whole[:size])
        if size > 9:
            assert "cut short" in said
            assert f"ends at byte {size}," in said
        else:
            assert "is empty" in said if size == 0 else "no RDB file" in said or "cut short" in said
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0x10
    assert "damaged" in message(bytes(flipped))
    assert "damaged" in message(whole[:-8] + b"12345678")
    assert "at byte" in message(whole[:9] + b"\xf2" + whole[9:])
    zipped = gzip.compress(whole)
    assert "cut short" in message(zipped[:-100])
    assert "no RDB file" in message(b"PK\x03\x04 something else" * 10)
    assert "newer" in message(b"REDIS0099" + whole[9:])
    assert "has no RDB file in it" in message(gzip.compress(b"something else" * 10))
    encrypted = _backup(source, tmp_path / "dump.enc", encryption_password="secret").read_bytes()
    assert "cut short" in message(encrypted[:-16], encryption_password="secret")
    assert "cut short" in message(encrypted[:-5], encryption_password="secret")
    assert "No such file" in _restore(target, tmp_path / "missing.rdb").message

    assert target.client().info("keyspace") == {}
    assert target.write_calls() == 0


def test_a_wrong_checksum_beside_the_file_stops_everything(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-6.2")
    source.client().set("a", 1)
    file = _backup(source, tmp_path / "dump.rdb")
    (tmp_path / "dump.rdb.sha256").write_text("0" * 64 + "  dump.rdb\n")
    assert "checksum file" in _restore(target, file).message
    assert target.client().dbsize() == 0


def test_a_server_with_keys_is_left_alone_unless_told(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server(), redis_server()
    source.client().mset({"a": 1, "b": 2, "c": 3})
    backups.load_library(source.client(), backups.LIBRARY)
    file = _backup(source, tmp_path / "dump.rdb")
    target.client().mset({"b": "there before", "z": "another"})
    other = backups.LIBRARY.replace("LLEN", "SCARD")
    backups.load_library(target.client(), other)

    refused = _restore(target, file)
    assert "not empty" in refused.message
    assert "2 in database 0" in refused.message
    assert target.client().mget("a", "b") == [None, b"there before"]

    skipped = _restore(target, file, existing_keys="skip").ok
    assert (skipped["totals"]["restored"], skipped["totals"]["skipped"]) == (2, 1)
    assert skipped["functions"]["skipped"] == ["orders"]
    assert target.client().mget("a", "b", "z") == [b"1", b"there before", b"another"]

    planned = _restore(target, file, existing_keys="skip", check=True).ok
    assert not planned["changed"]
    assert planned["totals"]["skipped"] == 3

    replaced = _restore(target, file, existing_keys="replace").ok
    assert replaced["totals"]["restored"] == 3
    assert replaced["functions"]["replaced"] == ["orders"]
    assert target.client().mget("a", "b", "z") == [b"1", b"2", b"another"]
    assert backups.libraries(target) == [backups.LIBRARY.encode()]


def test_databases_can_be_chosen_and_moved(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-7.0")
    backups.fill(source)
    target.client(0).set("in the way", 1)
    done = _restore(
        target,
        _own_dump(source),
        databases=[0, 5],
        database_map={"0": 7},
        match=["user:*", "string:*"],
        exclude=["*:name"],
        functions=False,
    ).ok

    assert set(done["databases"]) == {"0", "5"}
    assert done["databases"]["0"]["target_database"] == 7
    assert backups.libraries(target) == []
    assert set(target.client().info("keyspace")) == {"db0", "db5", "db7"}
    for here, there in ((0, 7), (5, 5)):
        wanted = {key for key in source.client(here).scan_iter("string:*", count=1000) if not key.endswith(b":name")}
        assert set(target.client(there).scan_iter(count=1000)) == wanted
    both = _restore(target, _own_dump(source), database_map={"0": 5})
    assert "would both go to database 5" in both.message
    beyond = _restore(target, _own_dump(source), databases=[0], database_map={"0": 99})
    assert "no logical database 99" in beyond.message


def test_functions_need_a_server_that_knows_them(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-6.2")
    source.client().set("a", 1)
    backups.load_library(source.client(), backups.LIBRARY)
    file = _backup(source, tmp_path / "dump.rdb")
    assert "orders" in _restore(target, file).message
    assert target.client().dbsize() == 0
    assert _restore(target, file, functions=False).ok["totals"]["restored"] == 1


def test_expired_keys_stay_away(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server(), redis_server()
    dataset.add_short_ttls(source.client(), 20, 3000)
    source.client().set("stays", 1)
    file = _backup(source, tmp_path / "dump.rdb")
    time.sleep(3.1)
    for check in (True, False):
        done = _restore(target, file, check=check).ok
        assert (done["totals"]["expired"], done["totals"]["restored"]) == (20, 1)
    assert target.client().keys() == [b"stays"]


def test_lost_connections_leave_nothing_out(redis_server: ServerFactory, fault_proxy: object, tmp_path: Path) -> None:
    source, target = redis_server(), redis_server()
    keys = backups.fill(source)
    proxy: FaultProxy = fault_proxy(target.port)  # type: ignore[operator]
    proxy.cut_after(200_000, "to_server", times=10)

    done = run_module("redis_restore", endpoint=target.endpoint(port=proxy.port), src=str(_own_dump(source))).ok

    assert done["totals"]["restored"] == keys
    backups.assert_equal(source, target)


def test_a_target_that_is_restarted_is_told(redis_server: ServerFactory, fault_proxy: object, tmp_path: Path) -> None:
    source, target = redis_server(), redis_server()
    dataset.fill_benchmark(source.client(), "strings100", 20_000)
    file = _own_dump(source)
    proxy: FaultProxy = fault_proxy(target.port, redis=True)  # type: ignore[operator]

    def restart() -> None:
        target.kill()
        target.start()

    proxy.on_command("RESTORE", lambda: threading.Thread(target=restart).start(), skip=5000, times=1)
    run = run_module("redis_restore", endpoint=target.endpoint(port=proxy.port), src=str(file), timeout=20)
    assert "was restarted" in run.message
    assert "skip" in run.message

    assert _restore(target, file, existing_keys="skip").ok["totals"]["failed"] == 0
    backups.assert_equal(source, target)


def test_a_full_target_is_told(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-7.0", config={"maxmemory": "3mb"})
    dataset.fill_benchmark(source.client(), "strings10k", 1000)
    run = _restore(target, _own_dump(source))
    assert "OOM" in run.message
    assert "full" in run.message
    assert 0 < run.result["totals"]["restored"] <= target.client().dbsize() + 500


def test_values_too_large_for_one_command_are_built_up(redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server("redis-8.2")
    target = redis_server("redis-8.2", config={"proto-max-bulk-len": 1_048_576})
    client = source.client()
    # Of what could be compressed, less would arrive.
    chance = random.Random(1)
    tails = [chance.randbytes(10).hex() for _number in range(60_000)]
    with client.pipeline(transaction=False) as pipeline:
        for begin in range(0, 60_000, 1000):
            numbers = range(begin, begin + 1000)
            pipeline.rpush("list", *(f"element {number} {tails[number]}" for number in numbers))
            pipeline.sadd("set", *(f"member {number} {tails[number]}" for number in numbers))
            pipeline.zadd("zset", {f"member {number} {tails[number]}": number / 7 for number in numbers})
            pipeline.hset("hash", mapping={f"field {number}": tails[number] for number in numbers})
        pipeline.execute()
    client.pexpire("zset", 3_600_000)
    file = _backup(source, tmp_path / "dump.rdb")

    done = _restore(target, file).ok
    assert done["totals"]["restored"] == 4
    assert "restore" not in target.command_calls()
    backups.assert_equal(source, target)
    assert _restore(target, file, existing_keys="skip").ok["totals"]["skipped"] == 4
    assert target.client().dbsize() == 4

    # A string above the limit cannot be.
    piece = chance.randbytes(1_000_000)
    for _number in range(3):
        client.append("string", piece)
    client.delete("list", "set", "zset", "hash")
    with client.pipeline(transaction=False) as pipeline:
        for _number in range(7_000):
            pipeline.xadd("stream", {"a": chance.randbytes(300)})
        pipeline.execute()
    target.client().flushall()
    run = _restore(target, _own_dump(source))
    reasons = {failure["key"]: failure["reason"] for failure in run.result["failures"]}
    assert list(reasons) == ["string"]
    assert "maximum allowed size" in reasons["string"]
    client.delete("string")
    backups.assert_equal(source, target)


@pytest.mark.parametrize("name", [soak("redis-6.2"), "redis-8.2", soak("valkey-9")])
def test_large_values_pass_without_being_held(name: str, redis_server: ServerFactory, tmp_path: Path) -> None:
    """Values above the buffers go through a file, whatever their encoding."""
    source, target = redis_server(name), redis_server(name)
    client = source.client()
    with client.pipeline(transaction=False) as pipeline:
        for begin in range(0, 300_000, 1000):
            numbers = range(begin, begin + 1000)
            pipeline.rpush("list", *(f"element {number} {'x' * 20}" for number in numbers))
            pipeline.hset("hash", mapping={f"field {number}": "y" * 10 for number in numbers})
        pipeline.execute()
    piece = random.Random(1).randbytes(1_000_000)  # nothing that a server could compress
    for _number in range(48):
        client.append("string", piece)
    client.pexpire("string", 3_600_000)
    file = _own_dump(source)

    started = StartedModule("redis_restore", {"endpoint": target.endpoint(), "src": str(file)})
    peak = _peak_mib(started.pid)

    assert started.wait().ok["totals"]["restored"] == 3
    assert peak < 150
    backups.assert_equal(source, target)
    assert _restore(target, file, existing_keys="skip").ok["totals"]["skipped"] == 3
    assert _restore(target, file, existing_keys="replace").ok["totals"]["restored"] == 3
    backups.assert_equal(source, target)


def _peak_mib(pid: int) -> float:
    """The most memory that a module had until its end (what wait4 tells begins with that of the process that started it)."""
    peak = 0
    while True:
        try:
            told = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        except OSError:
            return peak / 1024
        if not told:
            return peak / 1024
        peak = int(told[1])
        time.sleep(0.01)
