# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof that a Redis answers at the end of a tunnel, with nothing but a socket and without its credentials."""

from __future__ import annotations

import contextlib
import socket
import ssl

from .._connection.endpoint import Endpoint
from .._connection.tls import wrap


class NoRedis(Exception):
    """No Redis answered; the text says what came instead. C(certificate) is true when only its certificate is bad."""

    def __init__(self, message: str, *, certificate: bool = False) -> None:
        super().__init__(message)
        self.certificate = certificate


def ping(endpoint: Endpoint, seconds: float = 10.0) -> None:
    """PING and see a Redis's answer; that it wants a password first, or forbids PING, is one too."""
    answer = b""
    try:
        with contextlib.ExitStack() as stack:
            connection: socket.socket = stack.enter_context(
                socket.create_connection((endpoint.host, endpoint.port), timeout=seconds)
            )
            if endpoint.tls:
                connection = stack.enter_context(wrap(connection, endpoint))
            connection.sendall(b"*1\r\n$4\r\nPING\r\n")
            while not answer.endswith(b"\r\n") and len(answer) < 1024:
                part = connection.recv(1024)
                if not part:
                    break
                answer += part
    except ssl.SSLCertVerificationError as exc:
        raise NoRedis(f"its certificate is not trusted ({exc.verify_message})", certificate=True) from exc
    except OSError as exc:
        raise NoRedis(f"no answer ({getattr(exc, 'reason', None) or exc})") from exc
    if not answer:
        raise NoRedis("the connection was closed without an answer")
    if answer[:1] not in b"+-" or not answer.endswith(b"\r\n"):
        raise NoRedis("what answers is not a Redis")
