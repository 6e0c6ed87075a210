# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults on the wire, on order: a TCP proxy between a client and a real server.

    with FaultProxy(server.port, latency=0.020) as proxy:
        proxy.cut_after(10_000, "to_server")

Every order takes effect before the call returns, may be given at any time from any thread, and concerns the open
connections and those to come. `heal()` takes them all back. For measurements in a process of its own:
`python -m tests.support.faultproxy --to PORT --latency-ms 20` prints its port and serves until its input closes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.support.relay import Direction, Link, Peer, Pipe, Relay

Where = Literal["to_server", "to_client", "both"]

# From a command and the server's reply to it, both as they go over the wire, what the client gets.
Rewrite = Callable[[bytes, bytes], bytes]

# In place of a command's name: whichever it is.
ANY = b"*"


@dataclass
class _Cut:
    direction: Direction
    bytes_left: int
    every: int
    times: int


@dataclass
class _Rule:
    command: bytes
    skip: int
    times: int
    reply: bytes | None = None
    callback: Callable[[], object] | None = None
    rewrite: Rewrite | None = None

    def applies(self, command: bytes) -> bool:
        """Counts this occurrence of the command."""
        if self.command not in (command, ANY) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class FaultProxy(Relay):
    """A proxy to `upstream` (a port on loopback, or host and port) at `.port`; a context manager.

    `latency` is the round trip in seconds, half of it in each direction; `bandwidth` is in bytes per second in each
    direction. `redis=True` makes it read the protocol from the start, which `replace_reply` and `on_command` need
    for connections that are open already.
    """

    def __init__(
        self,
        upstream: int | tuple[str, int],
        *,
        latency: float = 0.0,
        bandwidth: float | None = None,
        redis: bool = False,
        port: int = 0,
    ) -> None:
        super().__init__(upstream, port=port)
        self.bytes_passed: dict[Direction, int] = {"to_server": 0, "to_client": 0}
        self._latency = latency
        self._bandwidth = bandwidth
        self._redis = redis
        self._held_until = 0.0
        self._drip = 0.0
        self._swallowed: frozenset[Direction] = frozenset()
        self._cuts: list[_Cut] = []
        self._rules: list[_Rule] = []

    # -- orders -------------------------------------------------------------------------------------------------

    @property
    def open_connections(self) -> int:
        return len(self.links)

    @property
    def dripping(self) -> float:
        return self._drip

    @property
    def latency(self) -> float:
        return self._latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._set(_latency=seconds)

    @property
    def bandwidth(self) -> float | None:
        return self._bandwidth

    @bandwidth.setter
    def bandwidth(self, bytes_per_second: float | None) -> None:
        self._set(_bandwidth=bytes_per_second)

    def cut_now(self) -> int:
        """Break every open connection; returns how many there were."""

        def cut() -> int:
            links = list(self.links)
            for link in links:
                link.abort()
            return len(links)

        return self.do(cut)

    def cut_after(self, count: int, direction: Direction, *, times: int = 1) -> None:
        """Let `count` more bytes through in that direction, then break the connection that carried the last one.

        With `times` it happens again, each time after `count` bytes more; -1 is for ever.
        """
        self.do(lambda: self._cuts.append(_Cut(direction, count, count, times)))

    def stall(self, seconds: float) -> None:
        """Hold all traffic for a while; nothing is lost."""
        self._set(_held_until=time.monotonic() + seconds)

    def swallow(self, where: Where = "both") -> None:
        """Half-open connections: what is said is taken and never arrives."""
        directions: frozenset[Direction] = frozenset(("to_server", "to_client") if where == "both" else (where,))
        self.do(lambda: setattr(self, "_swallowed", directions))

    def refuse(self) -> None:
        """Refuse new connections; the open ones stay."""
        self.do(self._stop_listening)

    def accept(self) -> None:
        """Take connections again, at the same port."""
        self.call(self._listen())

    def replace_reply(self, command: str, reply: bytes, *, skip: int = 0, times: int = 1) -> None:
        """The client gets `reply` (raw, as `b"-OOM ...\\r\\n"`) for a command that the server did execute.

        `skip` lets the first ones pass, `times=-1` is for ever. Commands go by their first word, upper or lower case; `*` is any.
        """
        self._add_rule(_Rule(command.upper().encode(), skip, times, reply=reply))

    def rewrite_reply(self, command: str, rewrite: Rewrite, *, skip: int = 0, times: int = -1) -> None:
        """The client gets what `rewrite(command, reply)` makes of the server's reply; for ever unless told."""
        self._add_rule(_Rule(command.upper().encode(), skip, times, rewrite=rewrite))

    def drip(self, seconds: float) -> None:
        """From now on what servers say arrives byte by byte, one each `seconds`; nothing is lost."""
        self._set(_drip=seconds)

    def on_command(self, command: str, callback: Callable[[], object], *, skip: int = 0, times: int = 1) -> None:
        """Call `callback` before such a command reaches the server, while nothing passes this proxy.

        The callback may do to the server what it likes over connections of its own, not through this proxy.
        """
        self._add_rule(_Rule(command.upper().encode(), skip, times, callback=callback))

    def heal(self) -> None:
        """No faults any more; connections that lost bytes are broken, latency and bandwidth stay."""

        def heal() -> None:
            self._held_until, self._drip, self._swallowed = 0.0, 0.0, frozenset()
            self._cuts.clear()
            self._rules.clear()
            for link in list(self.links):
                if isinstance(link, _FaultyLink) and link.lost_bytes:
                    link.abort()
            self._apply()

        self.do(heal)
        self.accept()

    # -- inside -------------------------------------------------------------------------------------------------

    def make_link(self) -> Link:
        link = _FaultyLink(self, understands=self._redis or bool(self._rules))
        self._adjust(link)
        return link

    def _add_rule(self, rule: _Rule) -> None:
        if not self._redis and self.open_connections:
            raise ValueError("connections are open that this proxy did not read; use FaultProxy(..., redis=True)")
        self.do(lambda: self._rules.append(rule))

    def _set(self, **values: object) -> None:
        def apply() -> None:
            for name, value in values.items():
                setattr(self, name, value)
            self._apply()

        self.do(apply)

    def _apply(self) -> None:
        for link in self.links:
            self._adjust(link)
            link.to_server.pump()
            link.to_client.pump()

    def _adjust(self, link: Link) -> None:
        for pipe in (link.to_server, link.to_client):
            pipe.delay = self._latency / 2
            pipe.held_until = self._held_until
            if self._bandwidth:
                pipe.limit = max(16_384, int(self._bandwidth / 4))

    def passing(self, link: Link, pipe: Pipe, data: bytes) -> None:
        """Every piece of every connection comes through here."""
        direction = pipe.direction
        if direction in self._swallowed:
            assert isinstance(link, _FaultyLink)
            link.lost_bytes = True
            return
        for cut in self._cuts:
            if cut.direction == direction and cut.times:
                if len(data) >= cut.bytes_left:
                    self._cut(link, pipe, data[: cut.bytes_left])
                    cut.bytes_left = cut.every
                    cut.times -= 1
                    return
                cut.bytes_left -= len(data)
        self.bytes_passed[direction] += len(data)
        if self._drip and direction == "to_client":
            for begin in range(len(data)):
                pipe.queue(data[begin : begin + 1])
        elif self._bandwidth:
            step = max(512, int(self._bandwidth / 50))
            for begin in range(0, len(data), step):
                pipe.queue(data[begin : begin + step])
        else:
            pipe.queue(data)

    def _cut(self, link: Link, pipe: Pipe, last: bytes) -> None:
        self.bytes_passed[pipe.direction] += len(last)
        pipe.queue(last)
        pipe.end()  # the receiver still gets every byte up to the cut
        pipe.source.transport.abort()

    def rule_for(self, command: bytes) -> _Rule | None:
        return next((rule for rule in self._rules if rule.applies(command)), None)


