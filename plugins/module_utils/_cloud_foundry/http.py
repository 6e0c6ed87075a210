# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request to Cloud Foundry: no redirect followed, no cookie kept, no netrc read, failures told apart."""

from __future__ import annotations

import datetime
import email.utils
import http.client
import json
import socket
import ssl
import time
import typing as t
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field

from .._connection.tls import new_context, tls_reason
from .errors import CloudFoundryError

# A broker may be asked synchronously behind a request (binding parameters); CF itself gives up after 60 seconds.
_TIMEOUT = 65.0

# Answers that trying again may change: a failure of the server, and (429) too many requests.
SERVER_FAILURES = frozenset({500, 502, 503, 504})
PASSING = SERVER_FAILURES | {429}

# A server that asks for more patience (Retry-After) is asked again after so many seconds all the same.
LONGEST_PAUSE = 60.0


@dataclass(frozen=True)
class HttpResponse:
    """C(headers) have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, t.Any]:
        """The body as an object; raises ValueError when it is something else."""
        document = json.loads(self.body)
        if not isinstance(document, dict):
            raise ValueError("not a JSON object")
        return document


class HttpFailure(CloudFoundryError):
    """No answer arrived. C(delivered) is true when the request may have reached the server all the same."""

    def __init__(self, message: str, *, hint: str | None = None, delivered: bool, lasting: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.delivered = delivered
        # A refused certificate or an unknown host name stays so; asking again only costs time.
        self.lasting = lasting


class HttpTransport:
    """Sends requests with one TLS configuration, through the proxy that the environment names. Threads may share it.

    By urllib alone: ansible.module_utils.urls imports cryptography, which takes a quarter of a module's start.
    """

    def __init__(self, *, validate_certs: bool = True, ca_certs: str | None = None) -> None:
        context = new_context(validate_certs=validate_certs)
        try:
            if ca_certs:
                context.load_verify_locations(cafile=ca_certs)
            else:
                context.load_default_certs()
        except (OSError, ssl.SSLError) as exc:
            raise CloudFoundryError(
                f"The CA certificates in {ca_certs} cannot be used: {exc}.",
                hint="ca_certs must be the path of a PEM file that can be read on the host that runs the module.",
            ) from exc
        # Without the handler of redirects: those are answers. And without those of other schemes.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            self._opener.add_handler(handler)
        self._opener.addheaders = [("User-Agent", "dataservices.redis_migration")]

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> HttpResponse:
        """Any HTTP status is an answer; raises HttpFailure when there was none."""
        try:
            request = urllib.request.Request(url, body, dict(headers or {}), method=method)
            with self._opener.open(request, timeout=_TIMEOUT) as response:
                return HttpResponse(response.status, _lower(response.headers), response.read())
        except urllib.error.HTTPError as exc:
            with exc:
                return HttpResponse(exc.code, _lower(exc.headers), _read_quietly(exc))
        except urllib.error.URLError as exc:
            # urllib wraps what happened before the whole request was out, and only that.
            raise _failure(url, exc.reason, delivered=False) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise _failure(url, exc, delivered=True) from exc


def _lower(headers: t.Any) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _read_quietly(response: urllib.error.HTTPError) -> bytes:
    try:
        return response.read()
    except (OSError, http.client.HTTPException, AttributeError):
        return b""


def _failure(url: str, reason: t.Any, *, delivered: bool) -> HttpFailure:
    where = url.split("?", 1)[0]
    if isinstance(reason, ssl.SSLCertVerificationError):
        return HttpFailure(
            f"The certificate of {where} is not trusted: {reason.verify_message}.",
            hint="Give the CA that signed it with ca_certs, or, knowing what that means, set validate_certs to false.",
            delivered=False,
            lasting=True,
        )
    if isinstance(reason, ssl.SSLError) and not delivered:
        return HttpFailure(
            f"No TLS connection to {where}: {tls_reason(reason)}.",
            hint="Check that api_url names the HTTPS address of the Cloud Foundry API.",
            delivered=False,
            lasting=True,
        )
    if isinstance(reason, socket.gaierror):
        return HttpFailure(
            f"The host of {where} is unknown here: {reason.strerror or reason}.",
            hint="Check api_url and the name resolution of the host that runs the module.",
            delivered=False,
        )
    said = reason if str(reason) else type(reason).__name__
    return HttpFailure(
        f"No answer from {where}: {said}.",
        hint="Check api_url, and the network and proxy settings of the host that runs the module.",
        delivered=delivered,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from the C(Retry-After) header, or from CF's C(X-RateLimit-Reset); None when neither says."""
    value = headers.get("retry-after", "").strip()
    if value:
        try:
            return max(0.0, float(value))
        except ValueError:
            return _until(value)
    reset = headers.get("x-ratelimit-reset", "").strip()
    if reset.isdigit():
        return max(0.0, float(reset) - time.time())
    return None


def _until(http_date: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(http_date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return max(0.0, moment.timestamp() - time.time())
