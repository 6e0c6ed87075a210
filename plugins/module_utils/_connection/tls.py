# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS towards an endpoint: which certificates are trusted, which name must be on the server's, which is ours."""

from __future__ import annotations

import codecs
import os
import socket
import ssl

from .._errors import EndpointError
from .endpoint import Endpoint
from .pins import check_pinned


def new_context(*, validate_certs: bool) -> ssl.SSLContext:
    """A context that trusts nobody yet; without ``validate_certs`` one that takes every certificate."""
    # Not create_default_context(), which checks more strictly from Python 3.13 on: the same certificate would pass with a
    # CA given and not with the system's, here and not on an older worker.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """The context for ``endpoint``. Raises :class:`EndpointError` naming the field whose file or text is unusable.

    A CA given as file or text is trusted instead of the system's; both may be given together.
    """
    context = new_context(validate_certs=endpoint.validate_certs)
    for field in ("ca_certs", "client_cert_file", "client_key_file"):
        path = getattr(endpoint, field)
        if path and not os.access(path, os.R_OK):
            raise EndpointError(f"The {endpoint.role} endpoint's {field} '{path}' cannot be read.")
    try:
        if endpoint.ca_certs:
            _trust_file(context, endpoint.ca_certs)
        if endpoint.ca_cert_content:
            context.load_verify_locations(cadata=_pem(endpoint.ca_cert_content))
        if not (endpoint.ca_certs or endpoint.ca_cert_content):
            context.load_default_certs()
    except (ssl.SSLError, OSError, ValueError, TypeError) as exc:
        raise EndpointError(
            f"The {endpoint.role} endpoint's CA certificate cannot be used: {tls_reason(exc)}.",
            hint="ca_certs is a file, ca_cert_content a text, of certificates in PEM form.",
        ) from exc
    if endpoint.client_cert_file:
        try:
            context.load_cert_chain(endpoint.client_cert_file, endpoint.client_key_file, password="")
        except (ssl.SSLError, OSError, ValueError) as exc:
            raise EndpointError(
                f"The {endpoint.role} endpoint's client certificate cannot be used: {tls_reason(exc)}.",
                hint="client_cert_file and client_key_file are PEM files that belong together; the key is not encrypted.",
            ) from exc
    return context


def wrap(sock: socket.socket, endpoint: Endpoint) -> ssl.SSLSocket:
    """TLS over the connected ``sock``; SNI and the expected name are ``server_name``, else the host.

    Raises :class:`ConnectError` where the chain has none of the certificates that the endpoint pins.
    """
    try:
        wrapped = tls_context(endpoint).wrap_socket(sock, server_hostname=endpoint.server_name or endpoint.host)
    except TimeoutError:
        # A port that speaks plain Redis waits for the end of what it takes for a command.
        raise ssl.SSLError("no answer to the handshake") from None
    try:
        check_pinned(wrapped, endpoint)
    except BaseException:
        wrapped.close()
        raise
    return wrapped


def _trust_file(context: ssl.SSLContext, path: str) -> None:
    with open(path, "rb") as stream:
        marked = stream.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
        rest = stream.read() if marked else b""
    if marked:
        # OpenSSL would overlook the first certificate behind the mark.
        context.load_verify_locations(cadata=_pem(rest.decode("ascii", "replace")))
    else:
        context.load_verify_locations(cafile=path)


def _pem(text: str) -> str:
    # Service keys and inventories carry PEM text with escaped line ends now and then, and files from Windows begin with a
    # byte-order mark, read as one character or as three.
    for mark in ("\ufeff", codecs.BOM_UTF8.decode("latin-1")):
        text = text.replace(mark, "")
    return text.replace("\\n", "\n").strip() + "\n"


def tls_reason(exc: BaseException) -> str:
    """What OpenSSL or Python says went wrong. The text of an error without a number would be a tuple."""
    said = exc.args[0] if len(exc.args) == 1 else str(exc)
    return str(getattr(exc, "reason", None) or said or type(exc).__name__)
