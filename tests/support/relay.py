# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TCP relay on loopback in a thread of its own; the base of the TLS frontend and of the fault proxy."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal, TypeVar

HOST = "127.0.0.1"
Direction = Literal["to_server", "to_client"]
T = TypeVar("T")

_QUEUE_LIMIT = 64 << 20


class Relay:
    """Accepts connections at `.port` and copies both ways to `upstream` (a port on loopback, or host and port).

    A context manager. Subclasses change what happens on the way by overriding `make_link`, `tls` and `upstream_for`.
    """

    def __init__(self, upstream: int | tuple[str, int], *, port: int = 0) -> None:
        self.upstream = (HOST, upstream) if isinstance(upstream, int) else upstream
        self.port = port
        self.links: list[Link] = []
        # With those whose client has left and whose server does not know yet.
        self.unended: set[Link] = set()
        self.accepted = 0
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name=type(self).__name__, daemon=True)

    def __enter__(self) -> Any:
        self._thread.start()
        self.call(self._listen())
        return self

    def __exit__(self, *_error: object) -> None:
        self.call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def address(self) -> tuple[str, int]:
        return HOST, self.port

    def tls(self) -> ssl.SSLContext | None:
        """What to speak with clients."""
        return None

    def make_link(self) -> Link:
        return Link(self)

    def upstream_for(self, _link: Link) -> tuple[str, int]:
        """Where a new connection leads."""
        return self.upstream

    def call(self, coroutine: Any, seconds: float = 30) -> Any:
        """Run a coroutine in the relay's thread and wait for it, but not out of that thread."""
        if threading.current_thread() is self._thread:
            return self._loop.create_task(coroutine)
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(seconds)

    def do(self, function: Callable[[], T]) -> T:
        """Run a function in the relay's thread and wait for it; a call out of that thread runs it at once."""
        if threading.current_thread() is self._thread:
            return function()

        async def run() -> T:
            return function()

        returned: T = self.call(run())
        return returned

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await self._loop.create_server(
                lambda: self.make_link().client, HOST, self.port, ssl=self.tls(), backlog=512
            )
            self.port = self._server.sockets[0].getsockname()[1]

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _close(self) -> None:
        self._stop_listening()
        for link in list(self.unended):
            link.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # lets the sockets close


class Link:
    """One client's connection and the one to the server that belongs to it."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.client = Peer(self)
        self.server = Peer(self)
        self.to_server = Pipe(self, "to_server", self.client, self.server)
        self.to_client = Pipe(self, "to_client", self.server, self.client)
        self.client.pipe, self.server.pipe = self.to_server, self.to_client
        self._connecting: asyncio.Task[None] | None = None

    def opened(self) -> None:
        """The client is there (and through with its handshake)."""
        self.relay.accepted += 1
        self.relay.links.append(self)
        self.relay.unended.add(self)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: self.server, *self.relay.upstream_for(self))
        except OSError:
            self.abort()
            return
        self.to_server.pump()

    def abort(self) -> None:
        """Both ends see the connection break at once."""
        for peer in (self.client, self.server):
            if peer.transport is not None:
                peer.transport.abort()
        self.gone()

    def gone(self) -> None:
        if self in self.relay.links:
            self.relay.links.remove(self)
        if self.client.lost and self.server.lost:
            self.relay.unended.discard(self)


class Peer(asyncio.Protocol):
    """One of the two sockets of a link."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.transport: Any = None
        self.pipe: Pipe  # carries what this peer says
        self.writable = True
        self.lost = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=4 << 20)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self is self.link.client:
            self.link.opened()

    def data_received(self, data: bytes) -> None:
        self.pipe.feed(data)

    def eof_received(self) -> bool:
        self.pipe.end()
        return False

    def connection_lost(self, _error: Exception | None) -> None:
        self.lost = True
        self.pipe.end()
        self.link.gone()

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        other = self.link.to_client if self is self.link.client else self.link.to_server
        other.pump()


class Pipe:
    """One direction of a link: a queue of pieces, each with the moment when it may leave."""

    def __init__(self, link: Link, direction: Direction, source: Peer, sink: Peer) -> None:
        self.link = link
        self.direction = direction
        self.source = source
        self.sink = sink
        self.delay = 0.0
        self.limit = _QUEUE_LIMIT
        self.held_until = 0.0
        self._queue: deque[tuple[float, bytes | None]] = deque()
        self._queued = 0
        self._timer: asyncio.TimerHandle | None = None
        self._reading = True
        self._ended = False

    def feed(self, data: bytes) -> None:
        """What the source said; overridden by those who look at it."""
        self.queue(data)

    def queue(self, data: bytes) -> None:
        self._queued += len(data)
        self._queue.append((time.monotonic() + self.delay if self.delay else 0.0, data))
        self.pump()

    def end(self) -> None:
        """The source closed; so does the sink, after everything before has left."""
        if not self._ended:
            self._ended = True
            self._queue.append((time.monotonic() + self.delay if self.delay else 0.0, None))
            self.pump()

    def cost(self, _size: int) -> float:
        """Seconds that a piece occupies the line."""
        return 0.0

    def pump(self) -> None:
        """Let go what may go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        transport = self.sink.transport
        while self._queue and transport is not None:
            due, data = self._queue[0]
            due = max(due, self.held_until)
            now = time.monotonic() if due else 0.0
            if due > now:
                self._timer = asyncio.get_running_loop().call_later(due - now, self.pump)
                break
            if data is None:
                self._queue.popleft()
                transport.close()
            elif not self.sink.writable:
                break
            else:
                self._queue.popleft()
                self._queued -= len(data)
                transport.write(data)
                occupied = self.cost(len(data))
                if occupied:
                    self.held_until = max(self.held_until, time.monotonic()) + occupied
        self._throttle()

    def _throttle(self) -> None:
        source = self.source.transport
        if source is None or self._ended or source.is_closing():
            return
        if self._reading and (self._queued > self.limit or not self.sink.writable):
            self._reading = False
            source.pause_reading()
        elif not self._reading and self._queued <= self.limit and self.sink.writable:
            self._reading = True
            source.resume_reading()
