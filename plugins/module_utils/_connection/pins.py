# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chain of certificates that a server was verified by, and whether one of those that were pinned is in it.

Python tells the verified chain publicly since 3.13 only; what it calls there is in the standard library since 3.10.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import ssl
import typing as t

from .._errors import ConnectError, printable
from .endpoint import Endpoint


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A certificate of a chain. ``fingerprint`` is SHA-256 over its DER form, in pairs of hexadecimal digits."""

    subject: str
    issuer: str
    fingerprint: str
    ends: datetime.datetime

    def __str__(self) -> str:
        return f"'{self.subject}' (issued by '{self.issuer}', SHA-256 {self.fingerprint})"


def own_certificate(sock: ssl.SSLSocket) -> Certificate:
    """What the server showed as its own, verified or not."""
    return _certificate(_tls_object(sock).get_unverified_chain()[0])


def verified_chain(sock: ssl.SSLSocket) -> list[Certificate]:
    """The certificates that the server was verified by, its own first; empty where nothing was verified."""
    return [_certificate(one) for one in _tls_object(sock).get_verified_chain() or ()]


def check_pinned(sock: ssl.SSLSocket, endpoint: Endpoint) -> None:
    """Raise :class:`ConnectError` unless one of the certificates that ``endpoint`` pins is in the chain."""
    if not endpoint.ca_fingerprints:
        return
    shown = verified_chain(sock)
    if not {one.fingerprint for one in shown} & set(endpoint.ca_fingerprints):
        raise ConnectError(
            f"The {endpoint} shows a certificate that verifies, but none of 'ca_fingerprints' is in its chain: "
            + ", ".join(map(str, shown))
            + ".",
            hint="Find out who issues the server's certificate now. Somebody may listen in; nothing secret was sent.",
        )


def end_of(told: t.Mapping[str, t.Any]) -> datetime.datetime:
    """The end of the validity of a certificate of which the standard library told so."""
    return datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(told["notAfter"]), datetime.UTC)


def _tls_object(sock: ssl.SSLSocket) -> t.Any:
    return getattr(sock, "_sslobj", None)


def _certificate(shown: t.Any) -> Certificate:
    told = shown.get_info()
    der = ssl.PEM_cert_to_DER_cert(shown.public_bytes())
    return Certificate(
        subject=_name(told["subject"]),
        issuer=_name(told["issuer"]),
        fingerprint=hashlib.sha256(der).digest().hex(":").upper(),
        ends=end_of(told),
    )


def _name(parts: t.Iterable[t.Iterable[tuple[str, str]]]) -> str:
    """The common name; where there is none, the last part of the name."""
    named = [pair for part in parts for pair in part]
    return printable(dict(named).get("commonName") or (named[-1][1] if named else ""))
