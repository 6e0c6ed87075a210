# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service key JSON of every known broker, and of unknown ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.credentials import (
    described,
    endpoint_from_credentials,
    secrets_in,
    unwrapped,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.errors import (
    CloudFoundryError,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
BACKEND = "red297348-master.service.dc1.a9ssvc"

A9S_6 = {"host": BACKEND, "hosts": ["a", "b", "c"], "password": "s3cret", "port": 6379, "cacrt": PEM}
A9S_7 = {
    "host": BACKEND,
    "hosts": ["a", "b", "c"],
    "load_balanced_host": "lb.service.dc1.a9ssvc",
    "redis": {"username": "a9s-user", "password": "s3cret", "port": 6379},
    "sentinel": {"master_name": "m", "password": "other", "port": 26379, "username": "watcher"},
    "cacrt": PEM,
}
EXPOSED = {
    "host": "red140220-master-1.data.eu01.onstackit.cloud",
    "hosts": ["red140220-master-1.data.eu01.onstackit.cloud"],
    "username": "a9s-user",
    "password": "s3cret",
    "port": 49620,
    "uri": "rediss://a9s-user:s3cret@red140220-master-1.data.eu01.onstackit.cloud:49620",
}

KNOWN = {
    "a9s Redis 6": (
        A9S_6,
        {"host": BACKEND, "port": 6379, "password": "s3cret", "tls": True, "ca_cert_content": PEM},
    ),
    "a9s Redis 6 without TLS": (
        {"host": BACKEND, "hosts": [BACKEND], "password": "s3cret", "port": 6379},
        {"host": BACKEND, "port": 6379, "password": "s3cret", "tls": False},
    ),
    "a9s Redis 7": (
        A9S_7,
        {
            "host": BACKEND,
            "port": 6379,
            "username": "a9s-user",
            "password": "s3cret",
            "tls": True,
            "ca_cert_content": PEM,
        },
    ),
    "a9s KeyValue": (
        {"host": BACKEND, "valkey": A9S_7["redis"], "sentinel": A9S_7["sentinel"], "cacrt": PEM},
        {
            "host": BACKEND,
            "port": 6379,
            "username": "a9s-user",
            "password": "s3cret",
            "tls": True,
            "ca_cert_content": PEM,
        },
    ),
    "a9s exposed": (
        EXPOSED,
        {"host": EXPOSED["host"], "port": 49620, "username": "a9s-user", "password": "s3cret", "tls": True},
    ),
    "Tanzu with TLS beside plain": (
        {"host": "q-s0.tanzu", "password": "s3cret", "port": 6379, "tls_port": 16379, "tls_versions": ["tlsv1.2"]},
        {"host": "q-s0.tanzu", "port": 16379, "password": "s3cret", "tls": True},
    ),
    "Tanzu with TLS only": (
        {"host": "q-s0.tanzu", "password": "s3cret", "port": 0, "tls_port": 16379, "tls_versions": ["tlsv1.2"]},
        {"host": "q-s0.tanzu", "port": 16379, "password": "s3cret", "tls": True},
    ),
    "Tanzu plain": (
        {"host": "q-s0.tanzu", "password": "s3cret", "port": 6379},
        {"host": "q-s0.tanzu", "port": 6379, "password": "s3cret", "tls": False},
    ),
    "csb with hostname": (
        {"name": "csb-redis-1", "hostname": "csb.cache.example", "password": "s3cret", "tls_port": 6380},
        {"host": "csb.cache.example", "port": 6380, "password": "s3cret", "tls": True},
    ),
    "csb with host": (
        {"host": "csb.cache.example", "password": "s3cret", "tls_port": 6380, "port": 6379},
        {"host": "csb.cache.example", "port": 6380, "password": "s3cret", "tls": True},
    ),
    "uri with user": (
        {"uri": "rediss://me:p%40ss%2Fword@db.example:6390"},
        {"host": "db.example", "port": 6390, "username": "me", "password": "p@ss/word", "tls": True},
    ),
    "uri with an empty user": (
        {"uri": "redis://:s3cret@db.example:6390"},
        {"host": "db.example", "port": 6390, "password": "s3cret", "tls": False},
    ),
    "uri with a database and settings": (
        {"uri": "redis://:s3cret@db.example:6390/0?timeout=5"},
        {"host": "db.example", "port": 6390, "password": "s3cret", "tls": False},
    ),
    "uri without a port": (
        {"uri": "rediss://:s3cret@db.example"},
        {"host": "db.example", "port": 6379, "password": "s3cret", "tls": True},
    ),
    "url under its other name": (
        {"url": "rediss://:s3cret@db.example:1"},
        {"host": "db.example", "port": 1, "password": "s3cret", "tls": True},
    ),
    "port as text": (
        {"hostname": "db.example", "port": "6379", "password": "s3cret"},
        {"host": "db.example", "port": 6379, "password": "s3cret", "tls": False},
    ),
    "hosts only": (
        {"hosts": ["n1.example", "n2.example"], "port": 6379, "password": "s3cret"},
        {"host": "n1.example", "port": 6379, "password": "s3cret", "tls": False},
    ),
    "certificate with escaped line ends": (
        {**A9S_6, "cacrt": PEM.replace("\n", "\\n")},
        {"host": BACKEND, "port": 6379, "password": "s3cret", "tls": True, "ca_cert_content": PEM},
    ),
    "flag for TLS": (
        {"host": "db.example", "port": 6379, "password": "s3cret", "ssl": True},
        {"host": "db.example", "port": 6379, "password": "s3cret", "tls": True},
    ),
    "fields beside a malformed uri": (
        {"host": "db.example", "port": 6379, "password": "p@ss", "uri": "rediss://:p@ss@db.example:6379"},
        {"host": "db.example", "port": 6379, "password": "p@ss", "tls": True},
    ),
}


A9S_SENTINEL = {
    "service_name": "m",
    "hosts": ["a:26379", "b:26379", "c:26379"],
    "username": "watcher",
    "password": "other",
}
A9S_SERVER = {"username": "a9s-user", "password": "s3cret", "tls": True, "ca_cert_content": PEM}


def test_the_sentinels_of_a_key_are_taken_where_they_are_asked_for() -> None:
    assert endpoint_from_credentials(A9S_7, use_sentinel=True) == {**A9S_SERVER, "sentinel": A9S_SENTINEL}
    # A9s Redis 6 names a host of its own and no Sentinels.
    with pytest.raises(CloudFoundryError, match=r"names no Sentinels.*use_sentinel") as raised:
        endpoint_from_credentials(A9S_6, use_sentinel=True)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("left_out", "by_sentinel"),
    [((), False), (("host", "hosts", "load_balanced_host"), False), (("host", "load_balanced_host"), True)],
    ids=["with a host", "without any", "with several hosts only"],
)
def test_a_key_without_an_address_of_the_primary_gives_its_sentinels(left_out: Any, by_sentinel: bool) -> None:
    """The first of several hosts is not known to be the primary; without any host nobody knows where Sentinels are."""
    key = {name: value for name, value in A9S_7.items() if name not in left_out}
    if "hosts" in left_out:
        with pytest.raises(CloudFoundryError):
            endpoint_from_credentials(key)
        key["sentinel"] = {**A9S_7["sentinel"], "hosts": ["a", {"host": "b", "port": 26380}]}
        assert endpoint_from_credentials(key)["sentinel"]["hosts"] == ["a:26379", "b:26380"]
        return
    assert ("sentinel" in endpoint_from_credentials(key)) is by_sentinel


