# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands about keys, sent together. What is only helpful may be refused: then it is asked no more, and said."""

from __future__ import annotations

import typing as t

from .._connection.endpoint import Endpoint
from .._connection.explain import explain
from .._connection.replies import between_us, check_shape, clock_ms
from .._errors import CommandRefused, ConnectError
from .._imports import Redis, redis
from .._keys.types import LENGTH

Command = tuple[t.Any, ...]

LENGTHS = {kind.decode(): command.decode() for kind, command in LENGTH.items()}
_HELPFUL = frozenset({"OBJECT ENCODING", "OBJECT FREQ", "DUMP", *LENGTHS.values()})

# redis-py makes something of their replies, and fails where these are odd.
_AS_SENT = ("SCAN", "TIME", "TYPE", "OBJECT", "OBJECT ENCODING", "OBJECT FREQ")


class Answers(t.NamedTuple):
    """The ``replies``, the server's clock in milliseconds, and how many microseconds of its time they took at most."""

    replies: list[t.Any]
    clock_ms: int
    took_us: float


class Asking:
    """Asks one server. ``refused``: by command, the sentence about it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.refused: dict[str, str] = {}

    def permitted(self, *names: str) -> list[str]:
        """Those of these commands that were not refused so far."""
        return [name for name in names if name not in self.refused]

    def ask(self, redis_client: Redis, database: int, commands: t.Sequence[Command]) -> Answers:
        """Raises :class:`RedisMigrationError`. The reply to a command that is only helpful, and refused, is None."""
        pipeline = redis_client.pipeline(transaction=False)
        for command in (("TIME",), *commands, ("TIME",)):
            pipeline.execute_command(*command)
        try:
            first, *replies, last = pipeline.execute(raise_on_error=False)
        except (redis.RedisError, OSError) as exc:
            raise explain(exc, self._endpoint, database=database) from None
        first, last = (self._checked(database, "TIME", reply) for reply in (first, last))
        replies = [self._checked(database, command[0], reply) for command, reply in zip(commands, replies)]
        return Answers(replies, clock_ms(first), max(1.0, between_us(first, last)))

    def _checked(self, database: int, name: str, reply: t.Any) -> t.Any:
        if not isinstance(reply, Exception):
            check_shape([reply], name, self._endpoint)
            return reply
        error = explain(reply, self._endpoint, database=database, command=(name,))
        if name not in _HELPFUL or isinstance(error, ConnectError):
            raise error from None
        # Of a key that became one of another type meanwhile, this time nothing is known.
        if isinstance(error, CommandRefused):
            self.refused.setdefault(name, str(error))
        return None


def as_sent(redis_client: Redis) -> None:
    """Have the client hand on replies as the server sends them."""
    for name in _AS_SENT:
        redis_client.response_callbacks.pop(name, None)


def reads_without_use(redis_client: Redis, policy: str, *, in_cluster: bool) -> bool:
    """Whether reading a key from here on changes nothing in what the server evicts by its ``policy``."""
    if in_cluster:
        # NO-TOUCH can end Redis 8 there while slots move (see _pipeline.pipe).
        return bool(policy) and not policy.endswith(("-lru", "-lfu"))
    try:
        redis_client.execute_command("CLIENT", "NO-TOUCH", "ON")
    except CommandRefused:
        return bool(policy) and not policy.endswith(("-lru", "-lfu"))
    return True
