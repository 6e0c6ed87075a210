# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where access tokens come from: a given one, a grant, or the session of the cf command line."""

from __future__ import annotations

import abc
import json
import threading
from collections.abc import Callable

from .cli_config import CliConfig
from .errors import CloudFoundryError
from .secrets import register_secrets
from .uaa import Tokens, Uaa

# The public client that the cf command line uses, without a secret.
_CLI_CLIENT = ("cf", "")


class TokenSource(abc.ABC):
    """Safe to share between threads: of many that find the same token expired only one renews it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token = ""

    def current(self) -> str:
        """An access token (without C(bearer)), got when first asked for."""
        with self._lock:
            if not self._token:
                self._token = self._first()
            return self._token

    def renew(self, stale: str) -> str:
        """A token other than C(stale), which was refused; raises CloudFoundryError when there is none to be had."""
        with self._lock:
            if self._token == stale:
                self._token = self._next(stale)
            return self._token

    @abc.abstractmethod
    def _first(self) -> str: ...

    @abc.abstractmethod
    def _next(self, stale: str) -> str: ...


class GivenToken(TokenSource):
    def __init__(self, access_token: str) -> None:
        super().__init__()
        scheme, separator, rest = access_token.strip().partition(" ")
        self._token = rest.strip() if separator and scheme.lower() == "bearer" else access_token.strip()
        register_secrets((self._token,))

    def _first(self) -> str:
        raise CloudFoundryError("access_token is empty.", hint="'cf oauth-token' prints one.")

    def _next(self, stale: str) -> str:
        raise CloudFoundryError(
            "Cloud Foundry refused access_token: it has expired, was revoked, or is for another Cloud Foundry.",
            hint="'cf oauth-token' prints a fresh one; with user and password, or client_id and client_secret, "
            "tokens are renewed by themselves.",
            status=401,
        )


class PasswordGrant(TokenSource):
    def __init__(self, uaa: Uaa, user: str, password: str, origin: str | None = None) -> None:
        super().__init__()
        self._uaa = uaa
        self._user = user
        self._password = password
        self._origin = origin
        self._refresh = ""
        register_secrets((password,))

    def _first(self) -> str:
        query = {"login_hint": json.dumps({"origin": self._origin}, separators=(",", ":"))} if self._origin else None
        form = {"grant_type": "password", "username": self._user, "password": self._password}
        try:
            return self._keep(self._uaa.tokens(form, client=_CLI_CLIENT, query=query))
        except CloudFoundryError as exc:
            if exc.status not in (400, 401, 403):
                raise
            raise exc.while_doing(
                f"log in as {self._user}",
                hint="Check user, password and origin. An account with single sign-on has no password here: "
                "run 'cf login --sso' and leave user and password out, or use client_id and client_secret.",
            ) from exc

    def _next(self, stale: str) -> str:
        if self._refresh:
            form = {"grant_type": "refresh_token", "refresh_token": self._refresh}
            try:
                return self._keep(self._uaa.tokens(form, client=_CLI_CLIENT))
            except CloudFoundryError as exc:
                if exc.status not in (400, 401):
                    raise
                self._refresh = ""
        return self._first()

    def _keep(self, tokens: Tokens) -> str:
        self._refresh = tokens.refresh or self._refresh
        return tokens.access


class ClientCredentials(TokenSource):
    def __init__(self, uaa: Uaa, client_id: str, client_secret: str) -> None:
        super().__init__()
        self._uaa = uaa
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        register_secrets((client_secret,))

    def _first(self) -> str:
        try:
            return self._uaa.tokens(self._form).access
        except CloudFoundryError as exc:
            if exc.status not in (400, 401, 403):
                raise
            raise exc.while_doing(
                f"log in as the client {self._form['client_id']}",
                hint="Check client_id and client_secret, and that the client has the grant client_credentials.",
            ) from exc

    def _next(self, stale: str) -> str:
        return self._first()


class CliSession(TokenSource):
    """The session of C(cf login). A renewed token is written back, since the old refresh token may be void by then."""

    def __init__(self, uaa: Uaa, config: CliConfig, warn: Callable[[str], None]) -> None:
        super().__init__()
        self._uaa = uaa
        self._config = config
        self._warn = warn
        register_secrets((config.access_token, config.refresh_token))

    def _first(self) -> str:
        return self._config.access_token or self._next("")

    def _next(self, stale: str) -> str:
        with self._config.locked():
            self._config.reload()
            if self._config.access_token and self._config.access_token != stale:
                return self._config.access_token
            return self._renew()

    def _renew(self) -> str:
        client = self._config.oauth_client
        old = self._config.refresh_token
        if self._config.grant_type == "client_credentials":
            form = {"grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1]}
            basic = None
        else:
            form = {"grant_type": "refresh_token", "refresh_token": old}
            basic = client
        try:
            tokens = self._uaa.tokens(form, client=basic)
        except CloudFoundryError as exc:
            if exc.status not in (400, 401):
                raise
            raise exc.while_doing(
                f"renew the login of the cf command line ({self._config.path})",
                hint=f"It has expired or was revoked: run 'cf login -a {self._config.target}' "
                "(with --sso where that is how you log in).",
            ) from exc
        try:
            self._config.store_tokens(tokens.access, tokens.refresh or old)
        except OSError as exc:
            if tokens.refresh and tokens.refresh != old:
                self._warn(
                    f"The renewed login could not be written to {self._config.path} ({exc.strerror}); "
                    "the cf command line may ask you to log in again."
                )
        return tokens.access
