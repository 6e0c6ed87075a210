# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection, one question at a time, for keys too large for memory; bulk data goes through in pieces."""

from __future__ import annotations

import re
import ssl
import time
import typing as t

from .._errors import ConnectError, RedisMigrationError
from .._imports import redis
from .bounded_socket import BoundedSocket
from .commands import pack
from .connect import CLIENT_NAME, connect, socket_of
from .endpoint import Endpoint
from .explain import command_name, explain, explain_reply
from .identity import ask_identity
from .replies import check_shape, odd_reply

# A server says nothing while it reads or writes a payload of 512 MB.
_PATIENCE = 120.0

_PIECE = 256 * 1024
_ANY_SIZE = 1 << 40


class Refusal(Exception):
    """The server answered a question with an error; ``error`` is the sentence for it, ``text`` the server's error."""

    def __init__(self, text: str, error: RedisMigrationError) -> None:
        super().__init__(text)
        self.text = text
        self.error = error


class Line:
    """An open connection to one logical database, called ``name``. Raises :class:`ConnectError` when it is lost."""

    def __init__(self, endpoint: Endpoint, database: int, name: str = CLIENT_NAME) -> None:
        self.endpoint = endpoint
        self._database = database
        self._connection = connect(endpoint, database, name)
        try:
            self.identity = ask_identity(self._connection, endpoint)
        except BaseException:
            self._connection.disconnect()
            raise

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.disconnect()

    def ask(self, *args: t.Any) -> t.Any:
        """The reply to one command. Raises :class:`Refusal` for an error reply."""
        return self.ask_all([args])[0]

    def ask_all(self, commands: t.Sequence[t.Sequence[t.Any]]) -> list[t.Any]:
        """The replies to commands sent together."""
        try:
            self._connection.send_packed_command([b"".join([pack(*args) for args in commands])], check_health=False)
            replies = []
            refused: Refusal | None = None
            for args in commands:
                try:
                    reply = self._connection.read_response()
                    check_shape([reply], command_name(args), self.endpoint)
                    replies.append(reply)
                except redis.ResponseError as exc:
                    refused = refused or self._refusal(exc, args)
        except (redis.RedisError, OSError) as exc:
            raise self._lost(exc, commands[0]) from None
        if refused:
            raise refused
        return replies

    def download(self, *args: t.Any) -> t.Iterator[bytes]:
        """The bulk reply to one command in pieces; nothing at all for a null reply."""
        with self._for_long_reply(args) as sock:
            sock.sendall(pack(*args))
            head = self._read_line(sock)
            if head[:1] == b"-":
                raise self._refusal(head[1:].decode("utf-8", "replace"), args)
            if head[:1] != b"$":
                raise ConnectError(f"The {self.endpoint} did not answer as a Redis does.")
            if not re.fullmatch(rb"-1|\d+", head[1:]):
                raise odd_reply(head, command_name(args), self.endpoint)
            left = int(head[1:])
            if left < 0:
                return
            while left:
                piece = sock.recv(min(left, _PIECE))
                if not piece:
                    raise ConnectionResetError("connection closed by the server")
                left -= len(piece)
                yield piece
            self._read_exactly(sock, 2)

    def upload(self, args: t.Sequence[bytes], size: int, pieces: t.Iterable[bytes], last: t.Sequence[bytes]) -> bytes:
        """Send one command: ``args``, an argument of ``size`` bytes that comes in ``pieces``, and the ``last`` arguments.

        Returns the first line of the reply, an error reply included.
        """
        with self._for_long_reply(args) as sock:
            parts = [b"*%d\r\n" % (len(args) + 1 + len(last))]
            parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in args]
            sock.sendall(b"".join(parts) + b"$%d\r\n" % size)
            for piece in pieces:
                sock.sendall(piece)
            sock.sendall(b"\r\n" + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in last]))
            return self._read_line(sock)

    def _for_long_reply(self, args: t.Sequence[t.Any]) -> _LongReplySocket:
        return _LongReplySocket(self, socket_of(self._connection), args)

    @staticmethod
    def _read_line(sock: t.Any) -> bytes:
        line = b""
        while not line.endswith(b"\r\n"):
            got = sock.recv(1)
            if not got:
                raise ConnectionResetError("connection closed by the server")
            line += got
            if len(line) > 4096:
                raise ConnectionResetError("no reply that Redis would give")
        return line[:-2]

    @staticmethod
    def _read_exactly(sock: t.Any, count: int) -> None:
        while count:
            got = sock.recv(count)
            if not got:
                raise ConnectionResetError("connection closed by the server")
            count -= len(got)

    def _refusal(self, reply: object, args: t.Sequence[t.Any]) -> Refusal:
        return Refusal(str(reply), explain_reply(reply, self.endpoint, command=args, database=self._database))

    def _lost(self, exc: BaseException, args: t.Sequence[t.Any]) -> RedisMigrationError:
        return explain(exc, self.endpoint, command=args, database=self._database)

    @property
    def timeout(self) -> float:
        return self.endpoint.timeout


class _LongReplySocket:
    """The socket itself, with time for a very large reply, and with its errors as sentences."""

    def __init__(self, line: Line, sock: t.Any, args: t.Sequence[t.Any]) -> None:
        self._line = line
        self._socket = sock
        self._args = args

    def __enter__(self) -> t.Any:
        patience = max(self._line.timeout, _PATIENCE)
        bounded = BoundedSocket(self._socket, patience, time.monotonic())
        bounded.connected(limit=_ANY_SIZE)
        return bounded

    def __exit__(self, _kind: object, exc: BaseException | None, _trace: object) -> None:
        if isinstance(exc, (OSError, ssl.SSLError)):
            raise self._line._lost(exc, self._args) from None
        self._socket.settimeout(self._line.timeout)
