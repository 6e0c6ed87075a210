# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the JSON of a service key says about a Redis, as an endpoint dictionary. Pure: nothing is asked or stored."""

from __future__ import annotations

import importlib
import typing as t
from collections.abc import Callable, Iterator, Mapping

from .._connection.endpoint import parse_endpoint
from .._connection.url import is_url
from .._errors import EndpointError
from .errors import CloudFoundryError
from .key_fields import DECIDE, HOST, read_fields
from .key_sentinel import read_sentinel

# Texts under these names (or with them in the name) are secrets wherever they stand.
_SECRET_WORDS = ("password", "secret", "uri", "url", "token", "private")

_HINT = (
    "Say with endpoint_query (JMESPath) where things are, for example "
    '"{host: server.name, port: server.port, password: auth.secret, tls: `true`}".'
)


def unwrapped(credentials: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The credentials themselves, whether or not they come as C({"credentials": {...}})."""
    inner: t.Any = credentials
    while isinstance(inner, Mapping) and isinstance(inner.get("credentials"), Mapping) and _first(inner, HOST) is None:
        inner = inner["credentials"]
    return dict(inner)


def endpoint_from_credentials(
    credentials: Mapping[str, t.Any],
    query: str | None = None,
    warn: Callable[[str], None] | None = None,
    *,
    use_sentinel: bool = False,
) -> dict[str, t.Any]:
    """The endpoint dictionary (C(host), C(port), C(tls), and where known C(username), C(password),
    C(ca_cert_content)) of a service key.

    C(query) is a JMESPath expression over the unwrapped credentials that gives such a dictionary or a URL; without it
    the shapes of the known brokers are recognised. A key that gives an address gives that one, unless C(use_sentinel) asks
    for the Sentinels that it names too (C(sentinel) in place of C(host) and C(port)).

    C(warn) is told of fields that contradict each other. Raises
    CloudFoundryError, which names the fields that were there and no value.
    """
    document = unwrapped(credentials)
    endpoint, contradictions = _queried(document, query) if query else _recognised(document, use_sentinel)
    try:
        parse_endpoint(endpoint, "service key")
    except EndpointError as exc:
        raise CloudFoundryError(
            f"The service key gives no usable endpoint: {exc.message} Its fields are {described(document)}.",
            hint=_HINT,
        ) from exc
    if contradictions and warn is not None:
        warn(f"The service key contradicts itself: {'; '.join(contradictions)}. TLS is used. {DECIDE}")
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
            named = any(word in str(name).lower() for word in _SECRET_WORDS)
            if isinstance(value, str) and (named or is_url(value)):
                yield value
            else:
                yield from secrets_in(value)
    elif isinstance(document, (list, tuple)):
        for value in document:
            if isinstance(value, str) and is_url(value):
                yield value
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


def _queried(document: dict[str, t.Any], query: str) -> tuple[dict[str, t.Any], list[str]]:
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
        return {"url": result}, []
    if isinstance(result, dict):
        endpoint = {name: value for name, value in result.items() if value is not None}
        return _with_tls(document, endpoint)
    raise CloudFoundryError(
        f"endpoint_query finds {'nothing' if result is None else 'no dictionary and no URL'} in the service key, "
        f"whose fields are {described(document)}.",
        hint=_HINT,
    )


def _with_tls(document: dict[str, t.Any], endpoint: dict[str, t.Any]) -> tuple[dict[str, t.Any], list[str]]:
    """A query that says nothing of TLS does not turn it off."""
    if "tls" in endpoint or "url" in endpoint:
        return endpoint, []
    try:
        tls_by = read_fields(document).tls_by
    except CloudFoundryError:
        # The query is there to say what the fields leave open.
        return endpoint, []
    if not tls_by:
        return endpoint, []
    fields = ", ".join(repr(name) for name in tls_by)
    return {**endpoint, "tls": True}, [
        f"{fields} say TLS and endpoint_query says nothing of it (add tls: `true`, or tls: `false` for none)"
    ]


def _recognised(document: dict[str, t.Any], use_sentinel: bool) -> tuple[dict[str, t.Any], list[str]]:
    found = read_fields(document)
    sentinel = read_sentinel(document)
    if use_sentinel and sentinel is None:
        raise CloudFoundryError(
            f"The service key names no Sentinels: its fields are {described(document)}, and none of them says which they are"
            " and what they call the service.",
            hint="Leave out use_sentinel and prefer_replica, or say with endpoint_query (JMESPath) where they are, for example"
            ' "{sentinel: {service_name: sentinel.name, hosts: sentinel.nodes}, password: auth.secret}".',
        )
    if sentinel and (use_sentinel or not found.names_primary):
        endpoint = {name: value for name, value in found.endpoint.items() if name not in ("host", "port")}
        return {**endpoint, "sentinel": sentinel}, found.contradictions
    if not found.endpoint.get("host") or not found.endpoint.get("port"):
        raise CloudFoundryError(
            f"The service key is of an unknown shape: its fields are {described(document)}, and none of them "
            "says host and port of a Redis.",
            hint=_HINT,
        )
    return found.endpoint, found.contradictions


def _first(document: Mapping[str, t.Any], names: tuple[str, ...]) -> t.Any:
    return next((document[name] for name in names if document.get(name)), None)
