# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service keys that say TLS, port or user in several places: TLS wherever any of them says so, contradictions named."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.credentials import (
    endpoint_from_credentials,
    secrets_in,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.errors import (
    CloudFoundryError,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint

PLAIN = {"host": "db.example", "port": 6379, "password": "s3cret"}
TLS = {**PLAIN, "tls": True}
ON_6380 = {**TLS, "port": 6380}
ME = {**PLAIN, "username": "me"}
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

# What a key says, and the endpoint that follows; no contradiction in any of them.
AGREEING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sslPort": ({**PLAIN, "sslPort": 6380}, ON_6380),
    "ssl_port": ({**PLAIN, "ssl_port": "6380"}, ON_6380),
    "tls_port": ({**PLAIN, "tls_port": 6380}, ON_6380),
    "tlsPort and nothing else": ({"host": "db.example", "password": "s3cret", "tlsPort": 6380}, ON_6380),
    "port_ssl": ({**PLAIN, "port-ssl": 6380}, ON_6380),
    "several that agree": ({**PLAIN, "tls_port": 6380, "sslPort": "6380"}, ON_6380),
    "in the section": ({"redis": {**PLAIN, "ssl_port": 6380}}, ON_6380),
    "beside the section": ({"redis": PLAIN, "ssl_port": 6380}, ON_6380),
    "an object for TLS": ({**PLAIN, "tls": {"port": 6380, "ca": PEM}}, {**ON_6380, "ca_cert_content": PEM}),
    "an object that says no": ({**PLAIN, "tls": {"enabled": False}}, {**PLAIN, "tls": False}),
    "a flag as text": ({**PLAIN, "useSsl": "true"}, TLS),
    "a flag as number": ({**PLAIN, "ssl_enabled": 1}, TLS),
    "a flag that requires": ({**PLAIN, "require_tls": "required"}, TLS),
    "a flag that says no": ({**PLAIN, "ssl": "false"}, {**PLAIN, "tls": False}),
    "a scheme": ({**PLAIN, "scheme": "rediss"}, TLS),
    "a protocol": ({**PLAIN, "protocol": "valkeys"}, TLS),
    "versions of TLS": ({**PLAIN, "tls_versions": ["tlsv1.2"]}, TLS),
    "no versions of TLS": ({**PLAIN, "tls_versions": []}, {**PLAIN, "tls": False}),
    "an unknown flag": ({**PLAIN, "enableNonSslPort": True}, {**PLAIN, "tls": False}),
    "valkeys URI beside host and port": ({**PLAIN, "uri": "valkeys://:s3cret@db.example:6379"}, TLS),
    "rediss URI in another field": ({**PLAIN, "connection_string": "rediss://:s3cret@db.example:6379"}, TLS),
    "rediss URI in a list": ({**PLAIN, "uris": ["rediss://:s3cret@db.example:6379"]}, TLS),
    "a reader's rediss URI": ({**PLAIN, "reader_endpoint": "rediss://:s3cret@reader.example:6379"}, TLS),
    "valkey URI alone": ({"uri": "valkey://:s3cret@db.example:6390"}, {**PLAIN, "port": 6390, "tls": False}),
    "valkeys URI alone": ({"uri": "VALKEYS://:s3cret@db.example:6390"}, {**TLS, "port": 6390}),
    "both URIs": (
        {"uri": "redis://:s3cret@db.example:6379", "tls_uri": "rediss://:s3cret@db.example:6380"},
        ON_6380,
    ),
    "both URIs and the plain port": (
        {**PLAIN, "uri": "redis://:s3cret@db.example:6379", "tls_port": 6380},
        ON_6380,
    ),
    "the user only in the URI": ({**TLS, "uri": "rediss://me:s3cret@db.example:6379"}, {**TLS, "username": "me"}),
    "an empty user": ({**ME, "username": "", "uri": "redis://me:s3cret@db.example"}, {**ME, "tls": False}),
    "a placeholder user": ({**ME, "username": "default", "uri": "redis://me:s3cret@db.example"}, {**ME, "tls": False}),
    "a placeholder user in the URI": ({**ME, "uri": "redis://default:s3cret@db.example"}, {**ME, "tls": False}),
    "a placeholder user in the section": ({"username": "me", "redis": {**PLAIN, "username": ""}}, {**ME, "tls": False}),
    "default and no other": ({**PLAIN, "username": "default"}, {**PLAIN, "username": "default", "tls": False}),
    "user": ({**PLAIN, "user": "me"}, {**ME, "tls": False}),
    "no password beside a URI with one": (
        {"host": "db.example", "port": 6379, "password": "", "uri": "redis://me:s3cret@db.example"},
        {**ME, "tls": False},
    ),
    "Sentinel's own": ({**PLAIN, "sentinel": {"tls_port": 26380, "tls": True}}, {**PLAIN, "tls": False}),
}

