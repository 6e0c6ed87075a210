# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An end that is no Redis, or does not behave like one: a clear error within seconds, in bounded memory."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.engine import moved
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.run import ModuleRun, run_module
from tests.support.servers import RedisServer

# As the project promises it for every run.
MEMORY_MIB = 200

# Nothing here takes so long; it is there for a machine that does ten other things.
SECONDS = 60

Behaviour = Callable[[socket.socket], None]


@contextlib.contextmanager
def listening(behave: Behaviour) -> Iterator[dict[str, Any]]:
    """An endpoint at which `behave` talks with whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        open_now: set[socket.socket] = set()

        def talk(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                behave(connection)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _address = listener.accept()
                    open_now.add(connection)
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield {"host": "127.0.0.1", "port": listener.getsockname()[1], "timeout": 3}
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in open_now:
                connection.close()


def http(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def ssh(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    while connection.recv(4096):
        pass


def echo(connection: socket.socket) -> None:
    while data := connection.recv(4096):
        connection.sendall(data)


def garbage(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(bytes(range(256)) * 100)


def endless(connection: socket.socket) -> None:
    connection.recv(4096)
    while True:
        connection.sendall(b"+" + b"x" * 65_536)


def enormous(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"$2000000000\r\n")
    while True:
        connection.sendall(bytes(65_536))


def many(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"*2000000000\r\n")
    while True:
        connection.sendall(b":1\r\n" * 16_384)


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def hangs_up(connection: socket.socket) -> None:
    connection.recv(4096)


def yes_to_all(connection: socket.socket) -> None:
    """OK is no answer to INFO."""
    while connection.recv(4096):
        connection.sendall(b"+OK\r\n")


NOT_REDIS: dict[str, tuple[Behaviour, str]] = {
    "an HTTP server": (http, "did not answer as a Redis does"),
    "an SSH server": (ssh, "did not answer as a Redis does"),
    "an echo": (echo, "did not answer as a Redis does"),
    "garbage": (garbage, "did not answer as a Redis does"),
    "endless data": (endless, "did not answer as a Redis does"),
    "an enormous reply": (enormous, "did not answer as a Redis does"),
    "an endless list": (many, "did not answer as a Redis does"),
    "silence": (silent, "did not answer within 3 s"),
    "a hang-up": (hangs_up, "closed the connection"),
    "OK to everything": (yes_to_all, "does not seem to be a Redis or Valkey server. Check host and port"),
}


def cheap(run: ModuleRun) -> str:
    """The message of a run that failed in time and within its memory."""
    assert run.seconds < SECONDS
    assert run.peak_mib < MEMORY_MIB
    assert "Traceback" not in run.stderr
    return run.message


@pytest.mark.parametrize("who", NOT_REDIS)
@pytest.mark.parametrize("side", ["source", "target"])
def test_an_end_that_is_no_redis(who: str, side: str, redis_server: ServerFactory) -> None:
    behave, expected = NOT_REDIS[who]
    server = redis_server("redis-6.2")
    server.client().set("a", "1")
    with listening(behave) as end:
        ends = {"source": server.endpoint(), "target": server.endpoint(), side: end}
        said = cheap(run_module("redis_migrate_keys", **ends))
    assert expected in said
    assert f"{side} 127.0.0.1:{end['port']}" in said
    assert len(said) < 1000
    assert server.write_calls() == 1


@pytest.mark.parametrize("module", ["redis_keyspace_info", "redis_key_diff", "redis_backup", "redis_preflight_info"])
@pytest.mark.parametrize("who", ["an HTTP server", "an enormous reply"])
def test_every_module_notices(module: str, who: str, redis_server: ServerFactory, tmp_path: Any) -> None:
    behave, expected = NOT_REDIS[who]
    with listening(behave) as end:
        options: dict[str, Any] = {"endpoint": end}
        if module in ("redis_key_diff", "redis_preflight_info"):
            options = {"source": end, "target": redis_server("redis-8.2").endpoint()}
        if module == "redis_backup":
            options["dest"] = str(tmp_path / "dump.rdb")
        run = run_module(module, **options)
    if module == "redis_preflight_info":
        assert run.peak_mib < MEMORY_MIB
        assert any(expected in finding["message"] for finding in run.result["findings"])
    else:
        assert expected in cheap(run)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def filled(server_pair: tuple[RedisServer, RedisServer]) -> tuple[RedisServer, RedisServer]:
    source, target = server_pair
    dataset.fill(source.client, databases=(0,))
    return source, target


# In the middle of a run: the connection was with a Redis until then.
SUDDENLY = {
    "garbage": b"\x00\xff what is this\r\n",
    "a page": b"HTTP/1.1 503 Service Unavailable\r\n\r\n",
    "a negative length": b"$-7\r\n",
}


@pytest.mark.parametrize("what", SUDDENLY)
@pytest.mark.parametrize("command", ["DUMP", "SCAN"])
def test_garbage_in_the_middle_of_a_run(
    what: str,
    command: str,
    filled: tuple[RedisServer, RedisServer],
    fault_proxy: Callable[..., FaultProxy],
) -> None:
    source, target = filled
    proxy = fault_proxy(source.port, redis=True)
    proxy.replace_reply(command, SUDDENLY[what], skip=0 if command == "SCAN" else 20, times=-1)
    with pytest.raises(engine.RedisMigrationError, match="did not answer as a Redis does") as failure:
        engine.migrate(source.endpoint(port=proxy.port), target, timeout=1)
    assert f"source 127.0.0.1:{proxy.port}" in str(failure.value)
    again(source, target)


@pytest.mark.parametrize("what", SUDDENLY)
@pytest.mark.parametrize("side", ["source", "target"])
def test_garbage_once_in_a_comparison(
    side: str,
    what: str,
    filled: tuple[RedisServer, RedisServer],
    fault_proxy: Callable[..., FaultProxy],
) -> None:
    """Of any command that reads values, also where replies are compared as the bytes that they are."""
    source, target = filled
    engine.migrate(source, target)
    ends = {"source": source, "target": target}
    proxy = fault_proxy(ends[side].port, redis=True)
    for command in ("MGET", "HGETALL", "SMEMBERS", "LRANGE", "ZSCAN", "XRANGE", "DUMP", "TYPE"):
        proxy.heal()
        proxy.replace_reply(command, SUDDENLY[what], times=1)
        found = engine.diff(*({**ends, side: ends[side].endpoint(port=proxy.port, timeout=2)}.values()))
        assert found["identical"], (command, found["differences"])


@pytest.mark.parametrize("what", SUDDENLY)
def test_garbage_instead_of_an_acknowledgement(
    what: str, filled: tuple[RedisServer, RedisServer], fault_proxy: Callable[..., FaultProxy]
) -> None:
    """The target did carry out what it did not acknowledge: a second look finds that and counts it."""
    source, target = filled
    proxy = fault_proxy(target.port, redis=True)
    proxy.replace_reply("RESTORE", SUDDENLY[what], skip=20, times=-1)
    done = engine.migrate(source, target.endpoint(port=proxy.port))
    assert moved(done) == {"scanned": target.client().dbsize(), "copied": target.client().dbsize()}
    assert done["reconnects"] >= 1
    again(source, target)


def again(source: RedisServer, target: RedisServer) -> None:
    """The next run ends equal, and the source was only read."""
    written = source.write_calls()
    engine.migrate(source, target)
    found = compare(source, target)
    assert not found, report(found)
    assert source.write_calls() == written


@pytest.mark.parametrize("command", ["SCAN", "DUMP", "MEMORY", "INFO"])
def test_a_reply_without_an_end_in_the_middle_of_a_run(command: str, filled: tuple[RedisServer, RedisServer]) -> None:
    """From then on the source sends two gigabytes for every such command. What has no DUMP is rebuilt."""
    source, target = filled
    with enormous_for(command, source) as end:
        run = run_module("redis_migrate_keys", source=end, target=target.endpoint(), timeout=5)
    assert run.peak_mib < MEMORY_MIB
    if command != "DUMP":
        said = cheap(run)
        assert "in one reply, without an end" in said or "did not answer as a Redis does" in said
    arrived = target.client().dbsize()
    assert moved(run.result).get("copied", 0) <= arrived
    again(source, target)


@contextlib.contextmanager
def enormous_for(command: str, server: RedisServer) -> Iterator[dict[str, Any]]:
    """The endpoint of `server`, but for `command` it never ends."""
    word = command.encode()

    def behave(client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", server.port)) as upstream:
            done = threading.Event()

            def back() -> None:
                with contextlib.suppress(OSError):
                    while data := upstream.recv(65_536):
                        client.sendall(data)
                if not done.is_set():
                    with contextlib.suppress(OSError):
                        client.shutdown(socket.SHUT_RDWR)

            relay = threading.Thread(target=back, daemon=True)
            relay.start()
            while data := client.recv(65_536):
                if b"\r\n%b\r\n" % word in data.upper():
                    done.set()
                    upstream.shutdown(socket.SHUT_RDWR)
                    relay.join()
                    client.sendall(b"$2000000000\r\n")
                    while True:
                        client.sendall(bytes(65_536))
                upstream.sendall(data)

    with listening(behave) as end:
        yield {**server.endpoint(), **end}


def test_a_key_far_larger_than_the_server_thinks(redis_server: ServerFactory) -> None:
    """MEMORY USAGE looks at a few elements only; what follows from a wrong estimate is bounded as well."""
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    client = source.client()
    client.rpush("list", *["small"] * 20)
    for _number in range(100):
        client.rpush("list", bytes(1_000_000))
    client.set("beside", "it")
    run = run_module("redis_migrate_keys", source=source.endpoint(), target=target.endpoint(), strategy="copy")
    assert run.ok["totals"]["copied"] == 2
    assert run.peak_mib < MEMORY_MIB
    found = compare(source, target)
    assert not found, report(found)
