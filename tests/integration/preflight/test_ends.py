# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preflight's findings on one end, each made to occur on a real server."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest
import redis

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.finding import Verdict
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.preflight import preflight
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Question
from tests.support.certs import Authority
from tests.support.faultproxy import FaultProxy
from tests.support.replies import without_section
from tests.support.run import StartedModule
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend
from tests.support.writers import Writers

ServerFactory = Callable[..., RedisServer]


def look(source: dict[str, Any], target: dict[str, Any], **options: Any) -> dict[str, Verdict]:
    """The verdicts by name. `options` are those of a Question; databases and the like go into `selection`."""
    report = preflight(Question(source, target, options.pop("selection", Selection()), **options))
    return {finding.name: finding.verdict for finding in report.findings}


# -- certificates -------------------------------------------------------------------------------------------------


def tls(frontend: TlsFrontend, authority: Authority, **fields: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": frontend.port, "tls": True, "ca_certs": str(authority.ca_file), **fields}


def test_certificates_say_how_long_they_last(
    server_pair: tuple[RedisServer, RedisServer], authority: Authority, tls_frontend: Callable[..., TlsFrontend]
) -> None:
    source, target = server_pair
    soon = tls_frontend(source.port, certificate=authority.server(days=10.5))
    late = tls_frontend(target.port, certificate=authority.server(days=90.5))
    found = look(tls(soon, authority), tls(late, authority))
    assert found["source_certificate"].status == "warn"
    assert "10 more days" in found["source_certificate"].message
    assert found["target_certificate"].status == "ok"
    assert "90 more days" in found["target_certificate"].message


def test_expired_and_foreign_certificates_fail(
    server_pair: tuple[RedisServer, RedisServer],
    authority: Authority,
    tls_frontend: Callable[..., TlsFrontend],
    tmp_path: Any,
) -> None:
    source, target = server_pair
    expired = tls_frontend(source.port, certificate=authority.server(days=7, expired=True))
    stranger = tls_frontend(target.port, certificate=Authority(tmp_path, "Stranger").server())
    found = look(tls(expired, authority), tls(stranger, authority))
    assert found["source_certificate"].status == "fail"
    assert "expired on" in found["source_certificate"].message
    assert found["target_certificate"].status == "fail"
    assert "ca_cert_content" in found["target_certificate"].next_step
    # The certificate is looked at by a handshake of its own: what it says does not depend on getting in.
    assert found["source_reachable"].status == found["target_reachable"].status == "fail"


def test_a_wrong_name_and_an_unverified_certificate(
    server_pair: tuple[RedisServer, RedisServer], authority: Authority, tls_frontend: Callable[..., TlsFrontend]
) -> None:
    source, target = server_pair
    named = tls_frontend(source.port, names=("db.example",))
    found = look(tls(named, authority), tls(tls_frontend(target.port), authority, ca_certs=None, validate_certs=False))
    assert found["source_certificate"].status == "fail"
    assert "server_name" in found["source_certificate"].next_step
    assert found["target_certificate"].status == "warn"
    assert "not verified" in found["target_certificate"].message
    found = look(tls(named, authority, server_name="db.example"), target.endpoint())
    assert found["source_certificate"].status in ("ok", "warn")
    assert found["source_reachable"].status == "ok"


def test_the_chain_is_shown_and_what_is_pinned_must_be_in_it(
    server_pair: tuple[RedisServer, RedisServer], authority: Authority, tls_frontend: Callable[..., TlsFrontend]
) -> None:
    source, target = server_pair
    frontend = tls_frontend(source.port)
    fingerprint = sha256(ssl.PEM_cert_to_DER_cert(authority.ca_pem)).hexdigest()
    found = look(tls(frontend, authority, ca_fingerprints=["00" * 32, fingerprint]), target.endpoint())
    assert found["source_certificate"].status in ("ok", "warn")
    assert "has one of ca_fingerprints in its chain" in found["source_certificate"].message
    assert f"'Test CA' (issued by 'Test CA', SHA-256 {bytes.fromhex(fingerprint).hex(':').upper()}), 36" in (
        found["source_certificate"].message
    )
    assert found["source_reachable"].status == "ok"

    found = look(tls(frontend, authority, ca_fingerprints=["00" * 32]), target.endpoint())
    for check in ("source_certificate", "source_reachable"):
        assert found[check].status == "fail"
        assert "none of 'ca_fingerprints' is in its chain: 'localhost' (issued by 'Test CA'" in found[check].message
        assert "nothing secret was sent" in found[check].next_step


def test_plain_against_tls(
    server_pair: tuple[RedisServer, RedisServer], authority: Authority, tls_frontend: Callable[..., TlsFrontend]
) -> None:
    source, target = server_pair
    frontend = tls_frontend(source.port)
    found = look({"host": "127.0.0.1", "port": frontend.port}, target.endpoint(tls=True, timeout=2))
    assert "rediss://" in found["source_reachable"].next_step
    assert found["target_certificate"].status == "fail"
    assert "plain Redis" in found["target_certificate"].next_step
    assert "plain Redis" in found["target_reachable"].next_step


# -- what kind of server ------------------------------------------------------------------------------------------


def test_a_cluster_without_slots_is_refused(redis_server: ServerFactory, unused_port: int) -> None:
    cluster = {"cluster-enabled": "yes", "cluster-port": unused_port}
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2", config=cluster)
    found = look(source.endpoint(), target.endpoint())
    assert (found["source_mode"].status, found["target_reachable"].status) == ("ok", "fail")
    assert "cluster_state: fail" in found["target_reachable"].message


def test_a_replica_is_no_target_but_can_be_a_source(redis_server: ServerFactory) -> None:
    primary, replica = redis_server("redis-8.2"), redis_server("redis-8.2")
    other = redis_server("redis-8.2")
    replica.replicaof(primary)
    found = look(other.endpoint(), replica.endpoint())
    assert found["target_role"].status == "fail"
    assert "primary" in found["target_role"].next_step
    assert found["target_writable"].status == "fail"
    assert "replica" in found["target_writable"].message
    found = look(replica.endpoint(), other.endpoint())
    assert found["source_role"].status == "ok"
    found = look(replica.endpoint(), other.endpoint(), live=True)
    assert found["source_role"].status == "warn"
    assert "what its primary acknowledged" in found["source_role"].message
    found = look(replica.endpoint(), other.endpoint(), strategy="migrate")
    assert found["source_role"].status == "fail"
    primary.kill()
    deadline = time.monotonic() + 20
    while look(replica.endpoint(), other.endpoint())["source_role"].status != "warn":
        assert time.monotonic() < deadline


def test_replicas_of_the_target(redis_server: ServerFactory) -> None:
    source, target, replica = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    replica.replicaof(target)
    deadline = time.monotonic() + 20
    while (found := look(source.endpoint(), target.endpoint()))["target_replicas"].status != "ok":
        assert time.monotonic() < deadline
    assert "1 replica in step" in found["target_replicas"].message
    # One that has to wait for its copy is not in step.
    lagging = redis_server("redis-6.2", config={"repl-diskless-sync": "yes", "repl-diskless-sync-delay": 60})
    with redis_server("redis-6.2").client() as client:
        client.replicaof("127.0.0.1", lagging.port)
        deadline = time.monotonic() + 20
        while (found := look(source.endpoint(), lagging.endpoint()))["target_replicas"].status != "warn":
            assert time.monotonic() < deadline


# -- how it is ----------------------------------------------------------------------------------------------------


def test_a_server_that_still_loads(redis_server: ServerFactory) -> None:
    primary, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    with primary.client() as client:
        client.mset({f"key:{number}": number for number in range(20_000)})
    # A replica that takes its time to load its copy answers as a server does that starts with much data.
    slow = redis_server("redis-8.2", config={"key-load-delay": 1000, "loading-process-events-interval-bytes": 1024})
    with slow.client() as client:
        client.replicaof("127.0.0.1", primary.port)
    deadline = time.monotonic() + 20
    # Before it loads all is well, and a server that begins to between two questions is not looked at further.
    while (state := look(slow.endpoint(), target.endpoint()).get("source_state")) is None or state.status != "fail":
        assert time.monotonic() < deadline
    assert "loading" in state.message


def test_a_server_that_cannot_save_takes_no_writes(redis_server: ServerFactory) -> None:
    source, target = (
        redis_server("redis-6.2"),
        redis_server("redis-8.2", config={"save": "3600 1", "enable-protected-configs": "yes"}),
    )
    lost = target.directory / "lost"
    lost.mkdir()
    with target.client() as client:
        client.set("own", 1)
        client.config_set("dir", str(lost))
        shutil.rmtree(lost)
        with contextlib.suppress(redis.ResponseError):
            client.bgsave()
        deadline = time.monotonic() + 20
        while client.info("persistence")["rdb_last_bgsave_status"] == "ok":
            assert time.monotonic() < deadline
    found = look(source.endpoint(), target.endpoint())
    assert found["target_state"].status == "fail"
    assert found["target_writable"].status == "fail"
    assert "MISCONF" in found["target_writable"].message
    assert look(target.endpoint(), source.endpoint())["source_state"].status == "warn"


def test_a_full_target_takes_no_writes(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    with target.client() as client:
        client.set("own", "x" * 5_000_000)
        client.config_set("maxmemory", "3mb")
    found = look(source.endpoint(), target.endpoint())
    assert found["target_writable"].status == "fail"
    assert "used memory > 'maxmemory'" in found["target_writable"].message
    assert "more memory" in found["target_writable"].next_step


@pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2", "valkey-9"])
def test_paused_writes(redis_server: ServerFactory, name: str) -> None:
    server, other = redis_server(name), redis_server("redis-8.2")
    with server.client() as client:
        client.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
    found = look(other.endpoint(), server.endpoint())
    assert found["target_writable"].status == "fail"
    assert "CLIENT UNPAUSE" in found["target_writable"].next_step
    # As a source it can be read; only MIGRATE, a write, would wait.
    assert look(server.endpoint(), other.endpoint())["source_state"].status == "ok"
    found = look(server.endpoint(), other.endpoint(), strategy="migrate")
    assert found["source_state"].status == "fail"
    assert "paused" in found["source_state"].message


def test_few_connections_left(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2", config={"maxclients": 15}), redis_server("redis-8.2")
    assert look(source.endpoint(), target.endpoint())["source_connections"].status == "warn"
    with contextlib.ExitStack() as stack:
        for _connection in range(11):
            stack.enter_context(source.client()).ping()
        found = look(source.endpoint(), target.endpoint())
    assert found["source_connections"].status == "fail"
    assert "of at most 15" in found["source_connections"].message


# -- who else is there --------------------------------------------------------------------------------------------


def test_applications_are_named_and_nobody_else(redis_server: ServerFactory) -> None:
    source, target, replica = redis_server("redis-8.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    replica.replicaof(source)
    with source.client() as client:
        client.mset({f"key:{number}": number for number in range(5000)})
    ours = StartedModule(
        "redis_migrate_keys", {"source": source.endpoint(), "target": target.endpoint(), "max_keys_per_second": 500}
    )
    try:
        with source.client() as client:
            while b"dataservices.redis_migration" not in client.execute_command("CLIENT", "LIST"):
                time.sleep(0.05)
        assert look(source.endpoint(), target.endpoint())["source_clients"].status == "ok"
        with source.client(client_name="shop") as client:
            client.ping()
            found = look(source.endpoint(), target.endpoint())
        assert found["source_clients"].status == "warn"
        assert "1 client" in found["source_clients"].message
        assert "'shop'" in found["source_clients"].message
    finally:
        ours.kill()
        ours.wait()


def test_clients_that_may_not_be_asked_for(redis_server: ServerFactory) -> None:
    source = redis_server("redis-8.2", acl_lines=["user reader on >pw ~* &* +@all -client|list -command -config"])
    found = look(source.endpoint(username="reader", password="pw"), redis_server("redis-8.2").endpoint())
    assert found["source_clients"].status == "warn"
    assert "cannot be asked" in found["source_clients"].message
    assert found["source_writes"].status == "ok"
    assert "cannot be counted" in found["source_writes"].message


@contextlib.contextmanager
def busy(server: RedisServer) -> Iterator[None]:
    """An application that writes all the time."""
    done = threading.Event()

    def write() -> None:
        with server.client() as client:
            while not done.wait(0.02):
                client.incr("counter")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_source_that_is_written_to(server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    with busy(source):
        found = look(source.endpoint(), target.endpoint())
    assert found["source_writes"].status == "warn"
    assert "write command" in found["source_writes"].message


# -- the feed of changes ------------------------------------------------------------------------------------------


def test_a_live_run_needs_a_source_that_names_changes(redis_server: ServerFactory) -> None:
    source = redis_server("redis-7.0", acl_lines=["user mover on >pw ~* +@all -client|tracking"])
    target = redis_server("redis-8.2")
    mover = source.endpoint(username="mover", password="pw")
    assert look(mover, target.endpoint())["change_feed"].status == "ok", "only a live run needs it"
    assert look(source.endpoint(), target.endpoint(), live=True)["change_feed"].status == "ok"
    findings = look(mover, target.endpoint(), live=True)
    found = findings["change_feed"]
    assert found.status == "fail"
    assert "no permission" in found.message.lower()
    assert "+client|tracking" in found.next_step
    assert findings["source_permissions"].status == "fail"
    assert "CLIENT TRACKING" in findings["source_permissions"].message
    findings = look(mover, target.endpoint(), live=True, ignore=["change_feed"])
    assert (findings["change_feed"].status, findings["source_permissions"].status) == ("warn", "ok"), (
        "it can do without"
    )


def test_a_live_run_minds_who_writes_to_the_target(server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    with Writers(target, databases=(0,)):
        assert look(source.endpoint(), target.endpoint())["target_writes"].status == "ok"
        findings = look(source.endpoint(), target.endpoint(), live=True)
    assert findings["target_writes"].status == "fail"
    assert "Somebody else writes to the target" in findings["target_writes"].message
    with Writers(source, databases=(0,)):
        findings = look(source.endpoint(), target.endpoint(), live=True)
    assert findings["target_writes"].status == findings["source_writes"].status == "ok"
    assert findings["source_clients"].status == "ok", "they may be there until the run stops them"


def test_a_source_that_does_not_count_its_commands_is_compared_in_the_drain(
    server_pair: tuple[RedisServer, RedisServer], fault_proxy: Callable[..., FaultProxy]
) -> None:
    source, target = server_pair
    proxy = fault_proxy(source.port, redis=True)
    proxy.rewrite_reply("INFO", without_section(b"commandstats"))
    found = look(source.endpoint(port=proxy.port), target.endpoint(), live=True)["change_feed"]
    assert found.status == "warn"
    assert "once more while the applications stand still" in found.message
