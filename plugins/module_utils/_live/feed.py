# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The feed of changes: a connection over which the source names every key that is modified, from its opening on.

``HELLO 3`` and ``CLIENT TRACKING ON BCAST NOLOOP`` need Redis 6.0 or newer, no configuration and no right to replicate. The
names come without their database, and without what happened; FLUSHDB and FLUSHALL come as nothing in place of names. Not
named are consumer groups, XSETID and SWAPDB.

A thread reads at once, whatever else happens: what is not read is held in the memory of the source. All that it keeps is
the set of names, up to a bound; beyond that only that there were too many.

*The barrier.* "The feed has named all changes up to now" cannot be asked. A PING is answered with the replies of a turn of
the server's loop, and the names of that turn are written behind them: after one PONG they are missing nearly always. With
I/O threads a name was seen to come only after the second one. So PINGs go out one after the other, each when the one before
was answered, so that each is answered in a turn of its own; :data:`rules.PONGS` of them count, and :data:`PING_SECONDS` lie
between them, so that together they span more than a turn of the server's cron (100 ms), in which it writes what is left.
All names arrive in order with the PONGs on one connection, so what was written before the last PONG has been read.
"""

from __future__ import annotations

import collections
import contextlib
import selectors
import socket
import ssl
import threading
import time
import typing as t

from .._connection.commands import one
from .._connection.connect import connect, socket_of
from .._connection.endpoint import Endpoint
from .._connection.explain import explain, explain_reply
from .._connection.identity import ASK, REPLIES, Identity, ask_identity, checked_identity
from .._connection.replies import is_error
from .._errors import CommandRefused, ConnectError, RedisMigrationError
from .._imports import hiredis
from .._keys.slots import in_slots
from .._pipeline.pipe import RECEIVE_BYTES
from .rules import NAME_OVERHEAD

PING_SECONDS = 0.04

# Between two looks at what came, while nothing is asked.
_GATHER_SECONDS = 0.005

_PING = one(b"PING")
_BEGIN = (one(b"HELLO", b"3"), one(b"CLIENT", b"TRACKING", b"ON", b"BCAST", b"NOLOOP"))

# A message that grows beyond this without an end is not read on. The names of one turn come in one message.
_MOST_IN_ONE = 128 * 1024 * 1024

_NOTHING_YET = object()


class FeedRefused(CommandRefused):
    """The source gives no feed of changes."""


class News(t.NamedTuple):
    """What came since the last look. ``since``: when the first of ``names`` came (monotonic)."""

    names: set[bytes]
    since: float
    # A database was flushed, or there were too many names: any key may have changed.
    everything: bool
    pongs: int
    lost: RedisMigrationError | None


class Feed:
    """A feed of the source at ``endpoint``, once :meth:`open` was called. ``most_bytes``: of the names it holds.

    ``slots``: those whose keys it is about; None for all.
    """

    def __init__(self, endpoint: Endpoint, most_bytes: int, *, slots: bytes | None = None) -> None:
        self.endpoint = endpoint
        self._slots = slots
        # Who was there when it was opened.
        self.identity = Identity()
        # How many names came in all, and how often they were too many.
        self.changes = 0
        self.overflows = 0
        # When the last of them came, in seconds since 1970.
        self.last_change: float | None = None
        self._most = most_bytes
        self._connection: t.Any = None
        self._socket: t.Any = None
        self._reader: t.Any = None
        self._partial = 0
        # Guards what both threads touch; told when something came.
        self._came = threading.Condition()
        self._names: set[bytes] = set()
        self._held = 0
        self._since = 0.0
        self._everything = False
        self._pongs = 0
        self._lost: RedisMigrationError | None = None
        self._out = bytearray()
        # Where the replies go that are outstanding, in order.
        self._expected: collections.deque[t.Callable[[t.Any], None]] = collections.deque()
        self._waits_for_pong = False
        self._next_ping = 0.0
        self._last_read = 0.0
        self._closing = False
        self._thread: threading.Thread | None = None
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.setblocking(False)

    def open(self) -> None:
        """Connect and have changes named from now on. Raises :class:`RedisMigrationError`."""
        self._connection = connect(self.endpoint)
        try:
            self.identity = ask_identity(self._connection, self.endpoint)
            self._socket = socket_of(self._connection)
            self._reader = hiredis.Reader(notEnoughData=_NOTHING_YET)
            self._begin()
            self._socket.setblocking(False)
        except BaseException:
            self.close()
            raise
        self._last_read = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="change feed", daemon=True)
        self._thread.start()

    def _begin(self) -> None:
        replies: list[t.Any] = []
        self._expected.extend([replies.append] * len(_BEGIN))
        deadline = time.monotonic() + self.endpoint.timeout
        try:
            self._socket.settimeout(self.endpoint.timeout)
            self._socket.sendall(b"".join(_BEGIN))
            while len(replies) < len(_BEGIN) and not any(map(is_error, replies)):
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                self._read()
        except OSError as exc:
            raise explain(exc, self.endpoint, command=("HELLO",)) from None
        for reply, command in zip(replies, ("HELLO", "CLIENT")):
            if is_error(reply):
                raise self._refused(explain_reply(reply, self.endpoint, command=(command,)))
        if not isinstance(replies[0], dict) or replies[1] != b"OK":
            raise self._refused(
                RedisMigrationError(f"The {self.endpoint} does not speak RESP3, though it accepts HELLO 3.")
            )

    def _refused(self, error: RedisMigrationError) -> RedisMigrationError:
        if isinstance(error, ConnectError):
            return error
        return FeedRefused(
            f"{error.message} So it gives no feed of changes.",
            hint="A live migration needs HELLO 3 and CLIENT TRACKING at the source: Redis 6.0 or newer, no proxy that speaks"
            f" RESP2 only, and for the user '{self.endpoint.user}' the permission +client|tracking (before 7.0: +client)."
            " Without it migrate with the applications stopped.",
        )

    # -- for the one who follows --------------------------------------------------------------------------------

    def collect(self) -> News:
        """What came since the last call; it is forgotten here."""
        with self._came:
            news = News(self._names, self._since, self._everything, self._pongs, self._lost)
            self._names, self._held, self._everything, self._pongs = set(), 0, False, 0
            return news

    def wait(self, seconds: float) -> None:
        """Until something came, at most ``seconds``."""
        with self._came:
            self._came.wait_for(lambda: self._names or self._everything or self._pongs or self._lost, seconds)

    @property
    def waiting(self) -> tuple[int, float]:
        """How many names :meth:`collect` would give, and when the first of them came."""
        with self._came:
            return len(self._names), self._since

    @property
    def lost(self) -> bool:
        return self._lost is not None

    @property
    def share_held(self) -> float:
        """How much of the memory for names is in use, from 0 to 1."""
        return self._held / self._most

    @property
    def may_ping(self) -> bool:
        """Whether the last PING was answered, long enough ago."""
        return not self._waits_for_pong and time.monotonic() >= self._next_ping

    def ping(self) -> None:
        """Send a PING whose answer :meth:`collect` counts."""
        self._waits_for_pong = True
        self._send(_PING, self._pong)

    def ask(self, commands: bytes, count: int) -> list[t.Any]:
        """The ``count`` replies to ``commands`` on this very connection. Raises :class:`RedisMigrationError`."""
        replies: list[t.Any] = []
        self._send(commands, *[replies.append] * count)
        with self._came:
            self._came.wait_for(lambda: len(replies) == count or self._lost, self.endpoint.timeout)
        if len(replies) == count:
            return replies
        raise self._lost or explain(TimeoutError(), self.endpoint)

    def ask_identity(self) -> Identity:
        return checked_identity(self.ask(ASK, REPLIES), self.endpoint)

    def close(self) -> None:
        self._closing = True
        if self._thread is not None:
            self._wake_up()
            self._thread.join()
            self._thread = None
        if self._connection is not None:
            self._connection.disconnect()
            self._connection = None
        self._wake.close()
        self._woken.close()

    # -- the thread that reads ----------------------------------------------------------------------------------

    def _send(self, commands: bytes, *expected: t.Callable[[t.Any], None]) -> None:
        with self._came:
            self._expected.extend(expected)
            self._out += commands
        self._wake_up()

    def _wake_up(self) -> None:
        with contextlib.suppress(OSError):
            self._wake.send(b"!")

    def _pong(self, _reply: t.Any) -> None:
        self._pongs += 1
        self._next_ping = time.monotonic() + PING_SECONDS
        self._waits_for_pong = False

    def _run(self) -> None:
        error: RedisMigrationError | None = None
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._woken, selectors.EVENT_READ)
                selector.register(self._socket, selectors.EVENT_READ)
                while not self._closing and error is None:
                    self._turn(selector)
                    error = self._silent()
                    self._gather()
        except RedisMigrationError as exc:
            error = exc
        except Exception as exc:  # whatever it is: without the thread there is no feed
            error = explain(exc, self.endpoint)
        with self._came:
            self._lost = error
            self._came.notify_all()

    def _turn(self, selector: selectors.BaseSelector) -> None:
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
        selector.modify(self._socket, wanted)
        for key, events in selector.select(self.endpoint.timeout / 4):
            if key.fileobj is self._woken:
                self._woken.recv(4096)
            elif events & selectors.EVENT_READ:
                self._read_all()
        if self._out:
            with self._came, contextlib.suppress(BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                sent = self._socket.send(self._out)
                del self._out[:sent]

    def _gather(self) -> None:
        """Let names come together while nothing is asked, as each reading costs this machine, and the source as well."""
        if self._names and not self._expected and not self._closing:
            time.sleep(_GATHER_SECONDS)

    def _silent(self) -> RedisMigrationError | None:
        """A connection that says nothing may be dead: it is asked, and then has to answer in time."""
        silence = time.monotonic() - self._last_read
        if silence < self.endpoint.timeout / 3:
            return None
        if not self._expected:
            self._send(_PING, lambda _reply: None)
        elif silence > self.endpoint.timeout:
            return explain(TimeoutError(), self.endpoint)
        return None

    def _read_all(self) -> None:
        try:
            self._read()
            while isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
                self._read()
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return

    def _read(self) -> None:
        data = self._socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionResetError("connection closed by the server")
        self._last_read = time.monotonic()
        self._partial += len(data)
        with self._came:
            try:
                self._reader.feed(data)
                self._take(list(iter(self._reader.gets, _NOTHING_YET)))
            except hiredis.ProtocolError as exc:
                raise ConnectionError(f"Protocol Error: {exc}") from None
            self._came.notify_all()
        if self._partial > _MOST_IN_ONE:
            raise ConnectionError(f"more than {_MOST_IN_ONE} bytes without an end")

    def _take(self, messages: list[t.Any]) -> None:
        """What was complete, most of it one or two names in a message of their own."""
        names: list[bytes] = []
        for message in messages:
            if not isinstance(message, hiredis.PushNotification):
                if not self._expected:
                    raise ConnectionError("Protocol Error: a reply that nothing was asked for")
                self._expected.popleft()(message)
            elif message and message[0] == b"invalidate":
                if len(message) < 2 or message[1] is None:
                    self._everything = True
                else:
                    names += message[1]
        if messages:
            self._partial = 0
        if names and self._slots is not None:
            names = in_slots(names, self._slots)
        if names:
            self._changed(names)

    def _changed(self, names: list[bytes]) -> None:
        self.changes += len(names)
        self.last_change = time.time()
        if not self._names:
            self._since = self._last_read
        new = set(names).difference(self._names)
        self._names |= new
        self._held += sum(map(len, new)) + NAME_OVERHEAD * len(new)
        if self._held > self._most:
            self._names, self._held, self._everything = set(), 0, True
            self.overflows += 1


def try_feed(endpoint: Endpoint) -> None:
    """Raises :class:`RedisMigrationError` if the source at ``endpoint`` gives no feed of changes."""
    feed = Feed(endpoint, NAME_OVERHEAD)
    feed.open()
    feed.close()
