# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When keys expire, as absolute milliseconds since 1970, whatever the server's version can say.

From Redis 7.0 on PEXPIRETIME says it. Before, it is the server's TIME plus PTTL: many PTTLs are asked between two TIMEs,
and asked again in smaller groups while the two lie further apart than the error allowed.
A database in which nothing expires is not asked at all: INFO before and after proves that.
"""

from __future__ import annotations

import typing as t

from .._connection.commands import TIME, Names, each, pack, packed
from .._connection.explain import explain_reply
from .._connection.replies import any_error, check_shape, clock_ms, is_error, is_unknown_command, parse_info
from .._server.info import Server
from .._server.key_counts import database_in
from .job import Job
from .pipe import Call, Pipe

# A key that does not exist (any more), and one that never expires.
GONE = -2
NEVER = None

# Milliseconds by which TIME + PTTL may err before it is asked again.
_SPREAD_MS = 2
_TRIES = 6

# By so much may two readings of one expiry differ, each rounded to milliseconds.
READING_ERROR_MS = 2

Expiry: t.TypeAlias = "int | None"


def is_over(expiry: Expiry, clock_ms: int) -> bool:
    """Whether a key with ``expiry`` is gone at ``clock_ms``."""
    return expiry is not None and expiry <= clock_ms


class ExpiryReader:
    """Reads expiries of one database over one pipe."""

    def __init__(self, pipe: Pipe, server: Server) -> None:
        self._pipe = pipe
        # What is added to this server's times, so that they are by the other end's clock.
        self.shift_ms = 0
        self._exact = server.supports_pexpiretime()
        database = server.databases.get(pipe.database)
        self._expired_before = server.expired_keys
        self.nothing_expires = database is None or database.nothing_expires
        self._proof = pack(b"INFO", b"keyspace") + pack(b"INFO", b"stats")

    def commands(self, keys: Names) -> tuple[bytes, int]:
        """Commands to send *behind* those that read the values of ``keys``, and how many replies they give."""
        if self.nothing_expires:
            return self._proof, 2
        if self._exact:
            return each(b"PEXPIRETIME", keys), len(keys)
        return TIME + each(b"PTTL", keys) + TIME, len(keys) + 2

    def read(self, keys: Names, replies: t.Sequence[t.Any]) -> Job[list[Expiry]]:
        """The expiry of every key (``NEVER``, ``GONE`` or milliseconds), from the replies to :meth:`commands`.

        A generator: it may have to ask again.
        """
        # Whether the proof was asked for shows in what came; another chunk may have found out more since.
        if len(replies) == 2 and all(isinstance(reply, bytes) or is_error(reply) for reply in replies):
            if self._still_nothing(replies):
                return [NEVER] * len(keys)
            self.nothing_expires = False
            commands, count = self.commands(keys)
            replies = yield Call(self._pipe, commands, count)
        if len(replies) == len(keys) and all(is_error(reply) and is_unknown_command(str(reply)) for reply in replies):
            # It calls itself 7.0 or newer and is something else.
            self._exact = False
            commands, count = self.commands(keys)
            replies = yield Call(self._pipe, commands, count)
        self._refuse_errors(replies)
        if len(replies) == len(keys):
            check_shape(replies, "PEXPIRETIME", self._pipe.endpoint)
            expiries: list[Expiry] = [NEVER if reply == -1 else reply for reply in replies]
        else:
            expiries = yield from self._from_pttl(keys, replies)
        if not self.shift_ms:
            return expiries
        return [at if at is None or at == GONE else at + self.shift_ms for at in expiries]

    def ask(self, keys: Names) -> Job[list[Expiry]]:
        """The expiries of ``keys``, asked now."""
        if not keys:
            return []
        commands, count = self.commands(keys)
        replies = yield Call(self._pipe, commands, count)
        return (yield from self.read(keys, replies))

    def _still_nothing(self, replies: t.Sequence[t.Any]) -> bool:
        if any_error(replies):
            return False
        keyspace, statistics = replies
        told = database_in(keyspace, self._pipe.database)
        if told is None or not told.nothing_expires:
            return False
        return parse_info(statistics).get("expired_keys") == str(self._expired_before)

    def _refuse_errors(self, replies: t.Sequence[t.Any]) -> None:
        if any_error(replies):
            reply = next(reply for reply in replies if is_error(reply))
            raise explain_reply(reply, self._pipe.endpoint, command=("PEXPIRETIME" if self._exact else "PTTL",))

    def _check(self, replies: t.Sequence[t.Any]) -> None:
        """PTTLs between two TIMEs."""
        self._refuse_errors(replies)
        check_shape((replies[0], replies[-1]), "TIME", self._pipe.endpoint)
        check_shape(replies[1:-1], "PTTL", self._pipe.endpoint)

    def _from_pttl(self, keys: Names, replies: t.Sequence[t.Any]) -> Job[list[Expiry]]:
        self._check(replies)
        start, spread = _begin_and_length(replies)
        ttls = replies[1:-1]
        expiries: list[Expiry] = [
            NEVER if ttl == -1 else GONE if ttl == GONE else start + spread // 2 + ttl for ttl in ttls
        ]
        if spread <= _SPREAD_MS:
            return expiries
        # Only what expires needs the better answer, in groups small enough for the two TIMEs to be close.
        timed = [index for index, ttl in enumerate(ttls) if ttl >= 0]
        for first in range(0, len(timed), 32):
            group = timed[first : first + 32]
            names = packed(keys).pick(group)
            best: tuple[int, list[Expiry]] | None = None
            for _attempt in range(_TRIES):
                again = yield Call(self._pipe, TIME + each(b"PTTL", names) + TIME, len(names) + 2)
                self._check(again)
                start, spread = _begin_and_length(again)
                if best is None or spread < best[0]:
                    best = (
                        spread,
                        [
                            NEVER if ttl == -1 else GONE if ttl == GONE else start + spread // 2 + ttl
                            for ttl in again[1:-1]
                        ],
                    )
                if spread <= _SPREAD_MS:
                    break
            for index, expiry in zip(group, best[1] if best else []):
                expiries[index] = expiry
        return expiries


def _begin_and_length(replies: t.Sequence[t.Any]) -> tuple[int, int]:
    """The first TIME in milliseconds and how much later the last one was."""
    first, last = clock_ms(replies[0]), clock_ms(replies[-1])
    return first, last - first