class _FaultyLink(Link):
    relay: FaultProxy

    def __init__(self, relay: FaultProxy, *, understands: bool) -> None:
        super().__init__(relay)
        self.lost_bytes = False
        self.to_server = _FaultyPipe(self, "to_server", self.client, self.server)
        self.to_client = _FaultyPipe(self, "to_client", self.server, self.client)
        self.client.pipe, self.server.pipe = self.to_server, self.to_client
        if understands:
            self.to_server.reader, self.to_client.reader = _Frames(), _Frames()
        # For each command that has no reply yet, what is ordered and how it was asked.
        self.expected: deque[tuple[_Rule, bytes] | None] = deque()


class _FaultyPipe(Pipe):
    link: _FaultyLink
    reader: _Frames | None = None

    def __init__(self, link: Link, direction: Direction, source: Peer, sink: Peer) -> None:
        super().__init__(link, direction, source, sink)

    def cost(self, size: int) -> float:
        if self.direction == "to_client" and self.link.relay.dripping:
            return self.link.relay.dripping
        bandwidth = self.link.relay.bandwidth
        return size / bandwidth if bandwidth else 0.0

    def feed(self, data: bytes) -> None:
        if self.reader is not None:
            data = self._command_rules(data) if self.direction == "to_server" else self._reply_rules(data)
        if data:
            self.link.relay.passing(self.link, self, data)

    def _command_rules(self, data: bytes) -> bytes:
        assert self.reader is not None
        passed: list[bytes] = []
        for frame in self.reader.feed(data):
            rule = self.link.relay.rule_for(_command_name(frame))
            if rule is not None and rule.callback is not None:
                if passed:  # what came before goes before
                    self.link.relay.passing(self.link, self, b"".join(passed))
                    passed.clear()
                rule.callback()
            self.link.expected.append((rule, frame) if rule is not None else None)
            passed.append(frame)
        return b"".join(passed)

    def _reply_rules(self, data: bytes) -> bytes:
        assert self.reader is not None
        passed: list[bytes] = []
        for frame in self.reader.feed(data):
            if frame.startswith(b">"):  # a push answers nothing
                passed.append(frame)
                continue
            ordered = self.link.expected.popleft() if self.link.expected else None
            passed.append(_answer(*ordered, frame) if ordered else frame)
        return b"".join(passed)


