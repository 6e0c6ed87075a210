# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way in: TLS with a private CA, client certificates, names, users, passwords, URLs and unix sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.certs import Authority
from tests.support.engine import moved
from tests.support.oracle import compare, report
from tests.support.servers import HOST, RedisServer, tls_servers
from tests.support.tls_frontend import TlsFrontend

Frontends = Callable[..., TlsFrontend]


def moves_everything(source: RedisServer, target: RedisServer, ends: tuple[Any, Any], **options: Any) -> None:
    filled = dataset.fill(source.client, databases=(0, 3))
    assert moved(engine.migrate(*ends, **options)) == {"scanned": filled.total, "copied": filled.total}
    found = compare(source, target)
    assert not found, report(found)
    assert engine.diff(*ends)["identical"]
    assert not engine.migrate(*ends, **options)["changed"]


@pytest.mark.parametrize("trust", ["file", "text", "text with escaped line ends", "both"])
def test_a_private_authority_as_file_or_text(
    trust: str, redis_server: ServerFactory, tls_frontend: Frontends, authority: Authority
) -> None:
    source, target = redis_server("redis-6.2", password="of the source"), redis_server("redis-8.2")
    fields = {
        "file": {"ca_certs": str(authority.ca_file)},
        "text": {"ca_cert_content": authority.ca_pem},
        "text with escaped line ends": {"ca_cert_content": authority.ca_pem.replace("\n", "\\n")},
        "both": {"ca_certs": str(authority.ca_file), "ca_cert_content": authority.ca_pem},
    }[trust]
    here, there = tls_frontend(source.port), tls_frontend(target.port)
    ends = (
        {"url": f"rediss://of%20the%20source@{HOST}:{here.port}", **fields},
        {"url": f"rediss://{HOST}:{there.port}", **fields},
    )
    moves_everything(source, target, ends)


@pytest.mark.parametrize("strategy", ["copy", "migrate"])
def test_names_on_certificates_that_differ_from_the_host(
    strategy: str, redis_server: ServerFactory, tls_frontend: Frontends, authority: Authority
) -> None:
    """As behind a tunnel: the certificate and SNI carry the real name, the connection goes to loopback."""
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    here = tls_frontend(source.port, names=("old.example",))
    there = tls_frontend(target.port, names=("new.example", "*.pool.example"))
    ends = (
        {"url": f"rediss://{HOST}:{here.port}", "ca_certs": str(authority.ca_file), "server_name": "old.example"},
        {
            "url": f"rediss://localhost:{there.port}",
            "ca_cert_content": authority.ca_pem,
            "server_name": "a.pool.example",
            "backend": {"host": HOST, "port": target.port},
        },
    )
    moves_everything(source, target, ends, strategy=strategy)
    assert set(here.server_names) == {"old.example"}
    assert set(there.server_names) == {"a.pool.example"}


def test_a_client_certificate(redis_server: ServerFactory, tls_frontend: Frontends, authority: Authority) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    here = tls_frontend(source.port, client_ca=authority.ca_file)
    client = authority.client()
    # A certificate and its key may also lie in one file.
    together = client.cert_file.with_suffix(".both.pem")
    together.write_bytes(client.key_file.read_bytes() + client.cert_file.read_bytes())
    for files in (
        {"client_cert_file": str(client.cert_file), "client_key_file": str(client.key_file)},
        {"client_cert_file": str(together)},
    ):
        target.client().flushall()
        source.client().flushall()
        end = {"host": HOST, "port": here.port, "tls": True, "ca_certs": str(authority.ca_file), **files}
        moves_everything(source, target, (end, target))


@pytest.mark.needs_tls_server
def test_servers_that_speak_tls_themselves_and_demand_certificates(
    redis_server: ServerFactory, authority: Authority
) -> None:
    options = {"tls": True, "certificate": authority.server(), "client_certificate": authority.client()}
    source, target = redis_server(tls_servers()[0], **options), redis_server(tls_servers()[0], **options)
    client = authority.client()
    files = {"client_cert_file": str(client.cert_file), "client_key_file": str(client.key_file)}
    moves_everything(source, target, (source.endpoint(**files), target.endpoint(**files)))


def test_a_certificate_that_is_not_checked(redis_server: ServerFactory, tls_frontend: Frontends) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    here = tls_frontend(source.port, names=("elsewhere.example",))
    end = {"url": f"rediss://{HOST}:{here.port}", "validate_certs": False}
    moves_everything(source, target, (end, target))


@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-9"])
def test_passwords_and_users_by_url_and_by_field(name: str, redis_server: ServerFactory) -> None:
    password = "p@ss/w:rd %#?ä"
    encoded = "p%40ss%2Fw%3Ard%20%25%23%3F%C3%A4"
    simple = redis_server(name, password=password)
    acl = redis_server(name, acl_lines=["user default off", "user mover on >s3cret ~* &* +@all"])
    simple.client().set("a", 1)
    for here in (
        {"url": f"redis://{encoded}@{HOST}:{simple.port}"},
        {"url": f"redis://:{encoded}@{HOST}:{simple.port}"},
        {"url": f"redis://default:{encoded}@{HOST}:{simple.port}"},
        {"host": HOST, "port": simple.port, "password": password},
        {"host": HOST, "port": simple.port, "username": "default", "password": password},
    ):
        for there in (
            {"url": f"redis://mover:s3cret@{HOST}:{acl.port}"},
            {"url": f"redis://{HOST}:{acl.port}", "username": "mover", "password": "s3cret"},
        ):
            engine.migrate(here, there)
    assert acl.client().get("a") == b"1"


def test_unix_sockets(redis_server: ServerFactory) -> None:
    source = redis_server("redis-6.2", unix_socket=True, password="s3cret")
    target = redis_server("redis-8.2", unix_socket=True)
    ends = ({"url": f"unix://s3cret@{source.unix_socket}"}, {"url": f"unix://{target.unix_socket}"})
    moves_everything(source, target, ends)
