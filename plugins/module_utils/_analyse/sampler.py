# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at some keys of each logical database, at a bounded cost to the server.

SCAN walks a database in the order of a hash of the names, so its first keys are a random choice of all. No command reads
a key that is large: its size is estimated from a few elements, and its length is known to the server.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from .._connection.connect import client
from .._connection.cursor import CursorWalk
from .._connection.endpoint import Endpoint
from .._imports import Redis
from .._keys.selection import Selection
from .._pipeline.throttle import Throttle
from .._server.compatibility import oldest_readers
from .._server.info import Server
from .._server.sample import Key, KeySample
from .asking import LENGTHS, Answers, Asking, Command, as_sent, reads_without_use
from .payloads import Payloads

# Keys that are asked for together. How many is corrected by how long the server takes for them.
_FEWEST, _MOST = 20, 500

# For so many microseconds the server may be busy with one batch.
_AT_ONCE_US = 2000.0

# MEMORY USAGE looks at so many elements of a key, and takes the others to be like them.
_ELEMENTS = 5

_PING_TRIES = 3


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The options of a sample. ``keys`` of each logical database at most, and ``seconds`` (0: any) for all together."""

    keys: int
    selection: Selection = dataclasses.field(default_factory=Selection)
    seconds: float = 0
    large_bytes: int = 0
    keys_per_second: float = 0


class _Walked(t.NamedTuple):
    """A database: how many names were seen, whether these are all, and what those that are meant are like."""

    seen: int
    complete: bool
    found: KeySample


def sampled(endpoint: Endpoint, server: Server, wanted: Wanted) -> dict[str, t.Any]:
    """The ``sample`` of redis_keyspace_info. Raises :class:`RedisMigrationError`."""
    return _Sampler(endpoint, server, wanted).run()


class _Sampler:
    def __init__(self, endpoint: Endpoint, server: Server, wanted: Wanted) -> None:
        self._endpoint = endpoint
        self._server = server
        self._wanted = wanted
        # By the command that a migration needs too, and its user is permitted.
        self._expiry = "PEXPIRETIME" if server.supports_pexpiretime() else "PTTL"
        self._helpful = ["OBJECT ENCODING"]
        if server.maxmemory_policy.endswith("-lfu"):
            self._helpful.append("OBJECT FREQ")
        self._asking = Asking(endpoint)
        self._payloads = Payloads()
        self._throttle = Throttle(wanted.keys_per_second)
        self._together = _FEWEST
        self._longest_us = 0.0
        self._round_trip_ms: float | None = None

    def run(self) -> dict[str, t.Any]:
        began = time.monotonic()
        chosen = self._wanted.selection.databases
        numbers = [number for number in sorted(self._server.databases) if chosen is None or number in chosen]
        total = KeySample(self._wanted.large_bytes)
        databases = {}
        for place, number in enumerate(numbers):
            # Each of those that are left gets its part of the time that is left.
            left = (began + self._wanted.seconds - time.monotonic()) / (len(numbers) - place)
            walked = self._walk(number, time.monotonic() + left if self._wanted.seconds else float("inf"))
            keys = self._server.databases[number].keys
            total.include(walked.found, 1.0 if walked.complete else max(1.0, keys / max(1, walked.seen)))
            databases[str(number)] = {"keys": keys, "looked_at": walked.seen, "complete": walked.complete}
        return {
            **total.as_dict(),
            "databases": databases,
            "complete": all(one["complete"] for one in databases.values()),
            "payloads": self._payloads.as_dict(),
            "read_by": oldest_readers(self._server),
            "refused": [{"command": name, "reason": reason} for name, reason in self._asking.refused.items()],
            "round_trip_ms": round(self._round_trip_ms or 0.0, 3),
            "longest_batch_ms": round(self._longest_us / 1000, 3),
            "seconds": round(time.monotonic() - began, 3),
        }

    def _walk(self, number: int, until: float) -> _Walked:
        found = KeySample(self._wanted.large_bytes)
        wanted = self._wanted.selection.chooser()
        seen, cursor = 0, b"0"
        with client(self._endpoint, number) as redis_client:
            as_sent(redis_client)
            unused = reads_without_use(redis_client, self._server.maxmemory_policy)
            if self._round_trip_ms is None:
                self._round_trip_ms = _round_trip_ms(redis_client)
            walk = CursorWalk(self._endpoint, "SCAN", self._server.databases[number].keys)
            while seen < self._wanted.keys and time.monotonic() < until:
                most = min(self._together, self._wanted.keys - seen, self._throttle.chunk_keys or _MOST)
                cursor, names = walk.checked_page(redis_client.execute_command("SCAN", cursor, "COUNT", most))
                # A page may hold more than was asked for.
                for begin in range(0, len(names), _MOST):
                    meant = [name for name in names[begin : begin + _MOST] if wanted is None or wanted(name)]
                    self._look(redis_client, number, meant, found, unused)
                seen += len(names)
                if cursor == b"0":
                    return _Walked(seen, True, found)
        return _Walked(seen, False, found)

    def _look(self, redis_client: Redis, number: int, names: t.Sequence[bytes], found: KeySample, unused: bool) -> None:
        """``unused``: whether values may be read, since that is no use of them."""
        if not names:
            return
        time.sleep(self._throttle.delay(len(names), 0))
        keys = self._keys(redis_client, number, names)
        types = self._wanted.selection.types
        if types:
            keys = [key for key in keys if key.type in types]
        if unused:
            keys = self._with_lengths(redis_client, number, keys)
            chosen = self._payloads.choose(number, keys) if self._asking.permitted("DUMP") else []
            if chosen:
                answers = self._ask(redis_client, number, [("DUMP", key.name) for key in chosen])
                self._payloads.add(chosen, answers.replies)
        for key in keys:
            found.add(key)

    def _ask(self, redis_client: Redis, number: int, commands: t.Sequence[Command]) -> Answers:
        answers = self._asking.ask(redis_client, number, commands)
        self._longest_us = max(self._longest_us, answers.took_us)
        return answers

    def _keys(self, redis_client: Redis, number: int, names: t.Sequence[bytes]) -> list[Key]:
        helpful = self._asking.permitted(*self._helpful)
        commands: list[Command] = []
        for name in names:
            commands += [("TYPE", name), ("MEMORY USAGE", name, "SAMPLES", _ELEMENTS), (self._expiry, name)]
            commands += [(command, name) for command in helpful]
        replies, clock_ms, took_us = self._ask(redis_client, number, commands)
        affordable = int(len(names) * _AT_ONCE_US / took_us)
        self._together = max(_FEWEST, min(_MOST, 2 * self._together, affordable))
        now = clock_ms if self._expiry == "PEXPIRETIME" else 0
        keys = []
        step = 3 + len(helpful)
        for place, name in enumerate(names):
            kind, size, expiry, *more = replies[place * step : (place + 1) * step]
            told = dict(zip(helpful, more))
            # Else it expired or was deleted meanwhile.
            if kind != b"none" and size is not None:
                keys.append(
                    Key(
                        number,
                        name,
                        kind.decode("utf-8", "replace"),
                        size,
                        expiry if expiry < 0 else max(0, expiry - now),
                        (told.get("OBJECT ENCODING") or b"").decode("utf-8", "replace"),
                        told.get("OBJECT FREQ"),
                    )
                )
        return keys

    def _with_lengths(self, redis_client: Redis, number: int, keys: list[Key]) -> list[Key]:
        """The large ones with how many elements they hold; a string has bytes."""
        limit = self._wanted.large_bytes
        large = [
            place
            for place, key in enumerate(keys)
            if limit and key.size > limit and key.type in LENGTHS and self._asking.permitted(LENGTHS[key.type])
        ]
        if large:
            commands = [(LENGTHS[keys[place].type], keys[place].name) for place in large]
            replies = self._ask(redis_client, number, commands).replies
            for place, elements in zip(large, replies):
                keys[place] = keys[place]._replace(elements=elements)
        return keys


def _round_trip_ms(redis_client: Redis) -> float:
    best = float("inf")
    for _try in range(_PING_TRIES):
        begin = time.perf_counter()
        redis_client.time()
        best = min(best, (time.perf_counter() - begin) * 1000)
    return best
