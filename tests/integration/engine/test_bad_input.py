# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot work is said in a sentence: what failed, where, what the server said, and what to do; nothing is written."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster.combined import keyspace_info
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.certs import Authority
from tests.support.engine import RedisMigrationError, moved
from tests.support.faultproxy import FaultProxy
from tests.support.servers import HOST, RedisServer
from tests.support.tls_frontend import TlsFrontend

Frontends = Callable[..., TlsFrontend]
Proxies = Callable[..., FaultProxy]


@pytest.fixture
def source(redis_server: ServerFactory) -> RedisServer:
    server = redis_server("redis-6.2")
    server.client().set("a", 1)
    return server


@pytest.fixture
def target(redis_server: ServerFactory) -> Iterator[RedisServer]:
    """A target that must stay empty."""
    server = redis_server("redis-8.2")
    yield server
    assert server.client().info("keyspace") == {}
    assert server.write_calls() == 0


def refused(source: Any, target: Any, expected: str, **options: Any) -> str:
    """Each of the modules ends with a message that matches."""
    with pytest.raises(RedisMigrationError, match=expected) as raised:
        engine.migrate(source, target, **options)
    with pytest.raises(RedisMigrationError, match=expected):
        engine.migrate(source, target, check=True, **options)
    return str(raised.value)


# -- where nobody or somebody else answers ------------------------------------------------------------------------


def test_nobody_listens(source: RedisServer, target: RedisServer, unused_port: int) -> None:
    nowhere = {"host": HOST, "port": unused_port}
    refused(nowhere, target, rf"(?s)source {HOST}:{unused_port}.*refused.*Check host and port")
    refused(source, nowhere, rf"target {HOST}:{unused_port}.*refused")
    with pytest.raises(RedisMigrationError, match="Nothing accepts connections"):
        engine.diff(source, nowhere)
    with pytest.raises(RedisMigrationError, match="Nothing accepts connections"):
        keyspace_info(parse_endpoint(nowhere, "endpoint"))


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 64 + ".invalid", "ä" * 70, "nul\0byte", "%"])
def test_a_host_that_cannot_be_looked_up(host: str, target: RedisServer) -> None:
    refused({"host": host}, target, r"source's host name .* cannot be (resolved|looked up|used)")


def test_a_server_that_does_not_answer(source: RedisServer, target: RedisServer, fault_proxy: Proxies) -> None:
    proxy = fault_proxy(source.port)
    proxy.swallow("to_client")
    refused(source.endpoint(port=proxy.port, timeout=0.3), target, r"source .* did not answer within 0.3 s.*timeout")


def test_a_server_that_is_no_redis(source: RedisServer, target: RedisServer, fault_proxy: Proxies) -> None:
    proxy = fault_proxy(source.port, redis=True)
    proxy.replace_reply("CLIENT", b"HTTP/1.1 400 Bad Request\r\n\r\n", times=-1)
    refused(source.endpoint(port=proxy.port), target, r"did not answer as a Redis does")


def test_a_unix_socket_that_is_not_there(target: RedisServer) -> None:
    refused({"url": "unix:///nowhere/redis.sock"}, target, r"There is no socket at the source /nowhere/redis.sock")


# -- TLS against plain ----------------------------------------------------------------------------------------------


def test_tls_towards_a_plain_port(source: RedisServer, target: RedisServer) -> None:
    end = {"url": f"rediss://{HOST}:{source.port}", "timeout": 1.0}
    refused(end, target, r"source .*redis:// instead of rediss://")


def test_plain_towards_a_tls_port(
    source: RedisServer, target: RedisServer, tls_frontend: Frontends, redis_server: ServerFactory
) -> None:
    frontend = tls_frontend(source.port)
    refused({"host": HOST, "port": frontend.port}, target, r"source .*rediss://")


@pytest.mark.needs_server("redis-7.0")
@pytest.mark.needs_tls_server
def test_plain_towards_the_tls_port_of_a_server(target: RedisServer, redis_server: ServerFactory) -> None:
    server = redis_server("redis-7.0", tls=True)
    refused({"host": HOST, "port": server.port}, target, r"source .*rediss://")


# -- certificates ----------------------------------------------------------------------------------------------------


