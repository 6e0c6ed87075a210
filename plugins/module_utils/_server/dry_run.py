# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a user may use the commands that a run needs. The server itself is asked; nothing is executed or written.

Where ACL DRYRUN is there and permitted, it tells. Everywhere else the commands are queued between MULTI and DISCARD: a
server checks existence and permission when it queues a command, and DISCARD forgets them.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.connect import connect
from .._connection.endpoint import Endpoint
from .._connection.explain import explain, reply_text
from .._errors import ConnectError, RedisMigrationError
from .._imports import redis
from .info import Server

# A server whose writes are paused (CLIENT PAUSE) answers nothing to a write; no reason to wait for long.
_PATIENCE_SECONDS = 2.0


class HeldBack(ConnectError):
    """A server that is connected but does not answer to a write."""


class Answer(t.NamedTuple):
    """What a server says of a command: permitted, or not with its error, or None where it cannot be asked."""

    permitted: bool | None
    error: str = ""


def ask(
    redis_client: t.Any, endpoint: Endpoint, needs: t.Sequence[Need], keys: t.Sequence[bytes]
) -> dict[Need, Answer]:
    """The answer to every need, for every one of ``keys``. Raises :class:`RedisMigrationError` if the end is lost."""
    answers = _by_dryrun(redis_client, endpoint, needs, keys)
    if answers is not None:
        return answers
    answers = _by_queueing(endpoint, [need for need in needs if not need.writes], keys)
    try:
        answers.update(_by_queueing(endpoint, [need for need in needs if need.writes], keys))
    except HeldBack as exc:
        answers.update({need: Answer(None, exc.message) for need in needs if need.writes})
    return answers


# In place of the error about a command that it does not have.
UNKNOWN = "the server does not know it"


def _by_dryrun(
    redis_client: t.Any, endpoint: Endpoint, needs: t.Sequence[Need], keys: t.Sequence[bytes]
) -> dict[Need, Answer] | None:
    answers: dict[Need, Answer] = {}
    for need, args in _questions(needs, keys):
        if answers.get(need, Answer(True)).permitted is False:
            continue
        try:
            said = redis_client.execute_command("ACL", "DRYRUN", endpoint.user, *args)
        except RedisMigrationError as exc:
            if isinstance(exc, ConnectError):
                raise
            if not answers:
                # No such command, or not for this user.
                return None
            answers[need] = Answer(False, UNKNOWN)
            continue
        text = reply_text(said.decode("utf-8", "replace") if isinstance(said, bytes) else said)
        answers[need] = Answer(True) if text == "OK" else Answer(False, text)
    return answers


def _by_queueing(endpoint: Endpoint, needs: t.Sequence[Need], keys: t.Sequence[bytes]) -> dict[Need, Answer]:
    questions = list(_questions(needs, keys))
    if not questions:
        return {}
    replies = queue(endpoint, [args for _need, args in questions])
    if isinstance(replies, str):
        return {need: Answer(False, replies) if need.command == "MULTI" else Answer(None) for need in needs}
    answers: dict[Need, Answer] = {}
    for (need, _args), reply in zip(questions, replies):
        if answers.get(need, Answer(True)).permitted is False:
            continue
        answers[need] = Answer(False, reply_text(reply)) if denied(reply) else Answer(True)
    return answers


def denied(reply: t.Any) -> bool:
    """Whether this answer to a command says that the user may not use it, or that it does not exist."""
    # Other refusals (out of memory, read-only) come after the permission was checked.
    return isinstance(reply, redis.exceptions.NoPermissionError) or (
        isinstance(reply, redis.ResponseError) and "unknown command" in str(reply)
    )


def _questions(needs: t.Sequence[Need], keys: t.Sequence[bytes]) -> t.Iterator[tuple[Need, list[t.Any]]]:
    for need in needs:
        seen: list[list[t.Any]] = []
        for key in keys:
            args = need.args(key)
            if args not in seen:
                seen.append(args)
                yield need, args


def queue(endpoint: Endpoint, commands: t.Sequence[t.Sequence[t.Any]]) -> list[t.Any] | str:
    """What a server answers when asked to queue ``commands``; they are discarded and never run.

    Where it refuses MULTI, its error. A refusal of one of the commands is an exception in the list.
    Raises :class:`HeldBack` when it does not answer, as a server does whose writes are paused; :class:`ConnectError`.
    """
    connection = connect(dataclasses.replace(endpoint, timeout=min(endpoint.timeout, _PATIENCE_SECONDS)))
    try:
        # Only behind a MULTI that was acknowledged is a command queued; behind one that was refused it would run.
        connection.send_command("MULTI")
        begun = _reply(connection)
        if begun != b"OK":
            return reply_text(begun)
        connection.send_packed_command(connection.pack_commands([*commands, ("DISCARD",)]))
        replies = [_reply(connection) for _command in range(len(commands) + 1)]
    except redis.TimeoutError:
        raise HeldBack(
            f"The {endpoint} does not answer to a write within {_PATIENCE_SECONDS:g} s.",
            hint="Its writes may be paused (CLIENT PAUSE): undo that with CLIENT UNPAUSE or wait until it ends.",
        ) from None
    except (redis.RedisError, OSError) as exc:
        raise explain(exc, endpoint, command=("MULTI",)) from None
    finally:
        connection.disconnect()
    return replies[:-1]


def _reply(connection: t.Any) -> t.Any:
    try:
        return connection.read_response()
    except redis.ResponseError as exc:
        return exc


# Stands for the name of a key in an example.
KEY = b"\0key"

Arg: t.TypeAlias = "str | bytes"

REQUIRED, FALLBACK, HELPFUL = "required", "fallback", "helpful"


class Need(t.NamedTuple):
    """A command that a run needs. ``example``: arguments with which a server checks the permission without doing harm.

    ``part`` is what it is needed for. ``level``: REQUIRED; FALLBACK, for keys that the strategy itself cannot move; or
    HELPFUL, without which less is known.
    """

    command: str
    part: str
    example: tuple[Arg, ...] = ()
    writes: bool = False
    level: str = REQUIRED
    exists: t.Callable[[Server], bool] = lambda _server: True

    @property
    def acl_rule(self) -> str:
        """What permits it: ``+dump``, ``+memory|usage``."""
        return "+" + self.command.lower().replace(" ", "|")

    def args(self, key: bytes) -> list[Arg]:
        """The whole example for ``key``."""
        return [*self.command.split(" "), *(key if arg == KEY else arg for arg in self.example)]


def since_6_2(server: Server) -> bool:
    """For :attr:`Need.exists`: whether the server has what came with Redis 6.2."""
    return server.version_tuple >= (6, 2)


def before_6_2(server: Server) -> bool:
    """For :attr:`Need.exists`: whether the server lacks what came with Redis 6.2."""
    return not since_6_2(server)
