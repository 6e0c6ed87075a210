# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the other end of a connection: what tells one server process, and one set of data, from another.

The run id alone does not: it stays when a server takes over the data of another one as its replica and is promoted
again; proxies make it up; and a name can lead each connection to another server.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._imports import redis
from .endpoint import Endpoint
from .explain import explain, reply_text
from .replies import check_shape, parse_info

# The commands whose replies tell it; any of them may be refused.
ASK = b"*1\r\n$4\r\nTIME\r\n" + b"".join(
    b"*2\r\n$4\r\nINFO\r\n$%d\r\n%b\r\n" % (len(section), section)
    for section in (b"server", b"replication", b"commandstats")
)
REPLIES = 4

# Which of the replies is INFO replication.
REPLICATION = 2

# Commands after which a server may hold other data than before, though it is the same process.
_REPLACING = ("flushall", "flushdb", "swapdb", "replicaof", "slaveof")

# Both clocks that tell when a process was started count whole seconds.
_START_SECONDS = 2


@dataclasses.dataclass(frozen=True)
class Identity:
    """What is known of a server; None where it does not say. Plain data, so that it survives in a token."""

    run_id: str | None = None
    process_id: str | None = None
    port: str | None = None
    started: int | None = None
    replication_id: str | None = None
    # The replication id before, at a server that was a replica and is none any more.
    former_id: str | None = None
    role: str | None = None
    # How often the commands were called that replace all data.
    replacements: int | None = None
    # How many of these changed the numbers of two databases, so that a cursor of SCAN means another table.
    swaps: int | None = None
    # How often each command was called, as far as the server counts that.
    calls: t.Mapping[str, int] | None = None
    # What it counts of CONFIG RESETSTAT that was carried out, which forgets all counts but its own.
    reset: str | None = None
    # The first error among the replies. A server that told who it is has to go on telling.
    refusal: str | None = None

    @property
    def known(self) -> bool:
        """Whether another server would show."""
        return any((self.run_id, self.process_id, self.port, self.started, self.replication_id))

    @property
    def certain(self) -> bool:
        """Whether what is said of one connection holds for another: process, port and start of replicas can be the same."""
        return self.run_id is not None

    def same_process(self, other: Identity) -> bool:
        """Whether nothing says that these are two processes."""
        ours, theirs = self.started, other.started
        if ours is not None and theirs is not None and abs(ours - theirs) > _START_SECONDS:
            return False
        return not any(_differ(getattr(self, name), getattr(other, name)) for name in ("run_id", "process_id", "port"))

    def same_data(self, later: Identity) -> bool:
        """Whether nothing says that ``later``, the same process, has got its data from elsewhere meanwhile."""
        if _differ(self.role, later.role) or _differ(self.replacements, later.replacements):
            return False
        if self.forgotten_by(later):
            return False
        if not _differ(self.replication_id, later.replication_id):
            return True
        # A primary takes a new id when its first replica attaches; after a promotion it would know its former one.
        certain = self.run_id is not None and self.run_id == later.run_id and self.replacements is not None
        return certain and later.role == "master" and later.former_id is None

    def forgotten_by(self, later: Identity) -> bool:
        """Whether the server forgot its counts until ``later``: what it counted in between cannot be known."""
        if self.calls is None or later.calls is None:
            return False
        fewer = any(later.calls.get(command, 0) < calls for command, calls in self.calls.items())
        return fewer or self.reset != later.reset

    def __str__(self) -> str:
        named = ((self.run_id and self.run_id[:8], "run id"), (self.process_id, "process"), (self.port, "port"))
        return ", ".join([self.role or "server", *(f"{name} {value}" for value, name in named if value)])


def _differ(one: t.Any, other: t.Any) -> bool:
    return one is not None and other is not None and one != other


def _check_replies(replies: t.Sequence[t.Any], endpoint: Endpoint) -> None:
    """Raise :class:`RedisMigrationError` for the first of the replies to :data:`ASK` that Redis would never give."""
    for reply, command in zip(replies, ["TIME", *["INFO"] * (REPLIES - 1)]):
        if not isinstance(reply, Exception):
            check_shape([reply], command, endpoint)