# What a key says, the endpoint that is used, and what is said about it: every field that takes part, by name.
RESOLVED: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "a flag against a URI": ({**PLAIN, "tls": False, "uri": "rediss://:s3cret@db.example:6379"}, TLS, ["tls", "uri"]),
    "a flag against a port": ({**PLAIN, "ssl": False, "sslPort": 6380}, ON_6380, ["ssl", "sslPort"]),
    "a flag against a certificate": ({**PLAIN, "tls": "no", "cacrt": PEM}, {**TLS, "ca_cert_content": PEM}, ["tls", "cacrt"]),
    "flags": ({**PLAIN, "tls": True, "ssl": False}, TLS, ["tls", "ssl"]),
    "URIs of one address": (
        {"uri": "redis://:s3cret@db.example:6379", "tls_uri": "rediss://:s3cret@db.example:6379"},
        TLS,
        ["tls_uri", "uri"],
    ),
    "a plain URI of the same address": ({**TLS, "uri": "redis://:s3cret@db.example:6379"}, TLS, ["tls", "uri"]),
    "the port of a TLS URI": ({**PLAIN, "uri": "rediss://:s3cret@db.example:6380"}, ON_6380, ["port", "uri"]),
    "a TLS port and that of the URI": (
        {**PLAIN, "tls_port": 6380, "uri": "rediss://:s3cret@db.example:6381"},
        ON_6380,
        ["tls_port", "uri"],
    ),
}  # fmt: skip

# No choice can be made for these: the fields that contradict each other.
UNRESOLVED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "two TLS ports": ({**PLAIN, "tls_port": 6380, "sslPort": 6381}, ["tls_port", "sslPort"]),
    "two users": ({**ME, "uri": "redis://you:s3cret@db.example:6379"}, ["username", "uri"]),
    "two logins": (
        {**PLAIN, "username": "default", "uri": "redis://me:other-s3cret@db.example:6379"},
        ["password", "uri"],
    ),
}


def mapped(credentials: dict[str, Any], query: str | None = None) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    endpoint = endpoint_from_credentials(credentials, query, said.append)
    parse_endpoint(endpoint, "source")
    assert "s3cret" not in " ".join(said)
    return endpoint, said


@pytest.mark.parametrize("shape", AGREEING)
def test_what_is_said_in_several_places(shape: str) -> None:
    credentials, expected = AGREEING[shape]
    assert mapped(credentials) == (expected, [])


@pytest.mark.parametrize("shape", RESOLVED)
def test_a_contradiction_about_tls_ends_with_tls_and_is_named(shape: str) -> None:
    credentials, expected, names = RESOLVED[shape]
    endpoint, said = mapped(credentials)
    assert endpoint == expected
    assert len(said) == 1
    assert all(f"'{name}'" in said[0] for name in names), said
    assert "endpoint_query" in said[0]


@pytest.mark.parametrize("shape", UNRESOLVED)
def test_a_contradiction_that_leaves_no_choice_is_an_error(shape: str) -> None:
    credentials, names = UNRESOLVED[shape]
    with pytest.raises(CloudFoundryError) as caught:
        endpoint_from_credentials(credentials)
    assert all(f"'{name}'" in str(caught.value) for name in names), caught.value
    assert "endpoint_query" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_query_that_leaves_tls_out_does_not_turn_it_off() -> None:
    key = {**PLAIN, "uri": "rediss://:s3cret@db.example:6379"}
    endpoint, said = mapped(key, "{host: host, port: port, password: password}")
    assert endpoint == TLS
    assert len(said) == 1
    assert "'uri'" in said[0]
    assert "tls: `false`" in said[0]
    assert mapped(key, "{host: host, port: port, password: password, tls: `false`}") == ({**PLAIN, "tls": False}, [])


def test_a_uri_is_a_secret_whatever_its_field_is_called() -> None:
    uri = "valkeys://me:s3cret@db.example"
    assert list(secrets_in({"connection_string": uri, "nodes": [uri], "host": "db.example"})) == [uri, uri]
