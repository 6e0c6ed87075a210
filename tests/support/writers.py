# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applications that write: random commands that change data, of all types, on several logical databases at once.

    with Writers(server, databases=(0, 3)) as writers:
        writers.run(0.5)   # for at least half a second more
        writers.stop()     # every command was acknowledged or refused by now

Databases are flushed and swapped only with `upheavals`; tests that want it at a certain moment do it themselves.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import redis

from tests.support.servers import RedisServer

Command = tuple[Any, ...]


def _knows_field_ttls(server: RedisServer) -> bool:
    return server.binary.version >= ((9, 0) if server.binary.flavor == "valkey" else (7, 4))


class Writers:
    """One thread a database. `keys` names of each type; `upheavals`: the share of commands that concern whole databases.

    Fields of hashes expire where `target` is given and can hold them.
    """

    def __init__(
        self,
        server: RedisServer,
        databases: tuple[int, ...] = (0, 3),
        *,
        keys: int = 40,
        seed: int = 1,
        upheavals: float = 0,
        target: RedisServer | None = None,
    ) -> None:
        self.commands = 0
        self.failures: list[str] = []
        self._server = server
        self._stopped = threading.Event()
        self._keys = keys
        self._upheavals = upheavals
        self._field_ttls = target is not None and all(map(_knows_field_ttls, (server, target)))
        self._threads = [
            threading.Thread(target=self._write, args=(database, random.Random(f"{seed}:{database}")), daemon=True)
            for database in databases
        ]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def run(self, seconds: float) -> None:
        """Let them write for so long."""
        time.sleep(seconds)

    def stop(self) -> None:
        """Stop them; every command that was sent has been answered."""
        self._stopped.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        assert not self.failures, self.failures[:3]

    def _write(self, database: int, chance: random.Random) -> None:
        with self._server.client(database) as client:
            while not self._stopped.is_set():
                try:
                    with client.pipeline(transaction=chance.random() < 0.3) as pipeline:
                        for _each in range(chance.randint(1, 5)):
                            pipeline.execute_command(*self._command(chance))
                        pipeline.execute(raise_on_error=False)
                    self.commands += 1
                except (redis.exceptions.ExecAbortError, redis.exceptions.ReadOnlyError):
                    # A replica takes no writes.
                    pass
                except (redis.ConnectionError, redis.TimeoutError) as exc:
                    # The server may be restarted under them.
                    if self._server.running and "refused" not in str(exc):
                        with contextlib.suppress(redis.RedisError):
                            client.connection_pool.disconnect()
                    time.sleep(0.01)
                time.sleep(0.002)

    def _command(self, chance: random.Random) -> Command:
        if chance.random() < self._upheavals:
            return chance.choice([("SWAPDB", 0, 3), ("SWAPDB", 3, 5), ("FLUSHDB",)])
        kinds: list[Callable[[random.Random], Command]] = [
            self._string,
            self._list,
            self._set,
            self._hash,
            self._sorted_set,
            self._stream,
            self._group,
            self._generic,
            self._generic,
        ]
        return chance.choice(kinds)(chance)

    def _name(self, kind: str, chance: random.Random) -> str:
        return f"{kind}:{chance.randrange(self._keys)}"

    def _string(self, chance: random.Random) -> Command:
        key, value = self._name("string", chance), "v" * chance.choice((1, 10, 200)) + str(chance.random())
        return chance.choice(
            [
                ("SET", key, value),
                ("SET", key, value, "PX", chance.choice((20, 200, 60_000))),
                ("APPEND", key, value),
                ("GETEX", key, "PX", 100),
                ("SETRANGE", key, 3, "x"),
                ("INCR", self._name("counter", chance)),
                ("PFADD", self._name("log", chance), value),
                ("SETBIT", self._name("bits", chance), chance.randrange(999), 1),
                ("MSET", key, 1, self._name("string", chance), 2),
                ("GETDEL", key),
                ("BITOP", "NOT", self._name("bits", chance), self._name("bits", chance)),
                ("PFMERGE", self._name("log", chance), self._name("log", chance)),
            ]
        )

    def _list(self, chance: random.Random) -> Command:
        key = self._name("list", chance)
        return chance.choice(
            [
                ("RPUSH", key, chance.random(), "x" * 100),
                ("LPOP", key),
                ("LTRIM", key, 0, 50),
                ("LMOVE", key, self._name("list", chance), "LEFT", "RIGHT"),
                ("LSET", key, 0, chance.random()),
                ("SORT", key, "ALPHA", "STORE", self._name("list", chance)),
            ]
        )

    def _set(self, chance: random.Random) -> Command:
        key = self._name("set", chance)
        return chance.choice(
            [
                ("SADD", key, chance.randrange(1000), "m"),
                ("SADD", key, f"m{chance.random()}"),
                ("SPOP", key),
                ("SMOVE", key, self._name("set", chance), "m"),
                ("SUNIONSTORE", self._name("set", chance), key, self._name("set", chance)),
            ]
        )

    def _hash(self, chance: random.Random) -> Command:
        key, field = self._name("hash", chance), f"f{chance.randrange(20)}"
        commands: list[Command] = [
            ("HSET", key, field, chance.random()),
            ("HINCRBY", key, "n", 1),
            ("HDEL", key, field),
        ]
        if self._field_ttls:
            commands += [
                ("HPEXPIRE", key, chance.choice((5, 100, 60_000)), "FIELDS", 1, field),
                ("HPERSIST", key, "FIELDS", 1, field),
            ]
        return chance.choice(commands)

    def _sorted_set(self, chance: random.Random) -> Command:
        key, member = self._name("zset", chance), f"m{chance.randrange(50)}"
        return chance.choice(
            [
                ("ZADD", key, chance.random(), member),
                ("ZINCRBY", key, 1.5, member),
                ("ZREM", key, member),
                ("ZPOPMIN", key),
                ("ZRANGESTORE", self._name("zset", chance), key, 0, 10),
                ("GEOADD", self._name("geo", chance), chance.uniform(-90, 90), chance.uniform(-80, 80), member),
            ]
        )

    def _stream(self, chance: random.Random) -> Command:
        key = self._name("stream", chance)
        return chance.choice(
            [
                ("XADD", key, "MAXLEN", "~", 100, "*", "f", chance.random()),
                ("XTRIM", key, "MAXLEN", 20),
                ("XSETID", key, f"{chance.randrange(2**48, 2**49)}-0"),
            ]
        )

    def _group(self, chance: random.Random) -> Command:
        key, group = self._name("stream", chance), f"g{chance.randrange(2)}"
        return chance.choice(
            [
                ("XGROUP", "CREATE", key, group, "0", "MKSTREAM"),
                ("XREADGROUP", "GROUP", group, "c", "COUNT", 2, "STREAMS", key, ">"),
                ("XAUTOCLAIM", key, group, "d", 0, "0"),
                ("XGROUP", "DESTROY", key, group),
            ]
        )

    def _generic(self, chance: random.Random) -> Command:
        kind = chance.choice(("string", "list", "set", "hash", "zset", "stream"))
        key, other = self._name(kind, chance), self._name(kind, chance)
        return chance.choice(
            [
                ("DEL", key),
                ("UNLINK", key),
                ("PEXPIRE", key, chance.choice((5, 100, 60_000))),
                ("PERSIST", key),
                ("RENAME", key, other),
                ("COPY", key, other, "REPLACE"),
                ("COPY", key, other, "DB", chance.choice((0, 3, 5)), "REPLACE"),
                ("EXPIREAT", key, chance.choice((1, 4_000_000_000))),
                ("MOVE", key, chance.choice((0, 3, 5))),
                ("EVAL", "redis.call('DEL', KEYS[1]) return redis.call('SET', KEYS[1], ARGV[1])", 1, key, "other type"),
            ]
        )