def identity_of(replies: t.Sequence[t.Any]) -> Identity:
    """What the replies to :data:`ASK` tell."""
    refused = [reply for reply in replies[:REPLIES] if isinstance(reply, Exception)]
    info: dict[str, str] = {}
    for reply in replies[1:]:
        if isinstance(reply, (bytes, str)):
            info.update(parse_info(reply))
    started = None
    uptime = info.get("uptime_in_seconds", "")
    if isinstance(replies[0], list) and uptime.isdecimal() and int(uptime):
        started = int(replies[0][0]) - int(uptime)
    return Identity(
        run_id=_id(info.get("run_id")),
        process_id=_id(info.get("process_id")),
        port=_id(info.get("tcp_port")),
        started=started,
        replication_id=_id(info.get("master_replid")),
        former_id=_id(info.get("master_replid2")),
        role=info.get("role"),
        replacements=_calls(info, _REPLACING),
        swaps=_calls(info, ("swapdb",)),
        calls=_all_calls(info),
        reset=_reset(info),
        refusal=reply_text(refused[0]) if refused else None,
    )


def checked_identity(replies: t.Sequence[t.Any], endpoint: Endpoint) -> Identity:
    """The identity in replies of ``endpoint`` to :data:`ASK`. Raises :class:`RedisMigrationError` for a senseless one."""
    _check_replies(replies, endpoint)
    return identity_of(replies)


def ask_identity(connection: t.Any, endpoint: Endpoint, *wishes: bytes) -> Identity:
    """Who is behind an open redis-py connection. Raises :class:`RedisMigrationError` when it is lost.

    ``wishes``: packed commands that go with it, so that they cost no round trip; it does not matter what the server answers.
    """
    return ask_with_identity(connection, endpoint, *wishes)[1]


def ask_with_identity(connection: t.Any, endpoint: Endpoint, *commands: bytes) -> tuple[list[t.Any], Identity]:
    """The replies to packed ``commands``, errors among them, and who was there right behind them.

    Raises :class:`RedisMigrationError` when the connection is lost.
    """
    try:
        connection.send_packed_command([*commands, ASK], check_health=False)
        replies = [_reply(connection) for _command in range(len(commands) + REPLIES)]
    except (redis.RedisError, OSError) as exc:
        raise explain(exc, endpoint, command=("INFO",)) from None
    return replies[: len(commands)], checked_identity(replies[len(commands) :], endpoint)


def _reply(connection: t.Any) -> t.Any:
    """An error too: a server need not say who it is."""
    try:
        return connection.read_response()
    except redis.ResponseError as exc:
        # Kept with its traceback, it would keep what every function up to here holds, such as a reply of 64 MB.
        exc.__traceback__ = exc.__context__ = None
        return exc


def _id(value: str | None) -> str | None:
    """None for what identifies nothing: nothing, and zeros."""
    return value if value and value.strip("0 ") else None


def _all_calls(info: t.Mapping[str, str]) -> dict[str, int] | None:
    """How often each command was called; None where the server does not count."""
    found = {}
    for name, value in info.items():
        command = name.removeprefix("cmdstat_")
        if command != name:
            calls = value.partition("calls=")[2].partition(",")[0]
            found[command] = int(calls) if calls.isdecimal() else 0
    return found or None


def _reset(info: t.Mapping[str, str]) -> str | None:
    """What tells one CONFIG RESETSTAT from the next: each leaves one call, and the time that it took.

    None where none was carried out: a refused one counts too, and forgets nothing.
    """
    counts = _counts(info, "config|resetstat")
    done = int(counts.get("calls", 0)) - int(counts.get("failed_calls", 0))
    return f"calls={done},usec={counts.get('usec')}" if done > 0 else None


def _counts(info: t.Mapping[str, str], command: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in info.get(f"cmdstat_{command}", "").split(",") if "=" in part)


def _calls(info: t.Mapping[str, str], commands: t.Iterable[str]) -> int | None:
    """How often these succeeded; None where the server does not count."""
    if not any(name.startswith("cmdstat_") for name in info):
        return None
    total = 0
    for command in commands:
        counts = _counts(info, command)
        total += int(counts.get("calls", 0)) - int(counts.get("failed_calls", 0))
    return total
