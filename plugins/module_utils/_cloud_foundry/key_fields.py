# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fields of a service key say about one Redis, where several say it: brokers name TLS, port and user twice.

TLS is used wherever any field says TLS, so that no password goes out in the clear because another field forgot it.
Names are compared without case, C(_) and C(-): C(sslPort) is C(ssl_port).
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .._connection.address import DEFAULT_PORT
from .._connection.endpoint import parse_endpoint
from .._connection.url import TLS_SCHEMES, is_tls_url, is_url
from .._errors import EndpointError
from .errors import CloudFoundryError

# The names under which brokers give the same thing, best first.
_SECTIONS = ("redis", "valkey")
HOST = ("host", "hostname")
_USER = ("username", "user")
_CA = ("cacrt", "cacert", "cacertificate", "ca")
_URI = (
    "uri", "url", "redisuri", "redisurl", "valkeyuri", "valkeyurl", "tlsuri", "tlsurl", "ssluri", "sslurl",
    "connectionstring", "connectionuri", "connectionurl", "uris", "urls",
)  # fmt: skip
_TLS = ("tls", "ssl")
_TLS_PORT = ("tlsport", "sslport", "porttls", "portssl", "secureport")
_TLS_FLAG = (
    *_TLS, "tlsenabled", "sslenabled", "usetls", "usessl", "enabletls", "enablessl", "requiretls", "requiressl",
    "tlsrequired", "sslrequired", "tlsversions", "sslversions",
)  # fmt: skip
_SCHEME = ("scheme", "protocol")
_SCHEMES_WITH_TLS = (*TLS_SCHEMES, "tls", "ssl")

_NO = frozenset({"false", "no", "off", "0", "disabled", "none", "null"})
# A user that every server has; a key that names another one as well means that one.
_PLACEHOLDERS = ("", "default")

DECIDE = "Say with endpoint_query (JMESPath) what is right."


@dataclass
class KeyFields:
    """The endpoint of a key, and what its fields contradict each other in. C(tls_by) are the fields that say TLS.

    C(names_primary): whether it has an address that is more than one of several servers.
    """

    endpoint: dict[str, t.Any]
    tls_by: list[str]
    contradictions: list[str]
    names_primary: bool


@dataclass(frozen=True)
class _Uri:
    """C(endpoint) is empty where the URI is malformed; its scheme counts all the same."""

    name: str
    tls: bool
    text: str = field(repr=False)
    endpoint: dict[str, t.Any] = field(repr=False)


def read_fields(document: Mapping[str, t.Any]) -> KeyFields:
    """Host, port, C(tls) and where known user, password and CA, as far as they are said; raises CloudFoundryError
    where the fields contradict each other and there is no safe choice."""
    fields = _Fields(document)
    uris = list(fields.uris())
    tls_by, not_tls = fields.tls()
    tls_by += [uri.name for uri in fields.tls_uris() if uri.name not in tls_by]
    tls = bool(tls_by)
    contradictions = []
    uri = next((one for one in uris if one.tls and one.endpoint), None) or next(
        (one for one in uris if one.endpoint), None
    )
    tls_ports = fields.numbers(_TLS_PORT)
    if len({number for _name, number in tls_ports}) > 1:
        raise CloudFoundryError(
            f"The service key names different ports for TLS in {_quoted(name for name, _number in tls_ports)}.",
            hint=DECIDE,
        )
    plain_ports = fields.numbers(("port",))
    said = uri.endpoint if uri else {}
    host = fields.host() or said.get("host")
    ports = tls_ports or plain_ports
    port: t.Any = ports[0][1] if ports else said.get("port")
    if uri and uri.tls and ports and port != said["port"]:
        contradictions.append(f"{ports[0][0]!r} and {uri.name!r} name different ports")
        if not tls_ports:
            host, port = said["host"], said["port"]
    if tls and not_tls:
        contradictions.append(f"{_quoted(tls_by)} say TLS and {_quoted(not_tls)} no TLS")
    elif tls:
        plain = [one.name for one in uris if not one.tls and one.endpoint and _same(one.endpoint, host, port)]
        if plain:
            contradictions.append(f"{_quoted(tls_by)} say TLS for the address that {_quoted(plain)} names without")
    user, password = _login(fields, uris)
    endpoint = {
        "host": host,
        "port": port,
        "username": user if password else None,
        "password": password,
        "tls": tls,
        "ca_cert_content": fields.certificate(),
    }
    known = {name: value for name, value in endpoint.items() if value is not None}
    names_primary = bool(host and port) and (bool(said.get("host")) or fields.one_host())
    return KeyFields(known, tls_by, contradictions, names_primary)


def _login(fields: _Fields, uris: list[_Uri]) -> tuple[str | None, str | None]:
    """User and password, which must be of one login."""
    users = [(name, str(value)) for name, value in fields.all(_USER)]
    passwords = [(name, str(value)) for name, value in fields.all(("password",))]
    real = next((one for one in users if one[1].lower() not in _PLACEHOLDERS), None)
    password = passwords[0] if passwords else None
    for uri in uris:
        user = uri.endpoint.get("username") or ""
        secret = uri.endpoint.get("password")
        if user.lower() in _PLACEHOLDERS:
            continue
        # Brokers that forget to encode the password in the URI mean the one in the field.
        same = password is None or secret in (None, password[1]) or f":{password[1]}@" in uri.text
        if real is None and password is not None and not same:
            raise CloudFoundryError(
                f"The service key has two logins: {password[0]!r} is not the password of the user in {uri.name!r}.",
                hint=DECIDE,
            )
        if real is not None and real[1] != user:
            raise CloudFoundryError(
                f"The service key names different users in {real[0]!r} and {uri.name!r}.", hint=DECIDE
            )
        real = real or (uri.name, user)
    secrets = [uri.endpoint["password"] for uri in uris if uri.endpoint.get("password")]
    chosen = password[1] if password else next(iter(secrets), None)
    if real is None:
        named = [*(value for _name, value in users), *(uri.endpoint.get("username") for uri in uris)]
        return next((user for user in named if user), None), chosen
    return real[1], chosen


