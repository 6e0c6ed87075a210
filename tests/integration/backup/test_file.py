# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of a backup: complete or not there, for its owner only, with a checksum, opened by openssl alone."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import ServerFactory
from tests.support import backups, dataset
from tests.support.faultproxy import FaultProxy
from tests.support.run import StartedModule, run_module

PASSWORD = "pass wörd $x'\""


def test_file_and_checksum_are_private_and_agree(redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server("redis-6.2")
    backups.fill(source)
    file = tmp_path / "a name\\with 'all sorts'.rdb"

    done = run_module("redis_backup", endpoint=source.endpoint(), dest=str(file)).ok

    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        file.name: 0o600,
        file.name + ".sha256": 0o600,
    }
    assert done["size"] == file.stat().st_size
    checked = subprocess.run(
        ["sha256sum", "--strict", "--check", file.name + ".sha256"], cwd=tmp_path, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert done["checksum"] in Path(str(file) + ".sha256").read_text()


def test_a_second_run_leaves_the_backup_unless_forced(redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server("redis-6.2")
    backups.fill(source)
    file = tmp_path / "dump.rdb"
    options = {"endpoint": source.endpoint(), "dest": str(file)}
    first = run_module("redis_backup", **options).ok
    before = file.stat()

    again = run_module("redis_backup", **options).ok
    assert not again["changed"]
    assert again["checksum"] == first["checksum"]
    assert file.stat().st_ino == before.st_ino

    source.client().set("new", 1)
    forced = run_module("redis_backup", force=True, **options).ok
    assert forced["changed"]
    assert forced["totals"]["keys"] == first["totals"]["keys"] + 1
    assert forced["checksum"] in Path(str(file) + ".sha256").read_text()

    without = run_module("redis_backup", force=True, checksum=False, **options).ok
    assert without["changed"]
    assert [path.name for path in tmp_path.iterdir()] == [file.name], "a checksum of an older backup stayed"


def test_a_damaged_backup_is_not_taken_for_one(redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server("redis-6.2")
    source.client().set("a", 1)
    file = tmp_path / "dump.rdb"
    options = {"endpoint": source.endpoint(), "dest": str(file)}
    run_module("redis_backup", **options)
    content = bytearray(file.read_bytes())
    content[-12] ^= 1
    file.write_bytes(content)

    assert "damaged or changed" in run_module("redis_backup", **options).message
    assert file.read_bytes() == content
    assert run_module("redis_backup", force=True, **options).ok["changed"]


def test_check_mode_reads_all_and_writes_nothing(redis_server: ServerFactory, tmp_path: Path) -> None:
    source = redis_server("redis-8.2")
    keys = backups.fill(source)

    planned = run_module(
        "redis_backup",
        check=True,
        endpoint=source.endpoint(),
        dest=str(tmp_path / "dump.rdb"),
        encryption_password=PASSWORD,
    ).ok

    assert planned["changed"]
    assert planned["totals"]["keys"] == keys
    assert planned["size"] > 1_000_000
    assert list(tmp_path.iterdir()) == []

    # What a task before it would have created is not there in check mode.
    early = run_module(
        "redis_backup", check=True, endpoint=source.endpoint(), dest=str(tmp_path / "missing" / "dump.rdb")
    ).ok
    assert early["totals"]["keys"] == keys
    assert "does not exist" in str(early["warnings"])


def test_openssl_alone_opens_an_encrypted_backup(redis_server: ServerFactory, tmp_path: Path) -> None:
    """Also where a large key was read anew, so that the stream of encryption went back."""
    source, loader = redis_server(), redis_server()
    backups.fill(source)
    file = tmp_path / "it's a dump.rdb.enc"
    (tmp_path / "password").write_text(PASSWORD + "\n")

    done = run_module(
        "redis_backup",
        endpoint=source.endpoint(),
        dest=str(file),
        encryption_password=PASSWORD,
        large_key_bytes=1000,
    )

    assert PASSWORD not in str(done.result) + done.stderr
    assert file.read_bytes().startswith(b"Salted__")
    command = done.ok["decrypt_command"] + f" -pass file:{tmp_path}/password"
    opened = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert (opened.returncode, opened.stderr) == (0, b"")
    plain = tmp_path / "it's a dump.rdb"
    assert plain.read_bytes().startswith(b"REDIS0012")
    backups.assert_equal(source, backups.load(loader, plain))


def test_an_encrypted_stream_can_go_back(redis_server: ServerFactory, fault_proxy: object, tmp_path: Path) -> None:
    source, loader = redis_server(), redis_server()
    client = source.client()
    client.rpush("list", *(f"element {number}" for number in range(20_000)))
    client.set("before", 1)
    proxy: FaultProxy = fault_proxy(source.port, redis=True)  # type: ignore[operator]
    proxy.on_command("LRANGE", lambda: client.rpush("list", "one more"), skip=7, times=2)

    done = run_module(
        "redis_backup",
        endpoint=source.endpoint(port=proxy.port),
        dest=str(tmp_path / "dump.enc"),
        encryption_password="secret",
        large_key_bytes=10_000,
    ).ok

    assert source.command_calls()["watch"] == 2
    opened = subprocess.run(
        ["sh", "-c", done["decrypt_command"] + " -pass pass:secret"], capture_output=True, check=False
    )
    assert (opened.returncode, opened.stderr) == (0, b"")
    backups.assert_equal(source, backups.load(loader, tmp_path / "dump"))


@pytest.mark.parametrize(
    ("dest", "expected"),
    [
        ("missing/dump.rdb", "No such file or directory"),
        ("", "is a directory"),
        ("file/dump.rdb", "Not a directory"),
    ],
)
def test_a_wrong_place_is_told_before_anything_is_read(
    dest: str, expected: str, redis_server: ServerFactory, tmp_path: Path
) -> None:
    source = redis_server("redis-6.2")
    source.client().set("a", 1)
    (tmp_path / "file").touch()
    for check in (True, False) if dest != "missing/dump.rdb" else (False,):
        message = run_module("redis_backup", check=check, endpoint=source.endpoint(), dest=str(tmp_path / dest)).message
        assert expected in message
        assert str(tmp_path) in message
    assert "scan" not in source.command_calls()


def test_a_full_disk_leaves_nothing(redis_server: ServerFactory, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk: the error arrives in the same way, from write()."""
    source = redis_server("redis-6.2")
    dataset.fill_benchmark(source.client(), "strings10k", 1000)
    (tmp_path / "dump.rdb").write_bytes(b"an older backup")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, before[1]))
    try:
        run = run_module("redis_backup", endpoint=source.endpoint(), dest=str(tmp_path / "dump.rdb"), force=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert "Cannot write the backup's 'dest'" in run.message
    assert "File too large" in run.message
    assert [path.name for path in tmp_path.iterdir()] == ["dump.rdb"]
    assert (tmp_path / "dump.rdb").read_bytes() == b"an older backup"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_the_older_backup(
    how: signal.Signals, redis_server: ServerFactory, fault_proxy: object, tmp_path: Path
) -> None:
    source = redis_server("redis-6.2")
    dataset.fill_benchmark(source.client(), "strings10k", 2000)
    proxy: FaultProxy = fault_proxy(source.port, bandwidth=2_000_000)  # type: ignore[operator]
    (tmp_path / "dump.rdb").write_bytes(b"an older backup")
    options = {"dest": str(tmp_path / "dump.rdb"), "force": True}
    started = StartedModule("redis_backup", {"endpoint": source.endpoint(port=proxy.port), **options})
    deadline = time.monotonic() + 60
    while not _unfinished(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert _unfinished(tmp_path)[0].stat().st_mode & 0o777 == 0o600

    started.kill(how)
    started.wait()

    assert (tmp_path / "dump.rdb").read_bytes() == b"an older backup"
    assert bool(_unfinished(tmp_path)) is (how is signal.SIGKILL)
    # The next run takes away what a killed one left, but not what another one is writing.
    other = os.open(tmp_path / ".dump.rdb.other.rdb", os.O_CREAT)
    os.close(other)
    assert run_module("redis_backup", endpoint=source.endpoint(), **options).ok["changed"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".dump.rdb.other.rdb", "dump.rdb", "dump.rdb.sha256"]


def test_two_runs_with_one_destination(redis_server: ServerFactory, fault_proxy: object, tmp_path: Path) -> None:
    """The second is refused at its start, and what has come to be there meanwhile stays."""
    source = redis_server("redis-6.2")
    dataset.fill_benchmark(source.client(), "strings10k", 2000)
    proxy: FaultProxy = fault_proxy(source.port, bandwidth=300_000)  # type: ignore[operator]
    file = tmp_path / "dump.rdb"
    started = StartedModule("redis_backup", {"endpoint": source.endpoint(port=proxy.port), "dest": str(file)})
    deadline = time.monotonic() + 60
    while not _unfinished(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    for force in (False, True):
        second = run_module("redis_backup", endpoint=source.endpoint(), dest=str(file), force=force)
        assert f"Another run is writing a backup to {file}" in second.message
    assert run_module("redis_backup", endpoint=source.endpoint(), dest=str(tmp_path / "other.rdb")).ok["changed"]
    assert _unfinished(tmp_path), "the first run was over too early to show anything"
    file.write_bytes(b"put there by somebody")
    proxy.bandwidth = None

    assert "without 'force' it stays" in started.wait().message
    assert file.read_bytes() == b"put there by somebody"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dump.rdb", "other.rdb", "other.rdb.sha256"]


def _unfinished(directory: Path) -> list[Path]:
    return list(directory.glob(".dump.rdb.*.unfinished"))


def test_a_source_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    run = run_module("redis_backup", endpoint={"host": "127.0.0.1", "port": 1}, dest=str(tmp_path / "dump.rdb"))
    assert "connection refused" in run.message
    assert list(tmp_path.iterdir()) == []