def test_an_untrusted_certificate(source: RedisServer, target: RedisServer, tls_frontend: Frontends) -> None:
    frontend = tls_frontend(source.port)
    refused(
        {"url": f"rediss://{HOST}:{frontend.port}"},
        target,
        r"certificate of the source .* does not verify.*ca_cert_content",
    )


def test_a_certificate_of_another_authority(
    source: RedisServer, target: RedisServer, tls_frontend: Frontends, tmp_path: Any
) -> None:
    frontend, other = tls_frontend(source.port), Authority(tmp_path / "other")
    for trust in ({"ca_certs": str(other.ca_file)}, {"ca_cert_content": other.ca_pem}):
        refused({"url": f"rediss://{HOST}:{frontend.port}", **trust}, target, r"does not verify.*private CA")


def test_a_certificate_for_another_name(
    source: RedisServer, target: RedisServer, tls_frontend: Frontends, authority: Authority
) -> None:
    frontend = tls_frontend(source.port, names=("db.example",))
    end = {"url": f"rediss://{HOST}:{frontend.port}", "ca_cert_content": authority.ca_pem}
    refused(end, target, rf"does not verify.*not issued for '{HOST}'.*server_name")
    refused({**end, "server_name": "other.example"}, target, r"not issued for 'other.example'")


def test_an_expired_certificate(
    source: RedisServer, target: RedisServer, tls_frontend: Frontends, authority: Authority
) -> None:
    frontend = tls_frontend(source.port, certificate=authority.server(expired=True))
    refused(
        {"url": f"rediss://{HOST}:{frontend.port}", "ca_certs": str(authority.ca_file)}, target, r"expired.*renewed"
    )


def test_a_missing_client_certificate(
    source: RedisServer, target: RedisServer, tls_frontend: Frontends, authority: Authority
) -> None:
    frontend = tls_frontend(source.port, client_ca=authority.ca_file)
    refused(
        {"url": f"rediss://{HOST}:{frontend.port}", "ca_certs": str(authority.ca_file)},
        target,
        r"source.*client_cert_file",
    )


def test_a_foreign_client_certificate(
    source: RedisServer, target: RedisServer, tls_frontend: Frontends, authority: Authority, tmp_path: Any
) -> None:
    frontend = tls_frontend(source.port, client_ca=authority.ca_file)
    foreign = Authority(tmp_path / "other").client()
    refused(
        {
            "url": f"rediss://{HOST}:{frontend.port}",
            "ca_certs": str(authority.ca_file),
            "client_cert_file": str(foreign.cert_file),
            "client_key_file": str(foreign.key_file),
        },
        target,
        r"(?i)source .*(unknown ca|client certificate)",
    )


def test_certificate_files_that_cannot_be_used(
    source: RedisServer, target: RedisServer, authority: Authority, tmp_path: Any
) -> None:
    url = {"url": f"rediss://{HOST}:{source.port}"}
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("no certificate")
    client, other = authority.client(), authority.client()
    for fields, expected in (
        ({"ca_certs": "/nowhere/ca.pem"}, r"ca_certs '/nowhere/ca.pem' cannot be read"),
        ({"ca_certs": str(garbage)}, r"CA certificate cannot be used"),
        ({"ca_cert_content": "no certificate"}, r"CA certificate cannot be used"),
        ({"ca_cert_content": "ungültig"}, r"CA certificate cannot be used"),
        ({"client_cert_file": "/nowhere/c.pem"}, r"client_cert_file '/nowhere/c.pem' cannot be read"),
        ({"client_cert_file": str(garbage)}, r"client certificate cannot be used"),
        (
            {"client_cert_file": str(client.cert_file), "client_key_file": str(other.key_file)},
            r"client certificate cannot be used",
        ),
        ({"client_key_file": str(client.key_file)}, r"client_key_file without a client_cert_file"),
    ):
        refused({**url, **fields}, target, expected)


