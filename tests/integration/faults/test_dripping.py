# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends that say a byte now and then, for ever: nobody is held longer than the timeout allows."""

from __future__ import annotations

import time

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import read_server
from tests.conftest import ServerFactory
from tests.support import engine
from tests.support.attempt import attempt
from tests.support.certs import Authority
from tests.support.faultproxy import FaultProxy
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend

Pair = tuple[RedisServer, RedisServer]


def test_an_end_that_drips_is_not_waited_for(server_pair: Pair) -> None:
    """A byte now and then is no answer: not while connecting, nor to a command, nor with values."""
    server_pair[0].client().mset({f"key:{index}": "x" * 100 for index in range(100)})
    with FaultProxy(server_pair[0].port, redis=True) as proxy:
        source = server_pair[0].endpoint(port=proxy.port, timeout=1)
        for order in (proxy.drip, lambda seconds: proxy.on_command("MGET", lambda: proxy.drip(seconds))):
            order(0.3)
            began = time.monotonic()
            tried = attempt(source, server_pair[1], timeout=2)
            assert "did not answer within 1 s" in tried.error or "stopped answering" in tried.error
            assert time.monotonic() - began < 20
            proxy.heal()


def test_a_tls_handshake_that_drips(redis_server: ServerFactory, authority: Authority) -> None:
    server = redis_server("redis-6.2")
    certificate = authority.server()
    with TlsFrontend(server.port, certificate) as frontend, FaultProxy(frontend.port) as proxy:
        proxy.drip(0.3)
        began = time.monotonic()
        endpoint = {
            "host": "127.0.0.1",
            "port": proxy.port,
            "tls": True,
            "ca_certs": str(certificate.ca_file),
            "timeout": 1,
        }
        with pytest.raises(engine.RedisMigrationError):
            read_server(parse_endpoint(endpoint, "endpoint"))
        assert time.monotonic() - began < 10
