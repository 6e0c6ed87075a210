# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate that a TLS endpoint shows: whether it verifies and how long it lasts. Nothing secret is sent."""

from __future__ import annotations

import dataclasses
import datetime
import socket
import ssl

from .._connection import tls
from .._connection.connect import located
from .._connection.endpoint import Endpoint
from .._connection.explain import explain
from .._connection.pins import Certificate, own_certificate, verified_chain
from .._errors import RedisMigrationError
from .finding import Verdict, fail, failed, ok, plural, warn

# A certificate that ends sooner is worth a word.
_SOON_DAYS = 30

# Whether the end answers at all is another check's matter, with the endpoint's own timeout.
_PATIENCE_SECONDS = 5.0


def certificate_verdict(endpoint: Endpoint) -> Verdict:
    """What to say of the certificate of ``endpoint``."""
    if not endpoint.tls:
        return ok(f"The {endpoint} is used without TLS, so there is no certificate.")
    problem = None
    endpoint = located(endpoint)
    try:
        try:
            shown, chain = _handshake(endpoint)
        except ssl.SSLCertVerificationError as exc:
            problem = explain(exc, endpoint)
            shown, chain = _handshake(dataclasses.replace(endpoint, validate_certs=False, ca_fingerprints=()))
    except RedisMigrationError as exc:
        # Not the certificates that are pinned.
        return failed(exc)
    except OSError as exc:
        return failed(problem or explain(exc, endpoint))
    return _verdict(endpoint, shown.ends, problem, chain)


def _verdict(
    endpoint: Endpoint, end: datetime.datetime, problem: RedisMigrationError | None, chain: list[Certificate]
) -> Verdict:
    now = datetime.datetime.now(datetime.UTC)
    left = end - now
    days = abs(left).days
    if left.total_seconds() <= 0:
        return fail(
            f"The certificate of the {endpoint} expired on {end:%Y-%m-%d}, {plural(days, 'day')} ago.",
            "Have the certificate renewed, and check the clock of this machine.",
        )
    if problem:
        return failed(problem)
    lasts = f"lasts until {end:%Y-%m-%d}, {plural(days, 'more day')}"
    if not endpoint.validate_certs:
        return warn(
            f"The certificate of the {endpoint} is not verified, as told (validate_certs: false); it {lasts}.",
            "Give the CA that issued it as 'ca_certs' or 'ca_cert_content' and remove validate_certs: false.",
        )
    verified_by = "; ".join(f"{one}, {plural((one.ends - now).days, 'day')} left" for one in chain)
    pinned = " and has one of ca_fingerprints in its chain" if endpoint.ca_fingerprints else ""
    if days < _SOON_DAYS:
        return warn(
            f"The certificate of the {endpoint} verifies{pinned} but only {lasts}. Chain: {verified_by}.",
            "Have it renewed soon; apps that verify it would stop connecting.",
        )
    return ok(f"The certificate of the {endpoint} verifies{pinned} and {lasts}. Chain: {verified_by}.")


def _handshake(endpoint: Endpoint) -> tuple[Certificate, list[Certificate]]:
    """The server's certificate, and the chain that verifies it.

    Ends after the handshake: no user name, password or command is sent.
    """
    patience = min(endpoint.timeout, _PATIENCE_SECONDS)
    with (
        socket.create_connection((endpoint.host, endpoint.port), timeout=patience) as plain,
        tls.wrap(plain, endpoint) as wrapped,
    ):
        return own_certificate(wrapped), verified_chain(wrapped)
