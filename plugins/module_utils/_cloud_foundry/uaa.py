# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The UAA: tokens for grants, and one-time codes for the SSH proxy."""

from __future__ import annotations

import base64
import json
import time
import typing as t
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from .._waiting import pauses
from .discovery import CloudFoundryRoot
from .errors import CloudFoundryError, problems_in, redact, sentence_of
from .http import LONGEST_PAUSE, PASSING, HttpFailure, HttpResponse, HttpTransport, retry_after
from .secrets import register_secrets

_ATTEMPTS = 6


@dataclass(frozen=True)
class Tokens:
    """C(refresh) is empty when the grant gives none."""

    access: str
    refresh: str = ""


class Uaa:
    def __init__(self, transport: HttpTransport, root: CloudFoundryRoot) -> None:
        self._transport = transport
        self._root = root

    def tokens(
        self,
        form: Mapping[str, str],
        *,
        client: tuple[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Tokens:
        """One grant. C(client) goes into the Basic header; raises CloudFoundryError with the UAA's message."""
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if client is not None:
            raw = ":".join(client).encode()
            headers["Authorization"] = "Basic " + base64.b64encode(raw).decode()
        url = f"{self._root.login_url}/oauth/token"
        if query:
            url += "?" + urllib.parse.urlencode(query)
        response = self._send("POST", url, headers, urllib.parse.urlencode(form).encode())
        if response.status != 200:
            secrets = [value for name, value in form.items() if name not in ("grant_type", "username", "client_id")]
            raise _refused(self._root.login_url, response, secrets)
        try:
            document = response.json()
            tokens = Tokens(str(document["access_token"]), str(document.get("refresh_token") or ""))
        except (ValueError, KeyError) as exc:
            raise CloudFoundryError(
                f"The login at {self._root.login_url} answered without a token.",
                hint="Check that api_url names a Cloud Foundry whose login link points to its UAA.",
                status=response.status,
            ) from exc
        register_secrets((tokens.access, tokens.refresh))
        return tokens

    def one_time_code(self, access_token: str, client_id: str) -> str:
        """An authorization code for C(client_id): valid once and only for minutes."""
        query = urllib.parse.urlencode({"response_type": "code", "client_id": client_id})
        response = self._send(
            "GET", f"{self._root.uaa_url}/oauth/authorize?{query}", {"Authorization": f"bearer {access_token}"}, None
        )
        location = response.headers.get("location", "")
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(location).query).get("code", [""])[0]
        if response.status not in (302, 303) or not code:
            raise _refused(self._root.uaa_url, response, [access_token])
        register_secrets((code,))
        return code

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpResponse:
        """Asking for a token twice harms nobody, so every passing failure is tried again."""
        delays = pauses(0.5)
        for attempt in range(1, _ATTEMPTS + 1):
            pause = next(delays)
            try:
                response = self._transport.send(method, url, headers=headers, body=body)
            except HttpFailure as failure:
                if failure.lasting or attempt == _ATTEMPTS:
                    raise
            else:
                if response.status not in PASSING or attempt == _ATTEMPTS:
                    return response
                pause = min(retry_after(response.headers) or pause, LONGEST_PAUSE)
            time.sleep(pause)
        raise AssertionError("unreachable")


def _refused(where: str, response: HttpResponse, secrets: list[str]) -> CloudFoundryError:
    problems = problems_in(response.body)
    said = redact(sentence_of(problems), secrets) or "no explanation"
    return CloudFoundryError(
        f"The login at {where} answered with status {response.status}: {said}.",
        status=response.status,
        problems=problems,
    )


def identity_in(access_token: str) -> str:
    """Whose token this is, for messages only (nothing is verified); a neutral word when it does not say."""
    parts = access_token.split(".")
    claims: dict[str, t.Any] = {}
    if len(parts) == 3:
        try:
            padded = parts[1] + "=" * (-len(parts[1]) % 4)
            decoded = json.loads(base64.urlsafe_b64decode(padded))
            claims = decoded if isinstance(decoded, dict) else {}
        except ValueError:
            claims = {}
    if claims.get("user_name"):
        return f"user {claims['user_name']}"
    if claims.get("client_id"):
        return f"client {claims['client_id']}"
    return "this login"
