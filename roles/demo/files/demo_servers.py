# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two servers for a demonstration. ``start PROGRAM`` prints where they are as JSON; ``stop PID`` ends them.

They belong to a process of their own, which ends them and removes what they wrote when it is told to, or after ten
minutes. Passwords go through a pipe, never through a command line or a file.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import redis

_MINUTES = 10


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _serve(program: str, directory: str, port: int, password: str) -> subprocess.Popen[bytes]:
    settings = f'port {port}\nbind 127.0.0.1\ndir "{directory}"\nsave ""\nrequirepass {password}\n'
    server = subprocess.Popen(
        [program, "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert server.stdin is not None
    server.stdin.write(settings.encode())
    server.stdin.close()
    return server


def _fill(port: int, password: str) -> None:
    for database in (0, 1, 7):
        client = redis.Redis(port=port, password=password, db=database)
        with client.pipeline(transaction=False) as pipeline:
            for number in range(5000):
                pipeline.set(f"user:{number}", secrets.token_bytes(40))
                pipeline.set(f"session:{number}", number, ex=3600 + number)
            pipeline.hset("hash", mapping={f"field:{number}": number for number in range(2000)})
            pipeline.rpush("list", *range(1000))
            pipeline.sadd("set", *(f"member:{number}" for number in range(1000)))
            pipeline.zadd("sorted set", {f"member:{number}": number / 3 for number in range(1000)})
            for number in range(1, 200):
                pipeline.xadd("stream", {"order": number}, id=f"{number}-1")
            pipeline.xgroup_create("stream", "billing", id="0")
            pipeline.xreadgroup("billing", "alice", {"stream": ">"}, count=20)
            for name in (b"", b"a\nb", b"\x00\xff", b"with 'quotes\"", b"{{ braces }}"):
                pipeline.set(name, b"an awkward name")
            pipeline.execute()
        client.close()


def _wait(port: int, password: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with redis.Redis(port=port, password=password) as client:
                client.ping()
                return
        except redis.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _supervise(program: str, ends: dict[str, dict[str, object]], directory: str) -> None:
    servers = []
    for name, end in ends.items():
        place = os.path.join(directory, name)
        os.mkdir(place, 0o700)
        servers.append(_serve(program, place, int(str(end["port"])), str(end["password"])))

    def end_all(*_signal: object) -> None:
        for server in servers:
            server.kill()
            server.wait()
        shutil.rmtree(directory, ignore_errors=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, end_all)
    signal.signal(signal.SIGINT, end_all)
    time.sleep(60 * _MINUTES)
    end_all()


def start(program: str) -> None:
    directory = tempfile.mkdtemp(prefix="redis-migration-demo-")
    ends: dict[str, dict[str, object]] = {
        name: {"host": "127.0.0.1", "port": _free_port(), "password": secrets.token_hex(12)} for name in ("old", "new")
    }
    pid = os.fork()
    if pid == 0:
        os.setsid()
        with open(os.devnull, "r+b") as nothing:
            for number in (0, 1, 2):
                os.dup2(nothing.fileno(), number)
        _supervise(program, ends, directory)
    for end in ends.values():
        _wait(int(str(end["port"])), str(end["password"]))
    _fill(int(str(ends["old"]["port"])), str(ends["old"]["password"]))
    print(json.dumps({"pid": pid, **ends}))


def main() -> None:
    if sys.argv[1] == "start":
        start(sys.argv[2])
    else:
        os.kill(int(sys.argv[2]), signal.SIGTERM)


if __name__ == "__main__":
    main()
