# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What MIGRATE does to whoever trusts it; each of these loses, misplaces or alters keys in a naive implementation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ServerFactory, soak
from tests.support import dataset, engine
from tests.support.certs import Authority
from tests.support.engine import RedisMigrationError, moved
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.servers import HOST, RedisServer, tls_servers

Pair = tuple[RedisServer, RedisServer]
Proxies = Callable[..., FaultProxy]


def migrate(source: Any, target: Any, **options: Any) -> engine.Result:
    return engine.migrate(source, target, strategy="migrate", **options)


def assert_untouched(*servers: RedisServer) -> None:
    for server in servers:
        assert server.client().info("keyspace") == {}, server.name


def behind(target: RedisServer, port: int, host: str = HOST, **fields: Any) -> dict[str, Any]:
    return target.endpoint(backend={"host": host, "port": port, **fields})


# -- what the target is told before it answers: AUTH, SELECT and every RESTORE leave in one piece ------------------


def test_a_database_that_the_target_lacks_puts_no_key_into_database_0(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2", databases=4)
    source.client(0).set("a", 1)
    source.client(9).set("b", 1)
    with pytest.raises(RedisMigrationError, match=r"no logical database 9 \(it has 4: 0 to 3\)"):
        migrate(source, target)
    assert_untouched(target)


def test_a_password_for_a_target_that_has_none_writes_no_key(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-6.2")
    source.client().set("a", 1)
    for password in (
        {"password": "unwanted"},
        {"backend": {"host": HOST, "port": target.port, "password": "unwanted"}},
    ):
        with pytest.raises(RedisMigrationError, match=r"without any password configured"):
            migrate(source, target.endpoint(**password))
    assert_untouched(target)


def test_a_wrong_password_of_the_backend_writes_no_key(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-7.0", password="right")
    source.client().set("a", 1)
    with pytest.raises(RedisMigrationError, match=r"credentials for the backend .* do not work.*WRONGPASS"):
        migrate(source, behind(target, target.port, password="wrong"))
    assert_untouched(target)
    assert not source.command_calls().get("migrate")


def test_a_wrong_password_does_not_ride_on_a_connection_that_the_source_kept(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-6.2", password="right")
    source.client().mset({"a": 1, "b": 2})
    # The source keeps this connection, already authenticated, for ten seconds.
    source.client().execute_command("MIGRATE", HOST, target.port, "", 0, 1000, "COPY", "AUTH", "right", "KEYS", "a")
    with pytest.raises(RedisMigrationError, match=r"WRONGPASS|invalid password"):
        migrate(source, behind(target, target.port, password="wrong"))
    assert target.client().keys() == [b"a"]


@pytest.mark.parametrize("source_name", ["redis-6.2", "redis-7.0"])
def test_a_password_only_server_and_an_acl_user_take_their_keys(source_name: str, redis_server: ServerFactory) -> None:
    source = redis_server(source_name, password="of the source")
    simple = redis_server("redis-7.0", password="p w'\"ä")
    acl = redis_server("redis-8.2", acl_lines=["user default off", "user mover on >s3cret ~* &* +@all"])
    dataset.fill(source.client, databases=(0, 3))

    migrate(source, simple)
    migrate(source, acl.endpoint(username="mover", password="s3cret"))

    for target in (simple, acl):
        found = compare(source, target)
        assert not found, report(found)


# -- a backend that is somebody else ------------------------------------------------------------------------------


def test_a_backend_that_is_another_server_gets_nothing_when_it_can_be_reached_from_here(
    redis_server: ServerFactory,
) -> None:
    source, target, other = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    source.client().mset({"a": 1, "b": 2})
    with pytest.raises(RedisMigrationError, match=r"another server answers there"):
        migrate(source, behind(target, other.port))
    assert_untouched(target, other)


@pytest.mark.parametrize("target_holds_the_keys", [False, True])
def test_a_backend_that_is_another_server_gets_one_key_when_only_the_source_reaches_it(
    target_holds_the_keys: bool, redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    source, target, other = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    source.client().mset({f"key:{number}": number for number in range(500)})
    if target_holds_the_keys:
        target.client().mset({f"key:{number}": "old" for number in range(500)})
    proxy, inside = fault_proxy(source.port, redis=True), fault_proxy(other.port)
    inside.refuse()
    proxy.on_command("MIGRATE", inside.accept)

    with pytest.raises(RedisMigrationError, match=r"is not the target .*did not arrive"):
        migrate(source.endpoint(port=proxy.port), behind(target, inside.port))

    assert other.client().dbsize() == 1
    assert target.client().dbsize() == (500 if target_holds_the_keys else 0)


def test_no_batch_leaves_unproved_when_the_proving_key_is_gone(
    redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    source, target, other = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    source.client().mset({f"key:{number}": number for number in range(500)})
    proxy, inside = fault_proxy(source.port, redis=True), fault_proxy(other.port)
    inside.refuse()

    def first_keys_vanish() -> None:
        inside.accept()
        source.client().delete(*list(source.client().scan(count=500)[1])[:3])

    proxy.on_command("MIGRATE", first_keys_vanish)

    with pytest.raises(RedisMigrationError, match=r"is not the target"):
        migrate(source.endpoint(port=proxy.port), behind(target, inside.port))

    assert other.client().dbsize() == 1
    assert_untouched(target)


def test_the_right_backend_that_only_the_source_reaches_takes_everything(
    redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    filled = dataset.fill(source.client, databases=(0, 2))
    proxy, inside = fault_proxy(source.port, redis=True), fault_proxy(target.port)
    inside.refuse()
    proxy.on_command("MIGRATE", inside.accept)

    done = migrate(source.endpoint(port=proxy.port), behind(target, inside.port))

    assert moved(done) == {"scanned": filled.total, "copied": filled.total}
    found = compare(source, target)
    assert not found, report(found)


@pytest.mark.parametrize("host", ["red1-master-1.data.eu01.onstackit.cloud", "RED1.DATA.eu01.onstackit.schwarz."])
def test_an_exposed_frontend_is_refused_before_anything_is_written(host: str, redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    source.client().set("a", 1)
    for check in (True, False):
        with pytest.raises(RedisMigrationError, match=r"exposed frontend.*-internal"):
            migrate(source, behind(target, target.port, host), check=check)
    assert_untouched(target)
    assert not source.command_calls().get("migrate")


def test_a_backend_where_nobody_listens_says_how_the_source_sees_it(
    redis_server: ServerFactory, unused_port: int
) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    source.client().set("a", 1)
    with pytest.raises(RedisMigrationError, match=r"IOERR.*as the source sees it"):
        migrate(source, behind(target, unused_port))
    assert_untouched(target)


def test_a_unix_socket_needs_a_backend(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2", unix_socket=True)
    source.client().set("a", 1)
    with pytest.raises(RedisMigrationError, match=r"MIGRATE needs a host and port"):
        migrate(source, {"url": f"unix://{target.unix_socket}"})
    migrate(source, {"url": f"unix://{target.unix_socket}", "backend": {"host": HOST, "port": target.port}})
    assert target.client().get("a") == b"1"


# -- answers that are not the truth ---------------------------------------------------------------------------------


def test_keys_that_are_gone_before_their_batch_are_vanished_and_the_others_moved(
    server_pair: Pair, fault_proxy: Proxies
) -> None:
    source, target = server_pair
    client = source.client()
    client.mset({f"key:{number}": number for number in range(100)})
    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("MIGRATE", lambda: client.delete(*[f"key:{number}" for number in range(60)]))

    done = migrate(source.endpoint(port=proxy.port), target)

    assert moved(done) == {"scanned": 100, "copied": 40, "vanished": 60}
    found = compare(source, target)
    assert not found, report(found)


def test_a_batch_of_which_nothing_is_left_is_no_error(server_pair: Pair, fault_proxy: Proxies) -> None:
    source, target = server_pair
    client = source.client()
    client.mset({f"key:{number}": number for number in range(100)})
    proxy = fault_proxy(source.port, redis=True)
    # One by one: a FLUSH in the middle of a run ends it.
    proxy.on_command("MIGRATE", lambda: client.delete(*[f"key:{number}" for number in range(100)]))

    done = migrate(source.endpoint(port=proxy.port), target)

    assert moved(done) == {"scanned": 100, "vanished": 100}
    assert_untouched(target)


def test_an_ok_that_is_not_true_is_found_out(server_pair: Pair, fault_proxy: Proxies) -> None:
    """Keys deleted at the target behind MIGRATE's back (an eviction, say) are sent again, and not counted as moved."""
    source, target = server_pair
    source.client().mset({f"key:{number}": number for number in range(100)})
    proxy = fault_proxy(target.port, redis=True)
    # The first EXISTS and DEL belong to the proof, the next EXISTS confirms the batch.
    proxy.on_command("EXISTS", lambda: target.client().delete("key:5", "key:6"), skip=2, times=-1)

    done = migrate(source, target.endpoint(port=proxy.port, backend={"host": HOST, "port": target.port}))

    assert done["totals"]["copied"] == 98
    assert done["totals"]["failed"] == 2
    assert {failure["key"] for failure in done["failures"]} == {"key:5", "key:6"}
    assert all("not at the target" in failure["reason"] for failure in done["failures"])


def test_one_key_in_the_way_does_not_hide_what_else_went_wrong(
    redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    """MIGRATE tells the first error only; that of a full target must not pass as that of a taken name."""
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    source.client().mset({f"key:{number}": "x" * 1000 for number in range(1000)})
    proxy = fault_proxy(source.port, redis=True)

    def hinder() -> None:
        used = target.client().info("memory")["used_memory"]
        first = source.client().scan(count=1000)[1][0]
        target.client().set(first, "in the way")
        target.client().config_set("maxmemory", used + 300_000)

    proxy.on_command("MIGRATE", hinder, skip=1)
    with pytest.raises(RedisMigrationError, match=r"OOM"):
        migrate(source.endpoint(port=proxy.port), target)


# -- time -----------------------------------------------------------------------------------------------------------


def test_expiries_are_those_of_the_source_though_migrate_sends_what_is_left(
    redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    """The way between the servers takes 400 ms, which each key would live longer."""
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    now = int(time.time() * 1000)
    with source.client().pipeline(transaction=False) as pipeline:
        for number in range(300):
            pipeline.set(f"timed:{number}", number)
            pipeline.pexpireat(f"timed:{number}", now + 600_000 + 1000 * number)
            pipeline.set(f"lasting:{number}", number)
        pipeline.execute()
    inside = fault_proxy(target.port, latency=0.8)

    done = migrate(source, behind(target, inside.port))

    assert done["totals"]["copied"] == 600
    for number in range(300):
        assert target.client().pexpiretime(f"timed:{number}") == now + 600_000 + 1000 * number
        assert target.client().pttl(f"lasting:{number}") == -1


def test_expiries_are_right_in_a_batch_that_ended_with_an_error_too(
    redis_server: ServerFactory, fault_proxy: Proxies
) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    at = int(time.time() * 1000) + 3_600_000
    client = source.client()
    for number in range(50):
        client.set(f"timed:{number}", number)
        client.pexpireat(f"timed:{number}", at)
    proxy, inside = fault_proxy(source.port, redis=True), fault_proxy(target.port, latency=0.4)
    # Behind the proof, which is the first MIGRATE.
    proxy.on_command("MIGRATE", lambda: target.client().set("timed:7", "in the way"), skip=1)

    done = migrate(source.endpoint(port=proxy.port), behind(target, inside.port), existing_keys="skip")

    assert moved(done) == {"scanned": 50, "copied": 49, "skipped": 1}
    assert {target.client().pexpiretime(f"timed:{number}") for number in range(50) if number != 7} == {at}


# -- what the source forbids ----------------------------------------------------------------------------------------


def test_a_replica_as_source_is_told_as_such(redis_server: ServerFactory) -> None:
    primary, replica, target = redis_server("redis-6.2"), redis_server("redis-6.2"), redis_server("redis-8.2")
    primary.client().set("a", 1)
    replica.replicaof(primary)
    with pytest.raises(RedisMigrationError, match=r"READONLY|replica"):
        migrate(replica, target)
    assert_untouched(target)
    assert moved(engine.migrate(replica, target)) == {"scanned": 1, "copied": 1}


def test_writes_that_are_paused_for_a_while_are_waited_for(server_pair: Pair) -> None:
    source, target = server_pair
    source.client().mset({f"key:{number}": number for number in range(50)})
    source.client().execute_command("CLIENT", "PAUSE", 1500, "WRITE")
    done = migrate(source, target)
    assert moved(done) == {"scanned": 50, "copied": 50}


def test_writes_that_stay_paused_end_in_an_error_and_copy_still_works(server_pair: Pair) -> None:
    source, target = server_pair
    source.client().set("a", 1)
    source.client().execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
    try:
        with pytest.raises(RedisMigrationError, match=r"source .* stopped answering"):
            migrate(source.endpoint(timeout=0.5), target, timeout=1.5)
        assert moved(engine.migrate(source, target)) == {"scanned": 1, "copied": 1}
    finally:
        source.client().execute_command("CLIENT", "UNPAUSE")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"acl_lines": ["user mover on >s3cret ~* &* +@all -migrate"]}, r"NOPERM.*'mover'.*(may not use MIGRATE|copy)"),
        ({"acl_lines": ["user mover on >s3cret ~* &* +@all -@dangerous +info"]}, r"NOPERM.*'mover'"),
        ({"acl_lines": ["user mover on >s3cret ~* &* +@all"], "config": {"rename-command MIGRATE": ""}}, r"disabled"),
    ],
    ids=["forbidden", "dangerous", "renamed"],
)
def test_a_forbidden_migrate_names_the_way_out_and_no_secret(
    options: dict[str, Any], expected: str, redis_server: ServerFactory
) -> None:
    source = redis_server("redis-6.2", **options)
    target = redis_server("redis-8.2", password="sentinel-of-the-target")
    source.client().set("a", 1)
    with pytest.raises(RedisMigrationError, match=expected) as raised:
        migrate(source.endpoint(username="mover", password="s3cret"), target)
    assert "copy" in str(raised.value)
    assert "sentinel" not in str(raised.value)
    assert_untouched(target)


def test_the_target_may_forbid_restore(redis_server: ServerFactory) -> None:
    source = redis_server("redis-6.2")
    target = redis_server("redis-8.2", acl_lines=["user mover on >s3cret ~* &* +@all -restore"])
    source.client().set("a", 1)
    with pytest.raises(RedisMigrationError, match=r"NOPERM.*RESTORE"):
        migrate(source, target.endpoint(username="mover", password="s3cret"))
    assert_untouched(target)


@pytest.mark.needs_tls_server
def test_a_target_with_tls_that_the_source_does_not_speak(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server(tls_servers()[0], tls=True)
    source.client().set("a", 1)
    with pytest.raises(RedisMigrationError, match=r"IOERR.*TLS"):
        migrate(source, target)
    assert_untouched(target)


@pytest.mark.needs_tls_server
def test_a_source_with_tls_cluster_reaches_a_target_with_tls(redis_server: ServerFactory, authority: Authority) -> None:
    certificate = authority.server()
    source = redis_server(tls_servers()[0], tls=True, certificate=certificate, config={"tls-cluster": "yes"})
    target = redis_server(tls_servers()[0], tls=True, certificate=certificate)
    filled = dataset.fill(source.client, databases=(0, 2))
    done = migrate(source, target)
    assert moved(done) == {"scanned": filled.total, "copied": filled.total}
    found = compare(source, target)
    assert not found, report(found)


def test_a_target_that_stalls_blocks_the_source_for_seconds_only(server_pair: Pair, fault_proxy: Proxies) -> None:
    source, target = server_pair
    source.client().mset({f"key:{number}": number for number in range(50)})
    inside = fault_proxy(target.port)
    inside.swallow("to_client")
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(migrate(source, behind(target, inside.port), timeout=30.0))
        except RedisMigrationError as exc:
            outcome.append(exc)

    runner = threading.Thread(target=run)
    runner.start()
    runner.join(60)
    assert not runner.is_alive()
    # The source gave up by itself and serves again.
    assert source.client().ping()
    assert "IOERR" in str(outcome[0])


def test_payloads_that_the_target_does_not_understand_are_rebuilt(downgrade_pair: Pair) -> None:
    """As with copy: each key falls back by itself, also one that is to be replaced."""
    source, target = downgrade_pair
    dataset.fill(source.client, databases=(0,))
    end = behind(target, target.port)
    keys = source.client().dbsize()
    totals = migrate(source, end)["totals"]
    assert (totals["scanned"], totals["copied"], totals["rebuilt"]) == (keys, keys, keys)
    source.client().rpush("changed", *range(1000))
    target.client().rpush("changed", 1)
    again = migrate(source, end)["totals"]
    assert (again["updated"], again["rebuilt"]) == (1, 1)
    assert not (differences := compare(source, target)), report(differences)


@pytest.mark.parametrize("skip", [0, 600], ids=["at the first key", "in the middle"])
@pytest.mark.parametrize(
    "answer", ["-LOADING Redis is loading the dataset in memory", soak("-READONLY You can't write")]
)
def test_a_target_that_is_busy_for_a_while_is_waited_for(
    server_pair: Pair, fault_proxy: Proxies, answer: str, skip: int
) -> None:
    """As one that has just been restarted: the source quotes what the target says, and that will pass."""
    source, target = server_pair
    dataset.fill_benchmark(source.client(0), "mixed", 2000)
    backend = fault_proxy(target.port, redis=True)
    backend.replace_reply("RESTORE", answer.encode() + b"\r\n", skip=skip, times=3)

    done = migrate(source, behind(target, backend.port))

    assert moved(done) == {"scanned": 2000, "copied": 2000}
    assert not compare(source, target)
