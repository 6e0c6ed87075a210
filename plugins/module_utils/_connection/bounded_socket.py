# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A socket for redis-py that does not read without end, whatever the other side sends."""

from __future__ import annotations

import time
import typing as t

from .._imports import redis

# Until the other side has shown that it is a Redis its answers are a few bytes.
GREETING_BYTES = 64 * 1024

# Afterwards: the longest answers are CLIENT LIST with ten thousand clients and FUNCTION DUMP.
ANSWER_BYTES = 64 * 1024 * 1024


# An answer may take the timeout and this much longer for its length: who drips a byte now and then is not waited for.
_SLOWEST_BYTES_PER_SECOND = 4 * 1024


class BoundedSocket:
    """Stands before ``plain``, the real socket. ``limit``: how many bytes may arrive for what was sent last.

    Beyond it reading raises redis-py's InvalidResponse. Everything until :meth:`connected` together, and from then on the
    whole answer to what was sent last, may take ``timeout`` seconds, counted from ``since``; beyond that it is a TimeoutError.
    """

    def __init__(self, plain: t.Any, timeout: float, since: float, limit: int = GREETING_BYTES) -> None:
        self.plain = plain
        self.limit = limit
        self._timeout = timeout
        self._since = since
        self._connecting = True
        self._received = 0
        self._wanted: float | None = timeout

    def connected(self, limit: int = ANSWER_BYTES) -> None:
        """The other side has shown that it is a Redis and has let us in."""
        self.limit = limit
        self._connecting = False
        self.settimeout(self._timeout)

    def settimeout(self, seconds: float | None) -> None:
        self._wanted = seconds
        self.plain.settimeout(seconds)

    def _in_time(self) -> None:
        """See to it that the next step ends in time."""
        if self._wanted == 0:
            return  # it only looks whether something is there
        left = self._since + self._timeout + self._received / _SLOWEST_BYTES_PER_SECOND - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer did not come to its end in time")
        self.plain.settimeout(left if self._wanted is None else min(left, self._wanted))

    def sendall(self, data: t.Any) -> None:
        self._received = 0
        if not self._connecting:
            self._since = time.monotonic()
        self._in_time()
        self.plain.sendall(data)

    def recv_into(self, buffer: t.Any) -> int:
        self._in_time()
        received: int = self.plain.recv_into(buffer)
        self._look(buffer[:1], received)
        return received

    def recv(self, size: int, *flags: int) -> bytes:
        self._in_time()
        data: bytes = self.plain.recv(size, *flags)
        if not flags:  # else it is only peeked at
            self._look(data[:1], len(data))
        return data

    def _look(self, first: bytes | bytearray, received: int) -> None:
        # Whatever is asked in the beginning is answered by OK or an error.
        if not self._received and received and self.limit == GREETING_BYTES and first not in (b"+", b"-"):
            raise redis.InvalidResponse("its first answer is none that Redis would give")
        self._received += received
        if self._received > self.limit:
            raise redis.InvalidResponse(f"more than {self.limit} bytes arrived in answer to one command")

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self.plain, name)
