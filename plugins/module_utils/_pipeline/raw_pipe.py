# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipe that hands on replies as raw bytes: for answers that only need to be the same at both ends."""

from __future__ import annotations

import secrets
import typing as t

from .._connection.commands import pack
from .._connection.explain import explain
from .._imports import hiredis, redis
from .pipe import DEFAULT_REPLY_LIMIT, NOTHING_YET, Call, Pipe


class _RawReader:
    """Stands in for hiredis' reader: hands out the bytes up to each terminator, unparsed."""

    def __init__(self, terminator: bytes) -> None:
        self._terminator = terminator
        self._data = bytearray()
        self._looked_at = 0

    def feed(self, buffer: bytearray, offset: int, count: int) -> None:
        self._data += memoryview(buffer)[offset : offset + count]

    def gets(self) -> t.Any:
        found = self._data.find(self._terminator, self._looked_at)
        if found < 0:
            self._looked_at = max(0, len(self._data) - len(self._terminator))
            return NOTHING_YET
        reply = bytes(memoryview(self._data)[:found])
        del self._data[: found + len(self._terminator)]
        self._looked_at = 0
        return reply


class RawPipe(Pipe):
    """A pipe whose replies stay the bytes that they are.

    Two servers that answer the same commands with the same bytes hold the same; nothing needs to be taken apart then.
    """

    def open(self) -> None:
        super().open()
        # Replies are told apart by an ECHO behind the commands; nobody's data contains these random digits.
        nonce = secrets.token_hex(16).encode("ascii")
        self._echo = pack(b"ECHO", nonce)
        self._reader = _RawReader(b"$%d\r\n%b\r\n" % (len(nonce), nonce))
        self._try_echo(nonce)

    def _try_echo(self, nonce: bytes) -> None:
        """Replies would never end for a user who may not use ECHO. Raises :class:`RedisMigrationError`."""
        self._socket.settimeout(self.endpoint.timeout)
        try:
            self._connection.send_command("ECHO", nonce)
            self._connection.read_response()
        except (redis.RedisError, OSError) as exc:
            self.close()
            raise explain(exc, self.endpoint, command=("ECHO",), database=self.database) from None
        self._socket.setblocking(False)

    def ask(self, *batches: bytes, limit: int = DEFAULT_REPLY_LIMIT) -> Call:
        """A call with one reply per batch of commands: all that the server answered to it."""
        return Call(self, b"".join([batch + self._echo for batch in batches]), len(batches), limit)


_INCOMPLETE = object()


def parse_raw(raw: bytes, count: int) -> list[t.Any] | None:
    """The ``count`` replies in what a :class:`RawPipe` gave; None where these are not so many replies."""
    reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
    try:
        reader.feed(raw)
        replies = list(iter(reader.gets, _INCOMPLETE))
    except hiredis.ProtocolError:
        return None
    return replies if len(replies) == count else None
