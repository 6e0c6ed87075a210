# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints: every way to write one, what is refused, and that no message ever repeats a secret."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import (
    Endpoint,
    parse_endpoint,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import EndpointError

SENTINEL = "s3ntinel"


def parsed(**options: Any) -> Endpoint:
    return parse_endpoint(options, "source")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://db.example", {"host": "db.example", "port": 6379, "tls": False, "username": None, "password": None}),
        ("redis://db.example:7000/", {"host": "db.example", "port": 7000}),
        ("redis://db.example:7000/0", {"host": "db.example", "port": 7000}),
        ("REDISS://db.example", {"host": "db.example", "tls": True}),
        ("valkey://user:SECRET@db.example", {"host": "db.example", "port": 6379, "tls": False, "username": "user"}),
        ("Valkeys://SECRET@db.example:1", {"username": None, "password": "SECRET", "port": 1, "tls": True}),
        ("rediss://SECRET@db.example:1", {"username": None, "password": "SECRET", "port": 1, "tls": True}),
        ("rediss://:SECRET@db.example", {"username": None, "password": "SECRET"}),
        ("redis://user:SECRET@db.example", {"username": "user", "password": "SECRET"}),
        ("redis://user:a:b@db.example", {"username": "user", "password": "a:b"}),
        ("redis://us%40er:p%2Fw%3A%25@db.example", {"username": "us@er", "password": "p/w:%"}),
        ("redis://p@ss@db.example", {"host": "db.example", "password": "p@ss"}),
        ("redis://p%C3%A4ss@db.example", {"password": "päss"}),
        ("redis://[::1]:7000", {"host": "::1", "port": 7000}),
        ("redis://u:p@[fe80::1]", {"host": "fe80::1", "port": 6379, "username": "u"}),
        ("unix:///run/redis.sock", {"unix_socket": "/run/redis.sock", "host": ""}),
        ("unix:///run/redis.sock?db=0", {"unix_socket": "/run/redis.sock"}),
        ("unix://SECRET@/run/re%20dis.sock", {"unix_socket": "/run/re dis.sock", "password": "SECRET"}),
        ("unix://user:SECRET@/run/redis.sock", {"username": "user", "password": "SECRET"}),
    ],
)
def test_urls(url: str, expected: dict[str, Any]) -> None:
    endpoint = parsed(url=url)
    assert {name: getattr(endpoint, name) for name in expected} == expected


def test_fields_win_over_the_same_part_of_the_url() -> None:
    endpoint = parsed(url="rediss://old@db.example:1", port=2, password="new", host="other.example")
    assert (endpoint.host, endpoint.port, endpoint.password, endpoint.tls) == ("other.example", 2, "new", True)


def test_empty_credentials_are_none() -> None:
    endpoint = parsed(host="h", username="", password="")
    assert (endpoint.username, endpoint.password, endpoint.user) == (None, None, "default")