class _Fields:
    """The fields that speak of Redis itself: those of its section, then those beside it (not Sentinel's)."""

    def __init__(self, document: Mapping[str, t.Any]) -> None:
        section: Mapping[str, t.Any] = next(
            (document[name] for name in _SECTIONS if isinstance(document.get(name), Mapping)), {}
        )
        self._fields = [
            (str(name), _plain(name), value)
            for part in (section, document)
            for name, value in part.items()
            if value not in (None, "") and "sentinel" not in _plain(name)
        ]

    def all(self, names: tuple[str, ...]) -> list[tuple[str, t.Any]]:
        """Each field of these names with its value, the best name first."""
        return [(name, value) for wanted in names for name, plain, value in self._fields if plain == wanted]

    def host(self) -> str | None:
        for _name, value in self.all((*HOST, "hosts")):
            first = value[0] if isinstance(value, (list, tuple)) and value else value
            if isinstance(first, str):
                return first
        return None

    def one_host(self) -> bool:
        """Whether a field names one host, not the first of several."""
        several = [
            value for _name, value in self.all(("hosts",)) if isinstance(value, (list, tuple)) and len(value) > 1
        ]
        return bool(self.all(HOST)) or not several

    def numbers(self, names: tuple[str, ...]) -> list[tuple[str, t.Any]]:
        found = [*self.all(names)]
        if names == _TLS_PORT:
            found += [(f"{name}.port", value["port"]) for name, value in self._tls_objects() if value.get("port")]
        return [
            (name, int(value) if isinstance(value, str) and value.isdecimal() else value)
            for name, value in found
            if value not in (0, "0") and not isinstance(value, bool)
        ]

    def certificate(self) -> str | None:
        for _name, value in self._certificates():
            pem = value.replace("\\n", "\n") if "\n" not in value else value
            if "-----BEGIN CERTIFICATE-----" in pem:
                return pem if pem.endswith("\n") else pem + "\n"
        return None

    def tls(self) -> tuple[list[str], list[str]]:
        """The fields that say TLS, and those that say none."""
        yes = [name for name, _number in self.numbers(_TLS_PORT)]
        no: list[str] = []
        for name, value in self.all(_TLS_FLAG):
            if isinstance(value, Mapping):
                value = value.get("enabled", True)
            # What is no yes or no, such as versions or a certificate, is only there where TLS is.
            refused = str(value).strip().lower() in _NO
            if not (isinstance(value, (list, tuple)) and not value):
                (no if refused else yes).append(name)
        yes += [name for name, value in self.all(_SCHEME) if str(value).lower().partition(":")[0] in _SCHEMES_WITH_TLS]
        yes += [name for name, _value in self._certificates()]
        return list(dict.fromkeys(yes)), no

    def uris(self) -> Iterator[_Uri]:
        """The URIs of Redis, the best name first."""
        for name, value in self.all(_URI):
            for text in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(text, str) and is_url(text):
                    yield _Uri(name, is_tls_url(text), text, _taken_apart(text))

    def tls_uris(self) -> Iterator[_Uri]:
        """Every URI with TLS, whatever its field is called and whether or not it can be read."""
        for name, _plain_name, value in self._fields:
            for text in value if isinstance(value, (list, tuple)) else [value]:
                if isinstance(text, str) and is_tls_url(text):
                    yield _Uri(name, True, text, {})

    def _certificates(self) -> list[tuple[str, str]]:
        found = [*self.all(_CA)]
        for name, value in self._tls_objects():
            found += [(f"{name}.{key}", text) for key, text in value.items() if _plain(key) in _CA and text]
        return [(name, value) for name, value in found if isinstance(value, str)]

    def _tls_objects(self) -> list[tuple[str, Mapping[str, t.Any]]]:
        return [
            (name, value)
            for name, value in self.all(_TLS)
            if isinstance(value, Mapping) and str(value.get("enabled", True)).lower() not in _NO
        ]


def _plain(name: t.Any) -> str:
    return "".join(letter for letter in str(name).lower() if letter.isalnum())


def _quoted(names: t.Iterable[str]) -> str:
    return ", ".join(repr(name) for name in dict.fromkeys(names))


def _same(endpoint: Mapping[str, t.Any], host: t.Any, port: t.Any) -> bool:
    return (endpoint["host"], endpoint["port"]) == (host, port or DEFAULT_PORT)


def _taken_apart(uri: str) -> dict[str, t.Any]:
    """Host, port and login of a URI; brokers append a database number or driver settings, which are nothing to us."""
    scheme, _separator, rest = uri.partition("://")
    userinfo, at, location = rest.rpartition("@")
    for mark in "/?#":
        location = location.partition(mark)[0]
    try:
        endpoint = parse_endpoint({"url": f"{scheme}://{userinfo}{at}{location}"}, "service key")
    except EndpointError:
        return {}
    return {
        "host": endpoint.host,
        "port": endpoint.port,
        "username": endpoint.username,
        "password": endpoint.password,
    }