# -- who is let in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-9"])
def test_credentials_that_do_not_fit(name: str, target: RedisServer, redis_server: ServerFactory) -> None:
    secret = "SENTINEL-secret"
    with_password = redis_server(name, password="right")
    with_user = redis_server(name, acl_lines=["user default off", "user reader on >right ~* &* +@all"])
    open_to_all = redis_server(name)
    for fields, server, expected in (
        ({"password": secret}, with_password, r"WRONGPASS.*Check the user name and the password"),
        ({"password": None}, with_password, r"NOAUTH.*asks for a password"),
        ({"username": "nobody", "password": secret}, with_password, r"WRONGPASS.*rediss://PASSWORD@host"),
        ({"username": "reader", "password": secret}, with_user, r"WRONGPASS"),
        ({"username": "nobody", "password": "right"}, with_user, r"WRONGPASS"),
        ({"password": "right"}, with_user, r"WRONGPASS"),
        ({}, with_user, r"NOAUTH"),
        ({"password": secret}, open_to_all, r"without any password configured.*asks for no password"),
        ({"username": "nobody", "password": secret}, open_to_all, r"WRONGPASS"),
    ):
        said = refused(server.endpoint(**fields), target, expected)
        assert secret not in said
        said = refused(target, server.endpoint(**fields), expected.replace("source", "target"))
        assert secret not in said


def test_too_many_clients(target: RedisServer, redis_server: ServerFactory) -> None:
    full = redis_server("redis-6.2", config={"maxclients": 1})
    with full.client() as client:
        client.ping()
        refused(full, target, r"max number of clients.*raise maxclients", timeout=0.5)


# -- databases and roles ---------------------------------------------------------------------------------------------


def test_a_database_out_of_range(target: RedisServer, redis_server: ServerFactory) -> None:
    small, wide = redis_server("redis-6.2", databases=4), redis_server("redis-8.2", databases=32)
    for server in (small, wide):
        server.client(3).set("a", 1)
    refused(small, target, r"source .* has no logical database 9 \(it has 4: 0 to 3\)", databases=[3, 9])
    refused(wide, target, r"target .* has no logical database 20", databases=[3], database_map={"3": 20})
    wide.client(31).set("b", 1)
    refused(wide, target, r"target .* has no logical database 31.*database_map")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"databases": [-1]}, r"-1"),
        ({"database_map": {"0": -2}}, r"-2"),
        ({"database_map": {"zero": 1}}, r"database_map.*not a pair of numbers.*'zero'"),
        ({"database_map": {"0": "one"}}, r"database_map.*not a pair of numbers"),
        (
            {"databases": [0, 1], "database_map": {"0": 1}},
            r"Databases 0 and 1 of the source would both go to database 1",
        ),
        ({"databases": [0, 1], "database_map": {"0": 5, "1": 5}}, r"both go to database 5.*database_map"),
        ({"max_keys_per_second": -1}, r"max_keys_per_second is -1"),
        ({"timeout": -1}, r"timeout is -1"),
        ({"ttl_tolerance_ms": -1}, r"ttl_tolerance_ms is -1"),
    ],
)
def test_options_that_make_no_sense(
    options: dict[str, Any], expected: str, source: RedisServer, target: RedisServer
) -> None:
    source.client(1).set("b", 1)
    refused(source, target, expected, **options)


@pytest.mark.parametrize("way", ["same", "localhost", "unix", "tls", "proxy"])
def test_a_database_is_never_copied_onto_itself(
    way: str, redis_server: ServerFactory, tls_frontend: Frontends, fault_proxy: Proxies, authority: Authority
) -> None:
    server = redis_server("redis-6.2", unix_socket=True)
    server.client(0).set("a", 1)
    server.client(2).set("b", 1)
    other_way = {
        "same": server.endpoint,
        "localhost": lambda: {"host": "localhost", "port": server.port},
        "unix": lambda: {"url": f"unix://{server.unix_socket}"},
        "tls": lambda: {
            "url": f"rediss://{HOST}:{tls_frontend(server.port).port}",
            "ca_cert_content": authority.ca_pem,
        },
        "proxy": lambda: {"host": HOST, "port": fault_proxy(server.port).port},
    }[way]()
    writes = server.write_calls()
    refused(server, other_way, r"same server, and database 0 would be copied onto itself")
    with pytest.raises(RedisMigrationError, match=r"same server"):
        engine.diff(server, other_way)
    assert server.write_calls() == writes

    done = engine.migrate(server, other_way, databases=[0], database_map={"0": 7})
    assert moved(done) == {"scanned": 1, "copied": 1}
    assert engine.diff(server, other_way, databases=[0], database_map={"0": 7})["identical"]


