# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Redis client of a few lines, so that broker and simulated apps share nothing with the product's own."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType


class RespError(Exception):
    """What the server said."""


class Redis:
    """One connection. Give `ca_pem` for TLS; `server_name` is checked against the certificate."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        username: str = "",
        password: str = "",
        ca_pem: str = "",
        server_name: str = "",
        tls: bool = False,
        timeout: float = 5.0,
    ) -> None:
        self._socket = socket.create_connection((host, port), timeout=timeout)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls or ca_pem:
                context = ssl.create_default_context(cadata=ca_pem or None)
                self._socket = context.wrap_socket(self._socket, server_hostname=server_name or host)
            self._input = self._socket.makefile("rb")
            if password:
                self.call("AUTH", *([username] if username else []), password)
        except BaseException:
            self._socket.close()
            raise

    def call(self, *words: str | bytes | int) -> bytes | int | list[object] | None:
        """Send one command and read its reply. Raises RespError or OSError."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(request)
        return self._reply()

    def _reply(self) -> bytes | int | list[object] | None:
        line = self._input.readline()
        if not line.endswith(b"\r\n"):
            raise OSError("the Redis server closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RespError(rest.decode("utf-8", "replace"))
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._input.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _index in range(int(rest))]
        return rest

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Redis:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
