# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to the API v3 that survive expired tokens, rate limits and passing failures, and lists over all pages."""

from __future__ import annotations

import contextlib
import json
import threading
import time
import typing as t
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from .._waiting import pauses
from .discovery import CloudFoundryRoot
from .errors import CloudFoundryError, refused
from .http import LONGEST_PAUSE, SERVER_FAILURES, HttpFailure, HttpResponse, HttpTransport, retry_after
from .tokens import TokenSource
from .uaa import Uaa, identity_in

# Passing server-side failures of one request; with growing pauses this is about a minute.
_ATTEMPTS = 8
# A rate limit is a matter of patience, not of attempts: at most this many seconds for one request.
_RATE_LIMIT_PATIENCE = 900.0
_RATE_LIMIT_PAUSE = 5.0
_PER_PAGE = "500"

Json = dict[str, t.Any]


@dataclass
class Listing:
    """Everything a list has over all its pages. C(included) has the resources that C(include=) asked for, by kind."""

    resources: list[Json] = field(default_factory=list)
    included: dict[str, list[Json]] = field(default_factory=dict)


class CloudFoundrySession:
    """Safe to share between threads."""

    def __init__(
        self,
        transport: HttpTransport,
        root: CloudFoundryRoot,
        uaa: Uaa,
        tokens: TokenSource,
        warn: Callable[[str], None],
    ) -> None:
        self.root = root
        self.warn = warn
        self._transport = transport
        self._uaa = uaa
        self._tokens = tokens
        self._not_before = 0.0
        self._lock = threading.Lock()

    @property
    def identity(self) -> str:
        """C(user NAME) or C(client NAME), for messages."""
        return identity_in(self._tokens.current())

    def get(self, path: str, *, attempts: int = _ATTEMPTS, **query: str) -> Json:
        return self._document(self.request("GET", path, query=query, attempts=attempts), path)

    def find(self, path: str) -> Json | None:
        """Like C(get), but None for what is not there (or not visible)."""
        try:
            return self.get(path)
        except CloudFoundryError as exc:
            if exc.not_found:
                return None
            raise

    def list_all(self, path: str, **query: str) -> Listing:
        """All pages of a list. A filter takes several values joined by C(joined())."""
        listing = Listing()
        next_path: str | None = path
        parameters: Mapping[str, str] = {"per_page": _PER_PAGE, **query}
        while next_path:
            document = self._document(self.request("GET", next_path, query=parameters), next_path)
            listing.resources.extend(document.get("resources") or [])
            for kind, resources in (document.get("included") or {}).items():
                listing.included.setdefault(kind, []).extend(resources)
            following = (document.get("pagination") or {}).get("next") or {}
            next_path, parameters = self.path_of(following.get("href") or ""), {}
        return listing

    def post(self, path: str, body: Json | None = None, *, repeatable: bool = False) -> HttpResponse:
        """C(repeatable) says that doing it twice is as good as once, so an unclear failure is tried again."""
        return self.request("POST", path, body=body or {}, repeatable=repeatable)

    def patch(self, path: str, body: Json) -> HttpResponse:
        return self.request("PATCH", path, body=body)

    def delete(self, path: str) -> HttpResponse | None:
        """None when it was gone already."""
        try:
            return self.request("DELETE", path)
        except CloudFoundryError as exc:
            if exc.not_found:
                return None
            raise

    def ssh_code(self) -> str:
        """A fresh one-time code for the SSH proxy."""
        if self.root.ssh is None:
            raise CloudFoundryError(f"{self.root.api_url} has no SSH proxy.")
        token = self._tokens.current()
        try:
            return self._uaa.one_time_code(token, self.root.ssh.oauth_client)
        except CloudFoundryError as exc:
            if exc.status != 401:
                raise
            return self._uaa.one_time_code(self._tokens.renew(token), self.root.ssh.oauth_client)

    def path_of(self, href: str) -> str | None:
        """The path and query of a link. Our token only goes to the API itself, whatever host a link names."""
        if not href:
            return None
        parts = urllib.parse.urlsplit(href)
        base = urllib.parse.urlsplit(self.root.api_url).path
        path = parts.path[len(base) :] if base and parts.path.startswith(base) else parts.path
        return f"{path}?{parts.query}" if parts.query else path

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        repeatable: bool | None = None,
        attempts: int = _ATTEMPTS,
    ) -> HttpResponse:
        """One request with a 2xx answer; anything else raises CloudFoundryError.

        Everything but a POST may be repeated after an unclear failure. A POST that got none, and is not
        C(repeatable), raises an error that is C(uncertain).
        """
        url = self.root.api_url + path + ("?" + urllib.parse.urlencode(query) if query else "")
        may_repeat = method != "POST" if repeatable is None else repeatable
        data = None if body is None else json.dumps(body).encode()
        delays = pauses(0.5, longest=15.0, factor=2.0)
        patience_ends = time.monotonic() + _RATE_LIMIT_PATIENCE
        failures, renewed = 0, False
        while True:
            self._heed_rate_limit()
            token = self._tokens.current()
            try:
                response = self._transport.send(method, url, headers=self._headers(token, data), body=data)
            except HttpFailure as failure:
                failures += 1
                if failure.delivered and not may_repeat:
                    raise CloudFoundryError(failure.message, hint=failure.hint, uncertain=True) from failure
                if failure.lasting or failures >= attempts:
                    raise
                time.sleep(next(delays))
                continue
            if 200 <= response.status < 300:
                return response
            error = refused(method, path, response.status, response.body)
            if response.status == 401 and not renewed:
                renewed = True
                self._tokens.renew(token)
                continue
            if response.status == 401:
                raise CloudFoundryError(
                    error.message, hint="The login is not accepted: log in again.", status=401, problems=error.problems
                )
            if response.status == 429:
                pause = retry_after(response.headers)
                if time.monotonic() + (pause or 0) > patience_ends:
                    raise _rate_limited(error, pause)
                renewed = False
                self._back_off(_RATE_LIMIT_PAUSE if pause is None else pause)
                continue
            if response.status in SERVER_FAILURES:
                failures += 1
                if not may_repeat:
                    error.uncertain = True
                elif failures < attempts:
                    time.sleep(min(retry_after(response.headers) or next(delays), LONGEST_PAUSE))
                    continue
            raise error

    def _headers(self, token: str, data: bytes | None) -> dict[str, str]:
        headers = {"Authorization": f"bearer {token}", "Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        return headers

    def _back_off(self, seconds: float) -> None:
        """A limit is per user, so it holds for every thread of this session."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + max(seconds, 0.1))

    def _heed_rate_limit(self) -> None:
        with self._lock:
            pause = self._not_before - time.monotonic()
        if pause > 0:
            time.sleep(pause)

    @staticmethod
    def _document(response: HttpResponse, path: str) -> Json:
        try:
            return response.json()
        except ValueError as exc:
            raise CloudFoundryError(
                f"The answer to GET {path.split('?', 1)[0]} is not JSON.",
                hint="Something between here and Cloud Foundry may be answering in its place (a proxy, a login page).",
                status=response.status,
            ) from exc


def _rate_limited(error: CloudFoundryError, pause: float | None) -> CloudFoundryError:
    when = f"in {pause / 60:.0f} minutes" if pause else "later"
    return CloudFoundryError(
        error.message,
        hint=f"The rate limit of this login is used up: run again {when}, or use another user.",
        status=error.status,
        problems=error.problems,
    )


def joined(values: t.Iterable[str]) -> str:
    """Several values of one filter. CF splits at commas and decodes each part once more."""
    return ",".join(value.replace("%", "%25").replace(",", "%2C") for value in values)


@contextlib.contextmanager
def doing(what: str, *, role: str | None = None) -> Iterator[None]:
    """Tell a failure inside as the failure to do C(what) (an infinitive).

    C(role) says which role permits it ("Space Developer in the space S"): the next step when it was forbidden.
    """
    try:
        yield
    except CloudFoundryError as exc:
        if exc.message.startswith("Could not "):
            raise
        hint = f"The login needs the role {role}; 'cf set-space-role' gives it." if exc.forbidden and role else None
        raise exc.while_doing(what, hint=hint) from exc
