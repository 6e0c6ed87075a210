# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The URL of a Redis. No message repeats any part of it but the scheme."""

from __future__ import annotations

import typing as t
from urllib.parse import parse_qsl, unquote, urlsplit

from .._errors import EndpointError
from .address import DEFAULT_PORT, ENCODE, split_location

# Valkey's own names for the same two.
_PLAIN_SCHEMES = ("redis", "valkey")
TLS_SCHEMES = ("rediss", "valkeys")
_SCHEMES = (*_PLAIN_SCHEMES, *TLS_SCHEMES, "unix")


def is_url(text: str) -> bool:
    """Whether C(text) is the URL of a Redis that is reached by its address."""
    return "://" in text and scheme_of(text) in (*_PLAIN_SCHEMES, *TLS_SCHEMES)


def is_tls_url(text: str) -> bool:
    return "://" in text and scheme_of(text) in TLS_SCHEMES


def scheme_of(url: str) -> str:
    return url.strip().partition("://")[0].lower()


def parse_url(url: str, role: str) -> dict[str, t.Any]:
    """The fields in a URL of a Redis. No message repeats any part of it but the scheme."""
    name = f"{role}.url"
    scheme, found, rest = url.strip().partition("://")
    scheme = scheme.lower()
    if not found or scheme not in _SCHEMES:
        raise EndpointError(
            f"{name} is not a Redis URL.",
            hint="It starts with redis:// or valkey://, with rediss:// or valkeys:// (TLS), or with unix://, "
            "and names a host.",
        )
    try:
        parts = urlsplit(f"{scheme}://{rest}")
    except ValueError:
        raise EndpointError(f"{name} is malformed.", hint=ENCODE) from None
    if scheme == "unix":
        return _parse_unix(rest, name)
    userinfo, _at, location = parts.netloc.rpartition("@")
    if "@" in parts.path + parts.query + parts.fragment:
        raise EndpointError(f"{name} is malformed: there is an '@' behind the host.", hint=ENCODE)
    if parts.query or parts.fragment:
        raise EndpointError(
            f"{name} has a query or fragment (behind '?' or '#'), which is not understood here.",
            hint=f"Give such settings as fields of '{role}'. {ENCODE}",
        )
    if parts.path.strip("/") not in ("", "0"):
        raise EndpointError(
            f"{name} names a path or a logical database behind the host.",
            hint=f"Choose logical databases with 'databases' and 'database_map'. {ENCODE}",
        )
    fields = _parse_userinfo(userinfo, name)
    host, port = split_location(location, name, DEFAULT_PORT)
    fields.update(host=host, port=port, tls=scheme in TLS_SCHEMES)
    return fields


def _parse_userinfo(userinfo: str, name: str) -> dict[str, t.Any]:
    if not userinfo:
        return {}
    # As in redis-cli: without a colon it is the password, and so is what stands behind a leading colon.
    username, colon, password = userinfo.partition(":")
    if not colon:
        username, password = "", userinfo
    for part in (username, password):
        if "%" in part and any(
            len(code) < 2 or any(c not in "0123456789abcdefABCDEF" for c in code[:2]) for code in part.split("%")[1:]
        ):
            raise EndpointError(f"{name} has a '%' in its user name or password that starts no %NN code.", hint=ENCODE)
    return {"username": unquote(username) or None, "password": unquote(password) or None}


def _parse_unix(rest: str, name: str) -> dict[str, t.Any]:
    path, _mark, query = rest.partition("?")
    userinfo, _at, path = path.rpartition("@")
    if not path.startswith("/"):
        raise EndpointError(f"{name} names no absolute path.", hint="Write it as unix:///path/to/redis.sock.")
    settings = dict(parse_qsl(query, keep_blank_values=True))
    if settings.pop("db", "0") != "0":
        raise EndpointError(f"{name} names a logical database.", hint="Use 'databases' and 'database_map'.")
    if settings:
        raise EndpointError(f"{name} has settings behind '?' that are not understood here.")
    return {**_parse_userinfo(userinfo, name), "unix_socket": unquote(path)}