def test_an_endpoint_shows_its_address_and_never_its_password() -> None:
    endpoint = parsed(url=f"redis://user:{SENTINEL}@[::1]:7000", backend={"host": "b", "password": SENTINEL})
    assert str(endpoint) == "source [::1]:7000"
    assert SENTINEL not in repr(endpoint)
    assert str(endpoint.backend) == "b:6379"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "neither a url nor a host|is missing"),
        ({"port": 1}, "neither a url nor a host"),
        ({"url": "db.example"}, "not a Redis URL"),
        ({"url": "http://db.example"}, "not a Redis URL"),
        ({"url": "redis:///0"}, "names no host"),
        ({"url": "redis://h/3"}, "logical database.*database_map"),
        ({"url": "redis://h/path"}, "path or a logical database"),
        ({"url": "redis://h?db=1"}, "query or fragment"),
        ({"url": "redis://h#x"}, "query or fragment"),
        ({"url": "redis://h:port"}, "port that is not a number"),
        ({"url": "redis://h:0"}, "port"),
        ({"url": "redis://h:65536"}, "port"),
        ({"url": "redis://[::1"}, "malformed"),
        ({"url": "redis://a%zz@h"}, "percent-encoded"),
        ({"url": "redis://a%2@h"}, "percent-encoded"),
        ({"url": "redis://a/b@h"}, "'@' behind the host.*percent-encoded"),
        ({"url": "unix://relative"}, "no absolute path"),
        ({"url": "unix:///s?db=3"}, "logical database"),
        ({"url": "unix:///s?x=3"}, "not understood"),
        ({"url": "unix:///s", "host": "h"}, "both a unix:// url and a host"),
        ({"url": "unix:///s", "tls": True}, "unix.*TLS"),
        ({"url": "rediss://h", "tls": False}, "rediss:// url and tls: false"),
        ({"host": "redis://h"}, "host.*url"),
        ({"host": "user:pw@h"}, "source.host is not a host.*url"),
        ({"host": "h", "port": 0}, "source.port is 0"),
        ({"host": "h", "port": "x"}, "source.port is not a number"),
        ({"host": "h", "timeout": 0}, "timeout must be above 0"),
        ({"host": "h", "colour": "red"}, "unknown fields: colour"),
        ({"host": "h", "username": "u"}, "a username but no password"),
        ({"host": "h", "ca_certs": "/ca"}, "'ca_certs' but does not use TLS"),
        ({"host": "h", "ca_cert_content": "x"}, "'ca_cert_content' but does not use TLS"),
        ({"host": "h", "server_name": "x"}, "'server_name' but does not use TLS"),
        ({"host": "h", "client_cert_file": "/c"}, "'client_cert_file' but does not use TLS"),
        ({"host": "h", "ca_fingerprints": ["ab" * 32]}, "'ca_fingerprints' but does not use TLS"),
        ({"url": "rediss://h", "ca_fingerprints": ["ab" * 31]}, "'(ab){31}', which is no SHA-256"),
        ({"url": "rediss://h", "ca_fingerprints": ["ab" * 32], "validate_certs": False}, "validate_certs: false"),
        ({"url": "rediss://h", "client_key_file": "/k"}, "client_key_file without a client_cert_file"),
        ({"host": "h", "backend": {"port": 1}}, "backend has no host"),
        ({"host": "h", "backend": {"host": "b", "port": 0}}, "source.backend.port is 0"),
        ({"host": "h", "backend": {"host": "b", "tls": True}}, "backend has unknown fields: tls"),
    ],
)
def test_what_is_refused_names_the_field(options: dict[str, Any], message: str) -> None:
    with pytest.raises(EndpointError, match=message) as raised:
        parsed(**options)
    assert "source" in str(raised.value)


def test_fingerprints_are_read_however_they_are_written() -> None:
    written = ["AB:cd" + ":00" * 30, " abcd" + "00" * 30, "AB CD" + " 00" * 30]
    assert parsed(url="rediss://h", ca_fingerprints=written).ca_fingerprints == ("AB:CD" + ":00" * 30,) * 3


def test_settings_of_tls_may_stand_beside_an_explicit_no() -> None:
    """One inventory for plain and TLS hosts: certificates set for all, `tls: false` for some."""
    assert not parsed(host="h", tls=False, ca_certs="/ca").tls


@given(st.text(min_size=1), st.text(min_size=1))
def test_encoded_credentials_are_read_as_they_were(username: str, password: str) -> None:
    url = f"rediss://{quote(username, safe='')}:{quote(password, safe='')}@db.example:1"
    endpoint = parsed(url=url)
    assert (endpoint.username, endpoint.password) == (username, password)
    assert parsed(url=f"redis://{quote(password, safe='')}@h").password == password


