# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A port that speaks TLS with whoever begins a handshake, and plain Redis with all others."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.support.certs import Certificate
from tests.support.tls_frontend import TlsFrontend

HOST = "127.0.0.1"
_HANDSHAKE = 0x16


class EitherFrontend:
    """Accepts connections at `.port` in front of the plain port `upstream`; a context manager."""

    def __init__(self, upstream: int, certificate: Certificate) -> None:
        self._upstream = upstream
        self._tls = TlsFrontend(upstream, certificate)
        self._listener = socket.create_server((HOST, 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> EitherFrontend:
        self._tls.__enter__()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        # close() alone would leave the thread in accept().
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._tls.__exit__()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            first = client.recv(1, socket.MSG_PEEK)
            if not first:
                return
            port = self._tls.port if first[0] == _HANDSHAKE else self._upstream
            with socket.create_connection((HOST, port)) as server:
                back = threading.Thread(target=_copy, args=(server, client), daemon=True)
                back.start()
                _copy(client, server)
                back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """All that comes from `source`, and then its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