def _answer(rule: _Rule, command: bytes, reply: bytes) -> bytes:
    if rule.rewrite is not None:
        return rule.rewrite(command, reply)
    return reply if rule.reply is None else rule.reply


class _Frames:
    """Cuts a stream of RESP into whole commands or replies."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        frames: list[bytes] = []
        begin = 0
        while (end := self._end_of(begin)) is not None:
            frames.append(bytes(self._buffer[begin:end]))
            begin = end
        del self._buffer[:begin]
        return frames

    def _end_of(self, begin: int) -> int | None:
        """Where the frame that begins there ends; None while it is not complete."""
        missing, position = 1, begin
        while missing:
            missing -= 1
            line_end = self._buffer.find(b"\r\n", position)
            if line_end < 0:
                return None
            kind, head = self._buffer[position : position + 1], self._buffer[position + 1 : line_end]
            position = line_end + 2
            if kind in b"$=!" and head != b"-1":
                position += int(head) + 2
                if position > len(self._buffer):
                    return None
            elif kind in b"*~>":
                missing += max(int(head), 0)
            elif kind == b"%":
                missing += 2 * int(head)
        return position


def _command_name(frame: bytes) -> bytes:
    """The first word of `*N\\r\\n$L\\r\\nNAME\\r\\n...`, upper case."""
    args = frame.split(b"\r\n", 3)
    return args[2].upper() if len(args) > 2 else frame.strip().upper()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve until the input closes; the first line printed is the port.")
    parser.add_argument("--to", type=int, required=True, help="port of the server on loopback")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--bandwidth", type=float, help="bytes per second")
    options = parser.parse_args()
    with FaultProxy(options.to, latency=options.latency_ms / 1000, bandwidth=options.bandwidth) as proxy:
        print(proxy.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
