# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at some keys of each logical database, at a bounded cost to the server.

SCAN walks a database in the order of a hash of the names, so its first keys are a random choice of all. No command reads
a key that is large: its size is estimated from a few elements, and its length is known to the server.
"""

from __future__ import annotations

import dataclasses
import math
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
from .payloads import Payloads, together

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


def sampled(servers: t.Sequence[tuple[Endpoint, Server]], wanted: Wanted) -> dict[str, t.Any]:
    """The ``sample`` of redis_keyspace_info, of a server or of all primaries of a cluster.

    Raises :class:`RedisMigrationError`.
    """
    began = time.monotonic()
    chosen = wanted.selection.databases
    samplers = [_Sampler(endpoint, server, wanted) for endpoint, server in servers]
    walks = [
        (sampler, number)
        for sampler in samplers
        for number in sorted(sampler.server.databases)
        if chosen is None or number in chosen
    ]
    held: dict[int, int] = {}
    for sampler, number in walks:
        held[number] = held.get(number, 0) + sampler.server.databases[number].keys
    total = KeySample(wanted.large_bytes)
    databases = {str(number): {"keys": held[number], "looked_at": 0, "complete": True} for number in sorted(held)}
    for place, (sampler, number) in enumerate(walks):
        # Each of those that are left gets its part of the time that is left, and of the keys by how many it has.
        left = (began + wanted.seconds - time.monotonic()) / (len(walks) - place)
        keys = sampler.server.databases[number].keys
        most = wanted.keys if keys == held[number] else math.ceil(wanted.keys * keys / held[number])
        walked = sampler.walk(number, most, time.monotonic() + left if wanted.seconds else float("inf"))
        total.include(walked.found, 1.0 if walked.complete else max(1.0, keys / max(1, walked.seen)))
        told = databases[str(number)]
        told["looked_at"] += walked.seen
        told["complete"] = told["complete"] and walked.complete
    refused = {name: reason for sampler in samplers for name, reason in sampler.asking.refused.items()}
    return {
        **total.as_dict(),
        "databases": databases,
        "complete": all(one["complete"] for one in databases.values()),
        "payloads": together([sampler.payloads for sampler in samplers]),
        "read_by": oldest_readers(max((server for _endpoint, server in servers), key=lambda one: one.version_tuple)),
        "refused": [{"command": name, "reason": reason} for name, reason in refused.items()],
        "round_trip_ms": round(max(sampler.round_trip_ms or 0.0 for sampler in samplers), 3),
        "longest_batch_ms": round(max(sampler.longest_us for sampler in samplers) / 1000, 3),
        "seconds": round(time.monotonic() - began, 3),
    }


class _Sampler:
    """Of one server."""

    def __init__(self, endpoint: Endpoint, server: Server, wanted: Wanted) -> None:
        self._endpoint = endpoint
        self.server = server
        self._wanted = wanted
        # By the command that a migration needs too, and its user is permitted.
        self._expiry = "PEXPIRETIME" if server.supports_pexpiretime() else "PTTL"
        self._helpful = ["OBJECT ENCODING"]
        if server.maxmemory_policy.endswith("-lfu"):
            self._helpful.append("OBJECT FREQ")
        self.asking = Asking(endpoint)
        self.payloads = Payloads()
        self._throttle = Throttle(wanted.keys_per_second)
        self._together = _FEWEST
        self.longest_us = 0.0
        self.round_trip_ms: float | None = None

    def walk(self, number: int, most: int, until: float) -> _Walked:
        """Look at ``most`` keys of a database, or until that moment."""
        found = KeySample(self._wanted.large_bytes)
        wanted = self._wanted.selection.chooser()
        seen, cursor = 0, b"0"
        with client(self._endpoint, number) as redis_client:
            as_sent(redis_client)
            unused = reads_without_use(redis_client, self.server.maxmemory_policy, in_cluster=self.server.in_cluster)
            if self.round_trip_ms is None:
                self.round_trip_ms = _round_trip_ms(redis_client)
            walk = CursorWalk(self._endpoint, "SCAN", self.server.databases[number].keys)
            while seen < most and time.monotonic() < until:
                count = min(self._together, most - seen, self._throttle.chunk_keys or _MOST)
                cursor, names = walk.checked_page(redis_client.execute_command("SCAN", cursor, "COUNT", count))
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
            chosen = self.payloads.choose(number, keys) if self.asking.permitted("DUMP") else []
            if chosen:
                answers = self._ask(redis_client, number, [("DUMP", key.name) for key in chosen])
                self.payloads.add(chosen, answers.replies)
        for key in keys:
            found.add(key)

    def _ask(self, redis_client: Redis, number: int, commands: t.Sequence[Command]) -> Answers:
        answers = self.asking.ask(redis_client, number, commands)
        self.longest_us = max(self.longest_us, answers.took_us)
        return answers

    def _keys(self, redis_client: Redis, number: int, names: t.Sequence[bytes]) -> list[Key]:
        helpful = self.asking.permitted(*self._helpful)
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
            if limit and key.size > limit and key.type in LENGTHS and self.asking.permitted(LENGTHS[key.type])
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