@pytest.mark.parametrize(
    ("key", "sentinel"),
    [
        (
            {"sentinel_hosts": "s1,s2:26380", "sentinel_master_name": "m", "sentinel_password": "x", "password": "y"},
            {"service_name": "m", "hosts": ["s1:26379", "s2:26380"], "password": "x"},
        ),
        (
            {"sentinels": [{"ip": "10.0.0.1", "port": 1}, {"ip": "::1"}], "masterName": "m", "password": "y"},
            {"service_name": "m", "hosts": ["10.0.0.1:1", "[::1]:26379"]},
        ),
        (
            {"redis": {"password": "y", "sentinel": {"master_set": "m", "nodes": ["s1"], "tls": False}}},
            {"service_name": "m", "hosts": ["s1:26379"], "tls": False},
        ),
    ],
)
def test_other_brokers_name_sentinels_in_other_fields(key: dict[str, Any], sentinel: dict[str, Any]) -> None:
    found = endpoint_from_credentials(key)
    assert found == {"password": "y", "tls": False, "sentinel": sentinel}


@pytest.mark.parametrize("shape", KNOWN)
@pytest.mark.parametrize("wrapped", [False, True], ids=["as v7 prints it", "as v8 prints it"])
def test_known_shapes(shape: str, wrapped: bool) -> None:
    credentials, expected = KNOWN[shape]
    given = {"credentials": credentials} if wrapped else credentials
    assert endpoint_from_credentials(given) == expected
    parse_endpoint(expected, "source")


