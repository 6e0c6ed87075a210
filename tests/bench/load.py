# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applications that write, in a process of their own, and one that reads the feed of changes and does nothing else.

with Load(server, keys=1_000_000, size=1000, rate=5000) as load:
    ...
print(load.written)   # every one of them was acknowledged
"""

from __future__ import annotations

import json
import os
import random
import selectors
import socket
import subprocess
import sys
import time
from typing import Any

from tests.support.paths import COLLECTIONS_PATH, REPO
from tests.support.servers import RedisServer

_BATCH_SECONDS = 0.01
_CONNECTIONS = 8


class Child:
    """This module in a process of its own, until the block ends."""

    def __init__(self, server: RedisServer, work: str, **order: Any) -> None:
        self._order = {"work": work, "endpoint": server.endpoint(), **order}
        self.result: dict[str, Any] = {}

    def __enter__(self) -> Any:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load", json.dumps(self._order)],
            cwd=REPO,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Returns once every command was answered."""
        if not self.result:
            output, _nothing = self._process.communicate("\n")
            self.result = json.loads(output)

    @property
    def written(self) -> int:
        return int(self.result["written"])


class Load(Child):
    """SET of ``size`` bytes to random ones of the keys ``key:0`` to ``key:keys``, ``rate`` times a second."""

    def __init__(self, server: RedisServer, *, keys: int, size: int, rate: int) -> None:
        super().__init__(server, "rate", keys=keys, size=size, rate=rate)


class RoundTrips(Child):
    """The same as fast as eight connections allow, one command a round trip."""

    def __init__(self, server: RedisServer, *, keys: int, size: int) -> None:
        super().__init__(server, "round trips", keys=keys, size=size)

    @property
    def per_second(self) -> float:
        return self.written / float(self.result["seconds"])


class FeedReader(Child):
    """Reads the feed of changes; nothing is copied."""

    def __init__(self, server: RedisServer) -> None:
        super().__init__(server, "feed")


def _set(key: int, value: bytes) -> bytes:
    name = b"key:%d" % key
    return b"*3\r\n$3\r\nSET\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(name), name, len(value), value)


def _connect(endpoint: dict[str, Any]) -> socket.socket:
    connection = socket.create_connection((endpoint["host"], endpoint["port"]))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _at_rate(order: dict[str, Any], chance: random.Random) -> int:
    connection, value = _connect(order["endpoint"]), os.urandom(order["size"])
    written, begin = 0, time.monotonic()
    with selectors.DefaultSelector() as told:
        told.register(sys.stdin, selectors.EVENT_READ)
        while not told.select(_BATCH_SECONDS):
            due = int((time.monotonic() - begin) * order["rate"]) - written
            if due <= 0:
                continue
            connection.sendall(b"".join([_set(chance.randrange(order["keys"]), value) for _each in range(due)]))
            answer = b""
            while len(answer) < 5 * due:
                answer += connection.recv(65536)
            assert answer == b"+OK\r\n" * due, answer[:100]
            written += due
    return written


def _round_trips(order: dict[str, Any], chance: random.Random) -> int:
    value, written = os.urandom(order["size"]), 0
    with selectors.DefaultSelector() as ready:
        ready.register(sys.stdin, selectors.EVENT_READ)
        for _each in range(_CONNECTIONS):
            connection = _connect(order["endpoint"])
            ready.register(connection, selectors.EVENT_READ, connection)
            connection.sendall(_set(0, value))
        while True:
            for key, _events in ready.select():
                if key.data is None:
                    return written
                assert key.data.recv(100) == b"+OK\r\n"
                written += 1
                key.data.sendall(_set(chance.randrange(order["keys"]), value))


def _feed(order: dict[str, Any]) -> int:
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import (
        parse_endpoint,
    )
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.feed import Feed

    feed = Feed(parse_endpoint(order["endpoint"], "source"), 32 * 1024 * 1024)
    feed.open()
    print("ready", flush=True)
    with selectors.DefaultSelector() as told:
        told.register(sys.stdin, selectors.EVENT_READ)
        while not told.select(0.1):
            feed.collect()
    changes = feed.changes
    feed.close()
    return changes


def _main() -> None:
    sys.path.insert(0, str(COLLECTIONS_PATH))
    order = json.loads(sys.argv[1])
    chance = random.Random(1)
    begin = time.monotonic()
    if order["work"] == "feed":
        written = _feed(order)
    else:
        print("ready", flush=True)
        written = (_at_rate if order["work"] == "rate" else _round_trips)(order, chance)
    ended = time.monotonic()
    print(json.dumps({"written": written, "seconds": ended - begin, "ended": ended, "cpu": time.process_time()}))


if __name__ == "__main__":
    _main()