# Pieces out of which people, editors and templating make URLs.
_PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [SENTINEL, "redis", "rediss", "unix", "http", "://", ":", "/", "@", "?", "#", "[", "]", "%", "%40", "%zz"]
            + [
                "user",
                "host",
                "6379",
                "99999",
                "db=",
                "\\",
                " ",
                "\n",
                "\t",
                "\0",
                "ä",
                "::1",
                "{{",
                "'",
                '"',
                "=",
                "&",
                ";",
            ]
        ),
        st.text(max_size=3),
    ),
    max_size=12,
).map("".join)


def secrets_in(url: str) -> set[str]:
    """What of the text may be a secret: everything but the scheme and what a correct URL shows as its host."""
    shown: str | None = None
    with contextlib.suppress(EndpointError):
        endpoint = parsed(url=url)
        shown = endpoint.unix_socket or endpoint.host
    return set() if shown and SENTINEL in shown else {SENTINEL}


@given(
    _PIECES, st.sampled_from(["", "redis://", "rediss://", "unix://", f"redis://{SENTINEL}@", f"redis://:{SENTINEL}@"])
)
@example(f"{SENTINEL}/@host", "redis://")
@example(f"user:{SENTINEL}#@host", "rediss://")
@example(f":{SENTINEL}?x@host:1", "redis://")
@example(f"host:{SENTINEL}", "redis://")
@example(f"[{SENTINEL}]", "redis://")
@example(f"[{SENTINEL}", "redis://")
@example(f"{SENTINEL}@relative", "unix://")
@example(f"{SENTINEL}://host", "")
def test_no_message_about_a_url_repeats_a_secret(pieces: str, start: str) -> None:
    url = start + pieces
    try:
        endpoint = parsed(url=url)
    except EndpointError as exc:
        assert SENTINEL not in str(exc)
        assert SENTINEL not in repr(exc)
    else:
        if secrets_in(url):
            assert SENTINEL not in str(endpoint)
            assert SENTINEL not in repr(endpoint) or SENTINEL in (endpoint.username or "")


@pytest.mark.parametrize("url", ["redis://user:700071", "redis://h:700071", "redis://:700071@h:700071"])
def test_a_number_that_is_no_port_may_be_a_password(url: str) -> None:
    with pytest.raises(EndpointError) as raised:
        parsed(url=url)
    assert "700071" not in str(raised.value)


@given(
    st.dictionaries(
        st.sampled_from(["host", "password", "username", "port", "tls", "timeout", "server_name"]), st.text()
    )
)
def test_whatever_the_fields_hold_the_password_stays_unsaid(options: dict[str, Any]) -> None:
    options = {"host": "h", **options, "password": SENTINEL}
    options.pop("timeout", None)
    options["tls"] = bool(options.get("tls"))
    try:
        assert SENTINEL not in str(parsed(**options))
    except EndpointError as exc:
        assert SENTINEL not in str(exc)


def test_a_cluster_names_further_nodes() -> None:
    given = {"host": "n1", "port": 7000, "cluster": {"hosts": ["n2", "n3:7001", "[::1]:7002"]}}
    found = parse_endpoint(given, "source")
    assert (found.place, found.nodes) == ("n1:7000", (("n2", 7000), ("n3", 7001), ("::1", 7002)))
    assert parse_endpoint({"cluster": {"hosts": ["n2:7002", "n3"]}}, "source").place == "n2:7002"
    for senseless, said in (
        ({"host": "n1", "cluster": {"hosts": []}}, "no hosts"),
        ({"host": "n1", "cluster": {"host": "n2"}}, "unknown fields: host"),
        ({"host": "n1", "cluster": "n2"}, "no dictionary"),
        ({"url": "unix:///socket", "cluster": {"hosts": ["n2"]}}, "a cluster and a unix socket"),
        ({"sentinel": {"service_name": "x", "hosts": ["s"]}, "cluster": {"hosts": ["n2"]}}, "a cluster and a sentinel"),
    ):
        with pytest.raises(EndpointError, match=said):
            parse_endpoint(senseless, "source")
