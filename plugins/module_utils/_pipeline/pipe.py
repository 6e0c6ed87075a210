# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hot path's connection: many commands in flight on one socket, replies matched in order, no thread, no lock.

A :class:`Pipe` takes the socket of a redis-py connection (which did TLS, authentication and SELECT) and talks over it
with hiredis directly; redis-py's own pipelines cost several times the time per command.
"""

from __future__ import annotations

import collections
import itertools
import ssl
import time
import typing as t

from .._connection.commands import one, pack
from .._connection.connect import CLIENT_NAME, connect, naming, socket_of
from .._connection.endpoint import Endpoint
from .._connection.explain import explain
from .._connection.identity import Identity, ask_identity, ask_with_identity
from .._errors import RedisMigrationError
from .._imports import hiredis
from .spares import Spares

# What hiredis answers while a reply is incomplete. Equal to no reply, as its default, False, is to 0.
NOTHING_YET = object()

RECEIVE_BYTES = 256 * 1024

# A reply that grows beyond this without being complete is not read on: memory stays bounded whatever an end sends.
DEFAULT_REPLY_LIMIT = 64 * 1024 * 1024


# What is read to be moved, compared or saved is not thereby used: the server goes on evicting what its applications do not
# use. Where it does not know this (before Redis 7.2), or the user may not, reading is using; and at a node of a cluster, as
# Redis 8 dies of a command about a key of a slot that moves there (redis/redis pull request 14415, not yet in 8.2.3).
_NO_TOUCH = one(b"CLIENT", b"NO-TOUCH", b"ON")

# So much of a reply is progress; a byte now and then is none.
_PROGRESS_BYTES = 1024


class PipeLost(Exception):
    """The connection broke with calls unanswered. ``error`` is the sentence for the operator."""

    def __init__(self, error: RedisMigrationError) -> None:
        super().__init__(str(error))
        self.error = error


class ReplyTooLarge(RedisMigrationError):
    """A single reply exceeded the limit of its call. The connection was given up; nothing else was lost."""


# Tells the same commands, sent again, from others: the payload itself is not kept, and a hash of all of it is too dear.
Likeness: t.TypeAlias = "tuple[Pipe, int, int, int]"
_SAMPLE = 64


class Call:
    """Commands sent together and their replies. ``replies`` is complete once ``left`` is 0.

    Replies are bytes, int, None, list or ``hiredis.ReplyError`` (an error reply of the server, not raised).
    """

    __slots__ = ("pipe", "payload", "left", "replies", "owner", "limit", "likeness")

    def __init__(self, pipe: Pipe, payload: bytes, count: int, limit: int = DEFAULT_REPLY_LIMIT) -> None:
        self.pipe = pipe
        self.payload = payload
        self.left = count
        self.replies: list[t.Any] = []
        self.owner: t.Any = None
        self.limit = limit
        middle = len(payload) // 2
        # From the middle: at both ends stand names, and a rebuilt key gets another temporary name after a loss.
        self.likeness: Likeness = (pipe, len(payload), count, hash(payload[middle : middle + _SAMPLE]))


class Pipe:
    """One pipelined connection to one logical database of an endpoint, called ``name`` in its CLIENT LIST.

    ``spares``: where it looks for a connection before it opens one, and leaves it with :meth:`leave`.
    """

    def __init__(
        self, endpoint: Endpoint, database: int = 0, name: str = CLIENT_NAME, spares: Spares | None = None
    ) -> None:
        self.endpoint = endpoint
        self.database = database
        self._name = name
        self._spares = spares
        self._connection: t.Any = None
        self._socket: t.Any = None
        self._reader: t.Any = None
        self._out: collections.deque[memoryview] = collections.deque()
        self._waiting: collections.deque[Call] = collections.deque()
        self._partial = 0
        self._buffer = bytearray(RECEIVE_BYTES)
        self.last_progress = 0.0
        self._since_progress = 0
        # Who was at the other end when it was opened.
        self.identity = Identity()
        # How often it was opened: whether a connection is still the same one.
        self.openings = 0
        self.bytes_sent = 0
        self.bytes_received = 0

    def open(self) -> None:
        """Connect (blocking, at most the endpoint's timeout). Raises :class:`RedisMigrationError`."""
        self.close()
        if not self._take_spare():
            # The name goes with the first question: over a far line each round trip is felt.
            self._connection = connect(self.endpoint, self.database, None)
            wishes = () if self.endpoint.shard else (_NO_TOUCH,)
            self.identity = ask_identity(self._connection, self.endpoint, naming(self._name), *wishes)
        self._socket = socket_of(self._connection)
        self._socket.setblocking(False)
        self._reader = hiredis.Reader(notEnoughData=NOTHING_YET)
        self.openings += 1
        self.last_progress = time.monotonic()

    def _take_spare(self) -> bool:
        """Whether one was there that still serves. Who is behind it is asked as of any other."""
        connection = self._spares.take(self.endpoint, self._name) if self._spares else None
        if connection is None:
            return False
        try:
            (selected,), self.identity = ask_with_identity(connection, self.endpoint, pack(b"SELECT", self.database))
            serves = not isinstance(selected, Exception)
        except RedisMigrationError:
            serves = False
        if not serves:
            # Another one tells what is wrong, if anything still is.
            connection.disconnect()
            return False
        self._connection = connection
        return True

    def leave(self) -> None:
        """Close, but leave the connection to whoever needs one next."""
        if self._spares and self._connection is not None and not self._waiting:
            self._spares.leave(self.endpoint, self._name, self._connection)
            self._connection = None
        self.close()

    def _progress(self) -> None:
        self.last_progress = time.monotonic()
        self._since_progress = 0

    def close(self) -> None:
        """Close the connection and forget what was in flight."""
        if self._connection is not None:
            self._connection.disconnect()
        self._connection = self._socket = self._reader = None
        self._out.clear()
        self._waiting.clear()
        self._partial = 0

    @property
    def is_open(self) -> bool:
        """Whether it can be worked with; one that broke while it was opened cannot."""
        return self._socket is not None

    def fileno(self) -> int:
        number: int = self._socket.fileno()
        return number

    @property
    def wants_write(self) -> bool:
        return bool(self._out)

    @property
    def busy(self) -> bool:
        """Whether replies are outstanding."""
        return bool(self._waiting)

    def unanswered(self) -> list[Call]:
        """The calls whose replies are outstanding, in order."""
        return list(self._waiting)

    def submit(self, call: Call) -> None:
        """Queue ``call``; its replies arrive through :meth:`receive`."""
        if not self._waiting:
            self.last_progress = time.monotonic()
        self._waiting.append(call)
        self._out.append(memoryview(call.payload))
        call.payload = b""

    def send(self) -> None:
        """Send what the socket takes now. Raises :class:`PipeLost`."""
        out = self._out
        try:
            while out:
                view = out[0]
                sent = self._socket.send(view)
                self.bytes_sent += sent
                self.last_progress = time.monotonic()
                if sent < len(view):
                    out[0] = view[sent:]
                    if not isinstance(self._socket, ssl.SSLSocket):
                        return
                else:
                    out.popleft()
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return
        except OSError as exc:
            raise PipeLost(explain(exc, self.endpoint, database=self.database)) from None

    def receive(self, done: t.Callable[[Call], None]) -> None:
        """Read what has arrived and give each call that it completed to ``done``.

        Raises :class:`PipeLost` or :class:`ReplyTooLarge`; what was complete by then is given to ``done`` before.
        """
        while True:
            try:
                count = self._socket.recv_into(self._buffer)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError as exc:
                raise PipeLost(explain(exc, self.endpoint, database=self.database)) from None
            if not count:
                raise PipeLost(explain(ConnectionResetError("connection closed by the server"), self.endpoint))
            self.bytes_received += count
            self._since_progress += count
            if self._since_progress >= _PROGRESS_BYTES:
                self._progress()
            self._reader.feed(self._buffer, 0, count)
            self._partial += count
            self._take_replies(done)
            if not (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
                return

    def _take_replies(self, done: t.Callable[[Call], None]) -> None:
        waiting = self._waiting
        gets = self._reader.gets
        try:
            while waiting:
                call = waiting[0]
                got = list(itertools.islice(iter(gets, NOTHING_YET), call.left))
                if got:
                    self._progress()
                    self._partial = 0
                    call.replies = call.replies + got if call.replies else got
                    call.left -= len(got)
                if call.left:
                    if self._partial > call.limit:
                        raise ReplyTooLarge(
                            f"The {self.endpoint} sent more than {self._partial // 1_000_000} MB in one reply, without an end.",
                            hint="No key explains that: check what answers there.",
                        )
                    return
                waiting.popleft()
                done(call)
            self._partial = 0
        except hiredis.ProtocolError as exc:
            raise PipeLost(explain(ConnectionError(f"Protocol Error: {exc}"), self.endpoint)) from None
