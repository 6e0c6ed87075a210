# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with Cloud Foundry from the options of a module, or of a tunnel's supervisor."""

from __future__ import annotations

import dataclasses
import typing as t
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .cli_config import CliConfig
from .discovery import discover, normal_api_url
from .errors import CloudFoundryError
from .http import HttpTransport
from .session import CloudFoundrySession
from .tokens import ClientCredentials, CliSession, GivenToken, PasswordGrant, TokenSource
from .uaa import Uaa

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class LoginOptions:
    """As in the documentation fragment C(cloud_foundry). A C(validate_certs) of None leaves it to the CLI's session."""

    api_url: str | None = None
    user: str | None = None
    password: str | None = dataclasses.field(default=None, repr=False)
    origin: str | None = None
    client_id: str | None = None
    client_secret: str | None = dataclasses.field(default=None, repr=False)
    access_token: str | None = dataclasses.field(default=None, repr=False)
    cf_home: str | None = None
    validate_certs: bool | None = None
    ca_certs: str | None = None

    @classmethod
    def from_params(cls, params: Mapping[str, t.Any]) -> LoginOptions:
        """An empty text counts as not given, as an unset variable of a pipeline becomes one."""
        names = [item.name for item in dataclasses.fields(cls)]
        return cls(**{name: params[name] for name in names if params.get(name) not in (None, "")})

    def as_dict(self) -> dict[str, t.Any]:
        """Secrets included."""
        return dataclasses.asdict(self)


def api_url_of(options: LoginOptions, config: CliConfig) -> str:
    """The API's address: as given, else the one the cf command line is pointed at."""
    if not options.api_url and not config.target:
        raise CloudFoundryError(
            "It is not known which Cloud Foundry is meant.",
            hint=f"Set api_url (or CF_API_URL), or log in with 'cf login'; {config.path} holds no session.",
        )
    return normal_api_url(options.api_url or config.target)


def connect(options: LoginOptions, warn: Callable[[str], None]) -> CloudFoundrySession:
    """Find the API and get ready to log in; the login itself happens with the first request."""
    config = CliConfig(options.cf_home)
    api_url = api_url_of(options, config)
    is_cli_target = bool(config.target) and normal_api_url(config.target) == api_url
    transport = HttpTransport(
        validate_certs=_validate_certs(options, config, is_cli_target, api_url, warn), ca_certs=options.ca_certs
    )
    parts = urllib.parse.urlsplit(api_url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        warn(f"{api_url} is not encrypted: the login and all credentials can be read on the way.")
    root = discover(transport, api_url)
    uaa = Uaa(transport, root)
    tokens = _token_source(options, config, is_cli_target, api_url, uaa, warn)
    return CloudFoundrySession(transport, root, uaa, tokens, warn)


def _validate_certs(
    options: LoginOptions, config: CliConfig, is_cli_target: bool, api_url: str, warn: Callable[[str], None]
) -> bool:
    if options.validate_certs is False:
        warn(f"The certificates of {api_url} are NOT verified, since validate_certs is false.")
        return False
    if options.validate_certs is None and is_cli_target and config.skips_certificates:
        warn(f"The certificates of {api_url} are NOT verified, since the cf command line was told to skip that.")
        return False
    return True


def _token_source(
    options: LoginOptions,
    config: CliConfig,
    is_cli_target: bool,
    api_url: str,
    uaa: Uaa,
    warn: Callable[[str], None],
) -> TokenSource:
    if options.access_token:
        return GivenToken(options.access_token)
    if options.client_id:
        return ClientCredentials(uaa, options.client_id, options.client_secret or "")
    if options.user:
        if not options.password:
            raise CloudFoundryError(
                f"There is no password for the Cloud Foundry user {options.user}.",
                hint="Set password (or CF_PASSWORD), or leave user out to use the session of 'cf login'.",
            )
        return PasswordGrant(uaa, options.user, options.password, options.origin)
    if config.logged_in and is_cli_target:
        return CliSession(uaa, config, warn)
    if config.logged_in:
        raise CloudFoundryError(
            f"The cf command line is logged in to {config.target}, not to {api_url}.",
            hint=f"Run 'cf login -a {api_url}', or give user and password, or client_id and client_secret.",
        )
    raise CloudFoundryError(
        f"There is no login for {api_url}: no access_token, client_id or user was given, "
        f"and {config.path} holds no session.",
        hint=f"Run 'cf login -a {api_url}', or set CF_USER and CF_PASSWORD, or CF_CLIENT_ID and CF_CLIENT_SECRET.",
    )
