# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each order to the proxy does to a real connection what it says."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.certs import Authority
from tests.support.faultproxy import FaultProxy
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend

ProxyFactory = Callable[..., FaultProxy]


@pytest.fixture
def server(redis_server: Callable[..., RedisServer]) -> RedisServer:
    return redis_server()


def _client(port: int, **options: object) -> redis.Redis:
    return redis.Redis(port=port, protocol=2, socket_timeout=0.5, retry=Retry(NoBackoff(), 0), **options)


def test_cut_passes_the_bytes_before_it(server: RedisServer, fault_proxy: ProxyFactory) -> None:
    proxy = fault_proxy(server.port)
    client = _client(proxy.port)
    client.ping()
    proxy.cut_after(50_000, "to_server", times=2)
    before = proxy.bytes_passed["to_server"]
    for _time in range(2):
        with pytest.raises(redis.exceptions.ConnectionError):
            client.set("a", b"x" * 60_000)
    assert proxy.bytes_passed["to_server"] - before == 100_000
    assert client.set("a", b"x" * 60_000)
    proxy.cut_after(100, "to_client")
    with pytest.raises(redis.exceptions.ConnectionError):
        client.get("a")
    assert len(client.get("a")) == 60_000


def test_stall_and_swallow(server: RedisServer, fault_proxy: ProxyFactory) -> None:
    proxy = fault_proxy(server.port)
    client = _client(proxy.port)
    client.ping()
    proxy.stall(0.3)
    began = time.monotonic()
    client.ping()
    assert time.monotonic() - began >= 0.29
    proxy.swallow("to_client")
    with pytest.raises(redis.exceptions.TimeoutError):
        client.incr("counter")
    proxy.heal()
    assert client.get("counter") == b"1"
    proxy.swallow("to_server")
    with pytest.raises(redis.exceptions.TimeoutError):
        client.incr("counter")
    proxy.heal()
    assert client.get("counter") == b"1"


def test_refuse_and_accept(server: RedisServer, fault_proxy: ProxyFactory) -> None:
    proxy = fault_proxy(server.port)
    client = _client(proxy.port)
    client.ping()
    proxy.refuse()
    client.ping()
    assert proxy.cut_now() == 1
    with pytest.raises(redis.exceptions.ConnectionError):
        client.ping()
    proxy.accept()
    assert client.ping()


def test_latency_and_bandwidth(server: RedisServer, fault_proxy: ProxyFactory) -> None:
    proxy = fault_proxy(server.port, latency=0.05)
    client = redis.Redis(port=proxy.port, protocol=2)
    client.ping()
    began = time.monotonic()
    client.ping()
    assert time.monotonic() - began >= 0.05
    proxy.latency, proxy.bandwidth = 0.0, 1_000_000
    began = time.monotonic()
    client.set("a", b"x" * 300_000)
    assert time.monotonic() - began >= 0.28


def test_replies_and_moments(server: RedisServer, fault_proxy: ProxyFactory) -> None:
    proxy = fault_proxy(server.port, redis=True)
    client = _client(proxy.port)
    client.set("a", 1)
    proxy.replace_reply("set", b"-OOM command not allowed\r\n", skip=1)
    pipeline = client.pipeline(transaction=False)
    for number in range(3):
        pipeline.set(f"k{number}", b"two\r\nlines")
    results = pipeline.execute(raise_on_error=False)
    assert [isinstance(result, redis.exceptions.ResponseError) for result in results] == [False, True, False]
    assert client.get("k1") == b"two\r\nlines"  # it did arrive
    proxy.on_command("GET", lambda: server.client().set("a", "changed just before"))
    assert client.get("a") == b"changed just before"


def test_tls_frontend(server: RedisServer, tls_frontend: Callable[..., TlsFrontend], authority: Authority) -> None:
    frontend = tls_frontend(server.port, names=("localhost",), client_ca=authority.ca_file)
    mine = authority.client()
    tls = {"ssl": True, "ssl_ca_certs": str(authority.ca_file)}
    shown = {"ssl_certfile": str(mine.cert_file), "ssl_keyfile": str(mine.key_file)}
    client = _client(frontend.port, **tls, **shown)
    assert client.set("a", b"x" * 5_000_000)
    assert len(client.get("a")) == 5_000_000
    assert frontend.server_names == ["localhost"]
    with pytest.raises(redis.exceptions.ConnectionError):
        _client(frontend.port, **tls).ping()
    frontend.use_certificate(authority.server("localhost", expired=True))
    with pytest.raises(redis.exceptions.ConnectionError, match="expired"):
        _client(frontend.port, **tls, **shown).ping()
    frontend.use_certificate(authority.server("elsewhere"))
    with pytest.raises(redis.exceptions.ConnectionError, match="Hostname mismatch"):
        _client(frontend.port, **tls, **shown).ping()
