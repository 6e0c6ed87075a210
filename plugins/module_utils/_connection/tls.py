# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS towards an endpoint: which certificates are trusted, which name must be on the server's, which is ours."""

from __future__ import annotations

import os
import socket
import ssl

from .._errors import EndpointError
from .endpoint import Endpoint


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """The context for ``endpoint``. Raises :class:`EndpointError` naming the field whose file or text is unusable.

    A CA given as file or text is trusted instead of the system's; both may be given together.
    """
    context = ssl.create_default_context()
    for field in ("ca_certs", "client_cert_file", "client_key_file"):
        path = getattr(endpoint, field)
        if path and not os.access(path, os.R_OK):
            raise EndpointError(f"The {endpoint.role} endpoint's {field} '{path}' cannot be read.")
    try:
        if endpoint.ca_certs or endpoint.ca_cert_content:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            if endpoint.ca_certs:
                context.load_verify_locations(cafile=endpoint.ca_certs)
            if endpoint.ca_cert_content:
                context.load_verify_locations(cadata=_pem(endpoint.ca_cert_content))
    except (ssl.SSLError, OSError, ValueError, TypeError) as exc:
        raise EndpointError(
            f"The {endpoint.role} endpoint's CA certificate cannot be used: {_reason(exc)}.",
            hint="ca_certs is a file, ca_cert_content a text, of certificates in PEM form.",
        ) from exc
    if not endpoint.validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if endpoint.client_cert_file:
        try:
            context.load_cert_chain(endpoint.client_cert_file, endpoint.client_key_file, password="")
        except (ssl.SSLError, OSError, ValueError) as exc:
            raise EndpointError(
                f"The {endpoint.role} endpoint's client certificate cannot be used: {_reason(exc)}.",
                hint="client_cert_file and client_key_file are PEM files that belong together; the key is not encrypted.",
            ) from exc
    return context


def wrap(sock: socket.socket, endpoint: Endpoint) -> ssl.SSLSocket:
    """TLS over the connected ``sock``; SNI and the expected name are ``server_name``, else the host."""
    try:
        return tls_context(endpoint).wrap_socket(sock, server_hostname=endpoint.server_name or endpoint.host)
    except TimeoutError:
        # A port that speaks plain Redis waits for the end of what it takes for a command.
        raise ssl.SSLError("no answer to the handshake") from None


def _pem(text: str) -> str:
    # Service keys and inventories carry PEM text with escaped line ends now and then.
    return text.replace("\\n", "\n").strip() + "\n"


def _reason(exc: BaseException) -> str:
    return getattr(exc, "reason", None) or str(exc) or type(exc).__name__
