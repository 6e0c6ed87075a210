# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says of itself: flavor, version, role, memory, and the size of each logical database."""

from __future__ import annotations

import dataclasses
import re
import time
import typing as t

from .._connection.connect import client
from .._connection.endpoint import SENTINEL_EXAMPLE, Endpoint
from .._connection.identity import Identity, ask_identity
from .._connection.patience import side_by_side
from .._connection.replies import is_unknown_command, parse_info
from .._errors import CommandRefused, RedisMigrationError
from .key_counts import Database, databases_of, keyspace_section


@dataclasses.dataclass(frozen=True)
class Server:
    """A server at one moment. Memory in bytes; ``run_id`` identifies the process, so it changes with a restart."""

    flavor: str
    version: str
    mode: str
    role: str
    run_id: str
    used_memory: int
    used_memory_human: str
    maxmemory: int
    maxmemory_policy: str
    connected_clients: int
    clock_ms: int
    expired_keys: int
    databases: dict[int, Database]
    # Against the clock of this machine, and by how much that may be wrong.
    clock_ahead_ms: float = 0.0
    clock_unsure_ms: float = 0.0
    # Commands that its version should have and that it does not know, as it says itself.
    unknown_commands: frozenset[str] = frozenset()
    identity: Identity = dataclasses.field(default_factory=Identity)
    # How many changes there were since the last save, and when that was; None where it does not say.
    changes: tuple[int, str] | None = None
    # It is still reading its data, and counts what it has read.
    loading: bool = False
    # About how much memory its keys take.
    data_bytes: int = 0

    @property
    def in_cluster(self) -> bool:
        """Whether it is a node of a cluster: one command takes keys of one slot only."""
        return self.mode == "cluster"

    @property
    def keys(self) -> int:
        return sum(database.keys for database in self.databases.values())

    @property
    def expires(self) -> int | None:
        """How many keys expire; None where the server does not tell."""
        counts = [database.expires for database in self.databases.values() if database.expires is not None]
        return sum(counts) if len(counts) == len(self.databases) else None

    @property
    def version_tuple(self) -> tuple[int, ...]:
        """The version as numbers: (7, 0, 15)."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version)[:3]) or (0,)

    @property
    def product(self) -> str:
        """``Redis 7.0.15``, ``Valkey 9.1.2``."""
        return f"{'Valkey' if self.flavor == 'valkey' else 'Redis'} {self.version}"

    def supports_pexpiretime(self) -> bool:
        """Whether PEXPIRETIME exists (Redis 7.0 and every Valkey)."""
        if "pexpiretime" in self.unknown_commands:
            return False
        return self.flavor == "valkey" or self.version_tuple >= (7, 0)

    def supports_stream_counters(self) -> bool:
        """Whether streams count entries added and remember the last one deleted (Redis 7.0 and every Valkey)."""
        return self.flavor == "valkey" or self.version_tuple >= (7, 0)

    def supports_field_ttl(self) -> bool:
        """Whether hash fields can expire (Redis 7.4, Valkey 9)."""
        if "hpexpiretime" in self.unknown_commands:
            return False
        return self.version_tuple >= ((9, 0) if self.flavor == "valkey" else (7, 4))


def read_server(endpoint: Endpoint) -> Server:
    """Ask the server at ``endpoint`` (INFO, TIME). Raises :class:`RedisMigrationError`."""
    with client(endpoint) as redis_client:
        return server_of(redis_client, endpoint)


def server_of(redis_client: t.Any, endpoint: Endpoint) -> Server:
    """The server behind an open client."""
    try:
        text = redis_client.execute_command("INFO")
    except CommandRefused as exc:
        if not is_unknown_command(exc.message):
            raise
        raise CommandRefused(
            exc.message,
            hint="Without INFO nothing can be known of a server. Where a proxy answers there (twemproxy and others), give"
            " the address of the server itself; where INFO is renamed, have that undone for the migration.",
        ) from None
    info = parse_info(text)
    if info.get("redis_mode") == "sentinel":
        raise RedisMigrationError(
            f"The {endpoint} is a Sentinel and holds no data.",
            hint=f"It knows where the primary is. {SENTINEL_EXAMPLE} SENTINEL MASTERS lists the names. Or give the address of the"
            " primary: redis-cli -h HOST -p PORT SENTINEL GET-MASTER-ADDR-BY-NAME NAME.",
        )
    clock_ms, ahead_ms, unsure_ms = _clock(redis_client)
    if "redis_version" not in info and "valkey_version" not in info:
        raise RedisMigrationError(
            f"The {endpoint} answers INFO without a version; it does not seem to be a Redis or Valkey server.",
            hint="Check host and port: something else, or a proxy in between, answers there.",
        )
    identity = ask_identity(redis_client.link, endpoint)
    flavor = "valkey" if info.get("server_name") == "valkey" or "valkey_version" in info else "redis"
    server = Server(
        flavor=flavor,
        version=info.get("valkey_version") or info["redis_version"],
        mode=info.get("redis_mode") or info.get("server_mode") or "standalone",
        role=info.get("role", "master"),
        run_id=info.get("run_id", ""),
        used_memory=int(info.get("used_memory", 0)),
        used_memory_human=info.get("used_memory_human", ""),
        maxmemory=int(info.get("maxmemory", 0)),
        maxmemory_policy=info.get("maxmemory_policy", ""),
        connected_clients=int(info.get("connected_clients", 0)),
        clock_ms=clock_ms,
        clock_ahead_ms=ahead_ms,
        clock_unsure_ms=unsure_ms,
        expired_keys=int(info.get("expired_keys", 0)),
        databases=databases_of(redis_client, endpoint, text),
        identity=identity,
        changes=changes_in(info),
        loading=info.get("loading") == "1",
        data_bytes=data_bytes(info),
    )
    # Of a target nothing is read that way before its first reply tells.
    if endpoint.role == "target" or not server.supports_pexpiretime():
        return server
    return dataclasses.replace(server, unknown_commands=_unknown(redis_client, "pexpiretime", "hpexpiretime"))


def _unknown(redis_client: t.Any, *names: str) -> frozenset[str]:
    """Those of the commands ``names`` that the server says it does not know; none where it cannot be asked."""
    # As the server sends it: redis-py fails at a command that is not there.
    redis_client.response_callbacks.pop("COMMAND", None)
    try:
        told = redis_client.execute_command("COMMAND", "INFO", *names)
    except RedisMigrationError:
        return frozenset()
    return frozenset(name for name, known in zip(names, told) if not known) if len(told) == len(names) else frozenset()


# What an empty server with its clients takes.
_OVERHEAD = (
    "used_memory_startup",
    "mem_clients_normal",
    "mem_clients_slaves",
    "mem_replication_backlog",
    "mem_aof_buffer",
)


def number_in(info: t.Mapping[str, str], field: str, default: int = 0) -> int:
    """A number of INFO."""
    text = info.get(field, "")
    return int(text) if text.lstrip("-").isdecimal() else default


def data_bytes(info: t.Mapping[str, str]) -> int:
    """About how much memory the keys take, as INFO has it: what is used, without what an empty server would use."""
    return max(0, number_in(info, "used_memory") - sum(number_in(info, field) for field in _OVERHEAD))


def changes_in(info: t.Mapping[str, str]) -> tuple[int, str] | None:
    """The count of changes since the last save, and the time of that."""
    count, saved = info.get("rdb_changes_since_last_save", ""), info.get("rdb_last_save_time")
    return (int(count), saved) if count.isdecimal() and saved is not None else None


def writes_since(before: tuple[int, str] | None, info: bytes) -> int | None:
    """How many changes there were from ``before``, as :func:`changes_in` tells them, until the reply to ASK_CHANGES.

    None where that cannot be told.
    """
    now = changes_in(parse_info(info))
    if before is None or now is None or before[1] != now[1] or now[0] < before[0]:
        return None
    return now[0] - before[0]


ASK_CHANGES = b"*2\r\n$4\r\nINFO\r\n$11\r\npersistence\r\n"
ASK_FIELD_EXPIRY = b"*2\r\n$4\r\nINFO\r\n$8\r\nkeyspace\r\n"


def none_expires(info: bytes, database: int) -> bool:
    """Whether the reply to :data:`ASK_FIELD_EXPIRY` says that no field of ``database`` expires."""
    told = keyspace_section(info)
    # Where the server says nothing of its databases, it does not say that either.
    return told is not None and (database not in told or told[database].field_expires == 0)


_CLOCK_TRIES = 3
_FAR_MS = 5.0


def _clock(redis_client: t.Any) -> tuple[int, float, float]:
    """The server's clock, by how much it is ahead of ours, and how sure that is (the best of a few), in milliseconds."""
    best = (0, 0.0, float("inf"))
    for attempt in range(_CLOCK_TRIES):
        wall, begin = time.time(), time.perf_counter()
        seconds, microseconds = redis_client.time()
        unsure = (time.perf_counter() - begin) * 500
        if unsure < best[2]:
            clock = int(seconds) * 1000 + int(microseconds) / 1000
            best = (int(clock), clock - wall * 1000 - unsure, unsure)
        if attempt and best[2] > _FAR_MS:
            # Over a far line a third try costs more than it tells.
            break
    return best


def measure(endpoint: Endpoint) -> tuple[Server, float]:
    """The server at ``endpoint``, and the round trip to it in milliseconds (the best of a few)."""
    with client(endpoint) as redis_client:
        server = server_of(redis_client, endpoint)
        if server.loading:
            # It refuses PING until it is through.
            redis_client.ping()
            server = server_of(redis_client, endpoint)
    # What the clock is unsure by is half of the round trip that asked for it.
    return server, 2 * server.clock_unsure_ms


_Found: t.TypeAlias = tuple[Server, float]


def measure_ends(
    source: Endpoint, target: Endpoint, reach: t.Callable[[t.Callable[[], _Found]], _Found] = lambda ask: ask()
) -> tuple[_Found, _Found]:
    """:func:`measure` of both, side by side. ``reach``: how an end that is away is waited for; without, it is not."""
    return side_by_side(lambda: reach(lambda: measure(source)), lambda: reach(lambda: measure(target)))