@pytest.mark.parametrize(
    ("options"),
    [
        {"database_map": {"0": 2, "2": 0}},
        {"database_map": {"0": 2, "2": 5}},
        {"databases": [0, 2], "database_map": {"0": 2, "2": 5}},
    ],
)
def test_a_server_is_never_read_and_written_at_the_same_database(
    options: dict[str, Any], redis_server: ServerFactory
) -> None:
    """Swapping databases within one server would write into a source."""
    server = redis_server("redis-6.2")
    server.client(0).set("a", 1)
    server.client(2).set("b", 1)
    writes = server.write_calls()
    refused(server, server, r"same server.*database \d would be read and written", **options)
    assert server.write_calls() == writes


def test_a_replica_is_no_target(source: RedisServer, redis_server: ServerFactory) -> None:
    primary, replica = redis_server("redis-8.2"), redis_server("redis-8.2")
    replica.replicaof(primary)
    refused(source, replica, r"target .* is a replica.*address of its primary")
    assert primary.client().dbsize() == 0


def test_a_cluster_without_slots_is_told_as_such(
    source: RedisServer, target: RedisServer, redis_server: ServerFactory, unused_port: int
) -> None:
    cluster = redis_server("redis-7.0", config={"cluster-enabled": "yes", "cluster-port": unused_port})
    refused(cluster, target, r"source .* cluster is not well \(cluster_state: fail\)", timeout=1)
    refused(source, cluster, r"target .* cluster is not well \(cluster_state: fail\)", timeout=1)


# -- a target that takes no more --------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["copy", "migrate"])
@pytest.mark.parametrize("kind", ["strings10k", "mixed"])
def test_a_full_target_says_so_and_the_counters_tell_what_arrived(
    strategy: str, kind: dataset.Kind, redis_server: ServerFactory
) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    count = 2000 if kind == "strings10k" else 20_000
    dataset.fill_benchmark(source.client(), kind, count)
    limit = target.client().info("memory")["used_memory"] + 2_500_000
    target.client().config_set("maxmemory", limit)

    run = engine.migration(source, target, strategy=strategy)
    with pytest.raises(RedisMigrationError, match=r"(?s)OOM.*more memory"):
        run.run()

    # A MIGRATE that was under way goes on between the servers after we have gone.
    arrived = -1
    while arrived != target.client().dbsize():
        arrived = target.client().dbsize()
        time.sleep(0.5)
    totals = run.progress.totals
    # What was under way when the first refusal came may have arrived, and is not counted.
    assert totals.copied <= arrived < count
    assert arrived > 0

    target.client().config_set("maxmemory", 0)
    done = engine.migrate(source, target, strategy=strategy)
    assert done["totals"]["copied"] == count - arrived
    # The batch that MIGRATE broke off had brought relative lifetimes only: the next run puts them right.
    assert done["totals"]["unchanged"] + done["totals"]["updated"] == arrived
    assert strategy == "migrate" or not done["totals"]["updated"]
    assert engine.diff(source, target)["identical"]


def test_unknown_commands_are_told_without_their_arguments(redis_server: ServerFactory) -> None:
    source = redis_server("redis-6.2")
    target = redis_server("redis-8.2", config={"rename-command RESTORE": ""})
    source.client().rpush(b"\xff\xfe key \n", "SENTINEL-value")
    said = refused_once(
        source, target, r"refused RESTORE: ERR unknown command 'RESTORE'\. The target server does not know"
    )
    assert "SENTINEL" not in said


def refused_once(source: Any, target: Any, expected: str, **options: Any) -> str:
    with pytest.raises(RedisMigrationError, match=expected) as raised:
        engine.migrate(source, target, **options)
    return str(raised.value)


# -- single keys that cannot be moved ----------------------------------------------------------------------------------


def test_a_key_that_the_target_refuses_is_named_and_the_others_move(
    redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    for number in range(20):
        source.client(4).rpush(b"list\xff\n%d" % number, number)
    proxy = fault_proxy(target.port, redis=True)
    proxy.replace_reply("RESTORE", b"-ERR something odd \xff\r\n", skip=3, times=2)

    done = engine.migrate(source, target.endpoint(port=proxy.port))

    assert moved(done) == {"scanned": 20, "copied": 18, "failed": 2}
    assert done["databases"]["4"]["failed"] == 2
    for failure in done["failures"]:
        assert failure["database"] == 4
        assert failure["type"] == "list"
        assert base64.b64decode(failure["key_base64"]).startswith(b"list\xff\n")
        assert failure["key"].startswith("list\\xff\\n")
        assert failure["reason"].startswith("ERR something odd")
    json.dumps(done).encode("utf-8")
