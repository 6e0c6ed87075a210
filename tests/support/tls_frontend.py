# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS in front of a server that has none, as hosted services have it: a terminating proxy.

with RedisServer("redis-8.2") as server, TlsFrontend(server.port, authority.server("db.example")) as frontend:
    ...  # rediss://127.0.0.1:{frontend.port}
"""

from __future__ import annotations

import ssl
from pathlib import Path

from tests.support.certs import Certificate
from tests.support.relay import Relay


class TlsFrontend(Relay):
    """Terminates TLS at `.port`; a context manager.

    `client_ca` demands a client certificate of that authority. `.server_names` records the SNI of every handshake,
    None where the client sent none. `use_certificate` takes effect with the next handshake.
    """

    def __init__(
        self,
        upstream: int | tuple[str, int],
        certificate: Certificate,
        *,
        client_ca: Path | None = None,
        minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
        port: int = 0,
    ) -> None:
        super().__init__(upstream, port=port)
        self.server_names: list[str | None] = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = minimum
        self._context.sni_callback = self._note_name
        if client_ca:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(client_ca)
        self.use_certificate(certificate)

    def use_certificate(self, certificate: Certificate) -> None:
        """Show another certificate from now on, an expired one for instance."""
        self._context.load_cert_chain(certificate.cert_file, certificate.key_file)

    def tls(self) -> ssl.SSLContext:
        return self._context

    def _note_name(self, _handshake: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        self.server_names.append(name)
