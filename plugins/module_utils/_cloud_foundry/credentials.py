# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the JSON of a service key says about a Redis, as an endpoint dictionary. Pure: nothing is asked or stored."""

from __future__ import annotations

import importlib
import typing as t
from collections.abc import Iterator, Mapping

from .._connection.endpoint import parse_endpoint
from .._errors import EndpointError
from .errors import CloudFoundryError

# The names under which brokers give the same thing, best first.
_SECTIONS = ("redis", "valkey")
_HOST = ("host", "hostname")
_CA = ("cacrt", "ca_crt", "ca_cert", "cacert", "ca_certificate")
_URI = ("uri", "url", "redis_uri", "redis_url", "valkey_uri", "valkey_url")
_TLS_FLAGS = ("tls", "ssl", "tls_enabled", "ssl_enabled")

# Texts under these names (or with them in the name) are secrets wherever they stand.
_SECRET_WORDS = ("password", "secret", "uri", "url", "token", "private")

_HINT = (
    "Say with endpoint_query (JMESPath) where things are, for example "
    '"{host: server.name, port: server.port, password: auth.secret, tls: `true`}".'
)


def unwrapped(credentials: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The credentials themselves, whether or not they come as C({"credentials": {...}})."""
    inner: t.Any = credentials
    while isinstance(inner, Mapping) and isinstance(inner.get("credentials"), Mapping) and _first(inner, _HOST) is None:
        inner = inner["credentials"]
    return dict(inner)


def endpoint_from_credentials(credentials: Mapping[str, t.Any], query: str | None = None) -> dict[str, t.Any]:
    """The endpoint dictionary (C(host), C(port), C(tls), and where known C(username), C(password),
    C(ca_cert_content)) of a service key.

    C(query) is a JMESPath expression over the unwrapped credentials that gives such a dictionary or a URL; without it
    the shapes of the known brokers are recognised. Raises CloudFoundryError, which names the fields that were there
    and no value.
    """
    document = unwrapped(credentials)
    endpoint = _queried(document, query) if query else _recognised(document)
    try:
        parse_endpoint(endpoint, "service key")
    except EndpointError as exc:
        raise CloudFoundryError(
            f"The service key gives no usable endpoint: {exc.message} Its fields are {described(document)}.",
            hint=_HINT,
        ) from exc
    return endpoint


def described(document: Mapping[str, t.Any]) -> str:
    """The names of all fields with the kind of their value: C(host (text), redis.port (number))."""
    names = [f"{path} ({kind})" for path, kind in _fields(document)]
    if not names:
        return "none at all"
    shown = ", ".join(names[:40])
    return shown + (f" and {len(names) - 40} more" if len(names) > 40 else "")


def secrets_in(document: t.Any) -> Iterator[str]:
    """The texts in a service key that nobody else may read."""
    if isinstance(document, Mapping):
        for name, value in document.items():
            if isinstance(value, str) and any(word in str(name).lower() for word in _SECRET_WORDS):
                yield value
            else:
                yield from secrets_in(value)
    elif isinstance(document, (list, tuple)):
        for value in document:
            yield from secrets_in(value)


def _fields(value: t.Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for name in value:
            yield from _fields(value[name], f"{path}.{name}" if path else str(name))
    elif path:
        yield path, _kind(value)


def _kind(value: t.Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "text" if value else "empty text"
    return "list" if isinstance(value, (list, tuple)) else "object"


def _queried(document: dict[str, t.Any], query: str) -> dict[str, t.Any]:
    try:
        jmespath = importlib.import_module("jmespath")
    except ImportError as exc:
        raise CloudFoundryError(
            "endpoint_query needs the Python library jmespath, which is not there.",
            hint="Install it for the Python that runs the modules: pip install jmespath.",
        ) from exc
    try:
        result = jmespath.search(query, document)
    except jmespath.exceptions.JMESPathError as exc:
        # The library's message repeats values for type errors, so only its kind is told.
        raise CloudFoundryError(
            f'endpoint_query "{query}" cannot be evaluated ({type(exc).__name__}).',
            hint=f"The fields of the service key are {described(document)}.",
        ) from None
    if isinstance(result, str) and result:
        return {"url": result}
    if isinstance(result, dict):
        return {name: value for name, value in result.items() if value is not None}
    raise CloudFoundryError(
        f"endpoint_query finds {'nothing' if result is None else 'no dictionary and no URL'} in the service key, "
        f"whose fields are {described(document)}.",
        hint=_HINT,
    )


def _recognised(document: dict[str, t.Any]) -> dict[str, t.Any]:
    section: dict[str, t.Any] = next(
        (document[name] for name in _SECTIONS if isinstance(document.get(name), Mapping)), {}
    )
    # What stands in the section belongs to Redis itself (beside it there may be Sentinel's port and password).
    merged = {**document, **section}
    uri = _uri_fields(merged)
    tls_port = merged.get("tls_port") or None
    certificate = _first(merged, _CA)
    endpoint: dict[str, t.Any] = {
        "host": _host(merged) or uri.get("host"),
        "port": tls_port or merged.get("port") or uri.get("port"),
        "username": merged.get("username") or uri.get("username"),
        "password": merged.get("password") or uri.get("password"),
        "tls": bool(tls_port or certificate or uri.get("tls") or any(merged.get(flag) is True for flag in _TLS_FLAGS)),
    }
    if not endpoint["host"] or not (endpoint["port"] or uri):
        raise CloudFoundryError(
            f"The service key is of an unknown shape: its fields are {described(document)}, and none of them "
            "says host and port of a Redis.",
            hint=_HINT,
        )
    endpoint["port"] = _number(endpoint["port"])
    if isinstance(certificate, str):
        pem = certificate.replace("\\n", "\n") if "\n" not in certificate else certificate
        if "-----BEGIN CERTIFICATE-----" in pem:
            endpoint["ca_cert_content"] = pem if pem.endswith("\n") else pem + "\n"
    if endpoint["username"] and not endpoint["password"]:
        del endpoint["username"]
    return {name: value for name, value in endpoint.items() if value is not None}


def _first(document: Mapping[str, t.Any], names: tuple[str, ...]) -> t.Any:
    return next((document[name] for name in names if document.get(name)), None)


def _host(document: Mapping[str, t.Any]) -> str | None:
    host = _first(document, _HOST)
    if isinstance(host, str):
        return host
    hosts = host or document.get("hosts")
    if isinstance(hosts, (list, tuple)) and hosts and isinstance(hosts[0], str):
        return hosts[0]
    return None


def _number(port: t.Any) -> t.Any:
    return int(port) if isinstance(port, str) and port.isdecimal() else port


def _uri_fields(document: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Host, port, credentials and TLS of the key's URI; empty when it has none or one that is not a Redis's."""
    uris = document.get("uris")
    uri = _first(document, _URI) or (uris[0] if isinstance(uris, (list, tuple)) and uris else None)
    if not isinstance(uri, str) or not uri.lower().startswith(("redis://", "rediss://")):
        return {}
    try:
        endpoint = parse_endpoint({"url": _without_database(uri)}, "service key")
    except EndpointError as exc:
        if _first(document, _HOST):
            return {"tls": uri.lower().startswith("rediss://")}
        raise CloudFoundryError(f"The URI in the service key cannot be used: {exc.message}", hint=_HINT) from exc
    return {
        "host": endpoint.host,
        "port": endpoint.port,
        "username": endpoint.username,
        "password": endpoint.password,
        "tls": endpoint.tls,
    }


def _without_database(uri: str) -> str:
    """Brokers append a database number or driver settings, which are nothing to us."""
    scheme, _separator, rest = uri.partition("://")
    userinfo, at, location = rest.rpartition("@")
    for mark in "/?#":
        location = location.partition(mark)[0]
    return f"{scheme}://{userinfo}{at}{location}"