def test_a_field_named_credentials_in_a_key_is_no_wrapping() -> None:
    key = {"host": "db.example", "port": 1, "credentials": {"host": "other", "port": 2}}
    assert unwrapped(key) == key
    assert endpoint_from_credentials(key)["host"] == "db.example"


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"api_key": "s3cret-value", "dashboard": "https://s3cret-value.example"},
        {"node": {"address": "s3cret-value", "auth": {"password": "s3cret-value"}}, "list": ["s3cret-value"]},
        {"host": "", "port": 6379, "password": "s3cret-value"},
        {"host": "s3cret-value", "password": "s3cret-value"},
        {"uri": "amqp://user:s3cret-value@host:5672"},
        {"uri": "redis://user:s3cret%value@host:6379"},
        {"host": "s3cret-value", "port": "s3cret-value"},
    ],
)
def test_unknown_shapes_name_the_fields_and_no_value(credentials: dict[str, object]) -> None:
    with pytest.raises(CloudFoundryError) as caught:
        endpoint_from_credentials(credentials)
    text = str(caught.value)
    assert "s3cret" not in text
    assert "endpoint_query" in text
    if "uri" not in credentials:
        assert all(name in text for name in credentials)


def test_nested_fields_are_named_with_their_path_and_kind() -> None:
    document = {"a": {"b": 1, "c": "x", "d": ""}, "e": None, "f": True, "g": [], "h": {}}
    assert described(document) == (
        "a.b (number), a.c (text), a.d (empty text), e (null), f (true or false), g (list), h (object)"
    )


QUERIES = {
    "fields": (
        "{host: node.address, port: node.port, password: auth.secret, username: auth.nobody, tls: `true`}",
        {"host": "db.example", "port": 6380, "password": "s3cret", "tls": True},
    ),
    "url": ("urls[0]", {"url": "rediss://s3cret@db.example:6380"}),
}
ODD = {
    "node": {"address": "db.example", "port": 6380},
    "auth": {"secret": "s3cret"},
    "urls": ["rediss://s3cret@db.example:6380"],
}


@pytest.mark.parametrize("kind", QUERIES)
def test_endpoint_query(kind: str) -> None:
    query, expected = QUERIES[kind]
    assert endpoint_from_credentials({"credentials": ODD}, query) == expected


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("nothing.there", "finds nothing"),
        ("node.port", "no dictionary and no URL"),
        ("{host: ", "cannot be evaluated (IncompleteExpressionError)"),
        ("sum(auth.secret)", "cannot be evaluated (JMESPathTypeError)"),
        ("{port: node.port}", "neither a url nor a host"),
        ("{host: node.address, prot: node.port}", "unknown fields: prot"),
        ("{host: node.address, port: auth.secret}", "not a number"),
    ],
)
def test_endpoint_query_errors(query: str, message: str) -> None:
    with pytest.raises(CloudFoundryError) as caught:
        endpoint_from_credentials(ODD, query)
    assert message in str(caught.value)
    assert "node.address (text)" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_secrets_are_found_wherever_they_stand() -> None:
    found = set(secrets_in({**A9S_7, "uri": "redis://x", "extra": [{"api_token": "t0ken"}], "port": 1}))
    assert found == {"s3cret", "other", "redis://x", "t0ken"}


def test_the_endpoint_is_plain_json() -> None:
    assert json.loads(json.dumps(endpoint_from_credentials(A9S_7))) == endpoint_from_credentials(A9S_7)
