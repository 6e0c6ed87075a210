# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Cloud Foundry says about itself at C(GET /): where its API, its login and its SSH proxy are."""

from __future__ import annotations

import time
import typing as t
import urllib.parse
from dataclasses import dataclass

from .._waiting import pauses
from .errors import CloudFoundryError
from .http import PASSING, HttpFailure, HttpTransport

_ATTEMPTS = 5


@dataclass(frozen=True)
class SshProxy:
    host: str
    port: int
    host_key_fingerprint: str
    oauth_client: str


@dataclass(frozen=True)
class CloudFoundryRoot:
    """The addresses carry no trailing slash. C(ssh) is None where the platform has no SSH proxy."""

    api_url: str
    login_url: str
    uaa_url: str
    ssh: SshProxy | None


def normal_api_url(url: str) -> str:
    """C(api.example.org/) and C(https://api.example.org) are the same API; raises CloudFoundryError on a bad one."""
    text = url.strip()
    if "://" not in text:
        text = f"https://{text}"
    text = text.rstrip("/")
    parts = urllib.parse.urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise CloudFoundryError(
            "api_url is not the address of an API.",
            hint="It looks like https://api.cf.example.org, without user or password.",
        )
    if parts.path == "/v3":
        text = text[: -len("/v3")]
    return text


def discover(transport: HttpTransport, api_url: str) -> CloudFoundryRoot:
    """Ask C(api_url) (already normal) for its links."""
    response = _get(transport, f"{api_url}/", api_url)
    try:
        links = response.json()["links"]
        if not isinstance(links, dict) or not links["cloud_controller_v3"]["href"]:
            raise ValueError("no API v3")
        login = _href(links, "login") or _href(links, "uaa")
        if not login:
            raise ValueError("no login")
    except (ValueError, KeyError, TypeError) as exc:
        kind = response.headers.get("content-type", "no content type").split(";")[0]
        raise CloudFoundryError(
            f"{api_url} answers, but not as a Cloud Foundry with API v3 (HTTP status {response.status}, {kind}).",
            hint="Give the API's own address as api_url; after 'cf login', 'cf api' prints it.",
            status=response.status,
        ) from exc
    return CloudFoundryRoot(
        api_url=api_url,
        login_url=login,
        uaa_url=_href(links, "uaa") or login,
        ssh=_ssh_proxy(links.get("app_ssh")),
    )


def _get(transport: HttpTransport, url: str, api_url: str) -> t.Any:
    delays = pauses(0.5)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            response = transport.send("GET", url, headers={"Accept": "application/json"})
        except HttpFailure as failure:
            if failure.lasting or attempt == _ATTEMPTS:
                raise
        else:
            if response.status in (301, 302, 307, 308):
                raise CloudFoundryError(
                    f"{api_url} redirects to {response.headers.get('location', 'elsewhere')}.",
                    hint="Give the address it redirects to as api_url.",
                    status=response.status,
                )
            if response.status not in PASSING or attempt == _ATTEMPTS:
                return response
        time.sleep(next(delays))
    raise AssertionError("unreachable")


def _href(links: dict[str, t.Any], name: str) -> str | None:
    link = links.get(name)
    href = link.get("href") if isinstance(link, dict) else None
    return href.rstrip("/") if isinstance(href, str) and href else None


def _ssh_proxy(link: t.Any) -> SshProxy | None:
    if not isinstance(link, dict) or not link.get("href"):
        return None
    meta = link.get("meta") or {}
    address = urllib.parse.urlsplit(f"//{link['href'].split('://')[-1]}")
    if not address.hostname:
        return None
    return SshProxy(
        host=address.hostname,
        port=address.port or 2222,
        host_key_fingerprint=str(meta.get("host_key_fingerprint") or ""),
        oauth_client=str(meta.get("oauth_client") or "ssh-proxy"),
    )
