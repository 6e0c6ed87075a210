# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What servers do: they die and come back, fail over, load, cannot save, are full, take no more connections."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import measure
from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.attempt import Attempt, Watch, attempt, until
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.replies import bulk
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]
Proxies = Callable[..., FaultProxy]


@pytest.fixture
def filled(server_pair: Pair) -> Pair:
    dataset.fill(server_pair[0].client, databases=(0, 5))
    return server_pair


def kept(server: RedisServer) -> Callable[[], None]:
    """Killed and back with its data."""

    def restart() -> None:
        server.client().save()
        server.kill(keep_dump=True)
        server.start()

    return restart


def emptied(server: RedisServer) -> Callable[[], None]:
    """Killed and back without data."""

    def restart() -> None:
        server.kill()
        server.start()

    return restart


def all_through(tried: Attempt, source: RedisServer) -> None:
    """The run succeeded with every key. What nobody had acknowledged before a restart may be found there."""
    totals = tried.ok["totals"]
    assert totals["scanned"] == sum(found["keys"] for found in source.client().info("keyspace").values())
    assert totals["copied"] + totals["updated"] + totals["unchanged"] == totals["scanned"]
    assert totals["copied"] > 0


# -- killed and restarted -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["copy", "migrate", "rebuild"])
@pytest.mark.parametrize("how", [emptied, kept])
@pytest.mark.parametrize("skip", [0, 60])
def test_the_target_dies_in_the_middle(
    strategy: str, how: Callable[[RedisServer], Callable[[], None]], skip: int, filled: Pair, fault_proxy: Proxies
) -> None:
    source, target = filled
    watch = Watch(source, target)
    proxy = fault_proxy((source if strategy == "migrate" else target).port, redis=True)
    command = {"copy": "RESTORE", "migrate": "MIGRATE", "rebuild": "RENAMENX"}[strategy]
    proxy.on_command(command, how(target), skip=min(skip, 1) if strategy == "migrate" else skip)
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    side = "source" if strategy == "migrate" else "target"
    ends[side]["port"] = proxy.port
    tried = attempt(**ends, strategy=strategy)
    all_through(tried, source)
    assert tried.ok["restarts"] >= 1
    watch.equal()
    watch.settle(tried)


def test_the_target_comes_back_empty_between_two_databases(filled: Pair, fault_proxy: Proxies) -> None:
    """Nothing was in flight when it died, so no connection broke."""
    source, target = filled
    watch = Watch(source, target)
    proxy = fault_proxy(source.port, redis=True)
    seen: list[int] = []

    def die_with_the_first_database() -> None:
        # A page is about to be asked for: the first of the second database, once database 0 is through.
        keys = target.client().dbsize()
        if not seen and keys == expected:
            seen.append(keys)
            target.kill()
            target.start()

    expected = source.client().dbsize()
    proxy.on_command("SCAN", die_with_the_first_database, times=1000)
    tried = attempt(source.endpoint(port=proxy.port), target)
    assert seen == [expected] != [0]
    assert not tried.error
    watch.equal()
    watch.settle(tried)


@pytest.mark.parametrize("prune", [False, True])
def test_the_source_dies_and_comes_back_with_its_data(prune: bool, filled: Pair, fault_proxy: Proxies) -> None:
    source, target = filled
    watch = Watch(source, target)
    proxy = fault_proxy(source.port, redis=True)
    proxy.on_command("DUMP", kept(source), skip=60)
    tried = attempt(source.endpoint(port=proxy.port), target, prune=prune)
    all_through(tried, source)
    assert tried.ok["totals"]["pruned"] == 0
    # It counts its commands from the restart on, and its tables are in another order.
    watch.equal()
    watch.settle(tried, untouched=False)


@pytest.mark.parametrize("prune", [False, True])
def test_the_source_comes_back_without_its_data(prune: bool, filled: Pair, fault_proxy: Proxies) -> None:
    """Nothing that was moved is taken away because the source has lost it."""
    source, target = filled
    proxy = fault_proxy(source.port, redis=True)
    target.client(5).set("moved earlier", "1")
    proxy.on_command("DUMP", emptied(source), skip=60)
    tried = attempt(source.endpoint(port=proxy.port), target, prune=prune)
    assert "was restarted in the middle of the run and came back without its data" in tried.error
    assert "source 127.0.0.1" in tried.error
    assert target.client(5).exists("moved earlier")


def test_an_end_that_dies_again_and_again(filled: Pair, fault_proxy: Proxies) -> None:
    """A server that crashes of one of the commands is not restarted for ever."""
    source, target = filled
    watch = Watch(source, target)
    proxy = fault_proxy(target.port, redis=True)
    proxy.on_command("RESTORE", emptied(target), skip=20, times=-1)
    tried = attempt(source, target.endpoint(port=proxy.port), timeout=3)
    assert "restarted too often" in tried.error or "closed the connection" in tried.error
    proxy.heal()
    watch.settle(tried)


# -- failover -----------------------------------------------------------------------------------------------------


@pytest.fixture
def group(redis_server: ServerFactory) -> tuple[RedisServer, RedisServer, RedisServer]:
    """A source, and a target of a primary with a replica."""
    source, primary, replica = redis_server("redis-6.2"), redis_server("redis-8.2"), redis_server("redis-8.2")
    dataset.fill(source.client, databases=(0, 5))
    replica.replicaof(primary)
    return source, primary, replica


@pytest.mark.parametrize("strategy", ["copy", "rebuild"])
def test_failover_to_the_replica(
    strategy: str, group: tuple[RedisServer, RedisServer, RedisServer], fault_proxy: Proxies
) -> None:
    """The old primary turns into a replica under the run; then the name leads to the new one."""
    source, primary, replica = group
    watch = Watch(source, replica)
    proxy = fault_proxy(primary.port, redis=True)

    def fail_over() -> None:
        replica.promote()
        primary.client().replicaof("127.0.0.1", replica.port)
        threading.Timer(1.0, setattr, (proxy, "upstream", ("127.0.0.1", replica.port))).start()

    proxy.on_command("RESTORE" if strategy == "copy" else "RENAMENX", fail_over, skip=40)
    tried = attempt(source, primary.endpoint(port=proxy.port), strategy=strategy)
    all_through(tried, source)
    watch.equal()
    watch.settle(tried)


def test_a_target_that_stays_a_replica(
    group: tuple[RedisServer, RedisServer, RedisServer], fault_proxy: Proxies
) -> None:
    source, primary, replica = group
    proxy = fault_proxy(primary.port, redis=True)
    watch = Watch(source, replica)

    def fail_over() -> None:
        replica.promote()
        primary.replicaof(replica)

    proxy.on_command("RESTORE", fail_over, skip=40)
    tried = attempt(source, primary.endpoint(port=proxy.port), timeout=1)
    assert "is a replica" in tried.error
    assert "primary" in tried.error
    watch.settle(tried)


def test_the_target_of_migrate_becomes_a_replica(
    group: tuple[RedisServer, RedisServer, RedisServer], fault_proxy: Proxies
) -> None:
    """The source hears it, and passes it on inside of an error of its own."""
    source, primary, replica = group
    proxy = fault_proxy(source.port, redis=True)
    watch = Watch(source, replica)

    def fail_over() -> None:
        replica.promote()
        primary.replicaof(replica)

    proxy.on_command("MIGRATE", fail_over, skip=1)
    tried = attempt(source.endpoint(port=proxy.port), primary, strategy="migrate", timeout=1)
    assert "READONLY" in tried.error or "is a replica" in tried.error, tried
    assert "primar" in tried.error
    watch.settle(tried)


# -- states that pass ---------------------------------------------------------------------------------------------

SLOW_LOADING = {"key-load-delay": 5000, "loading-process-events-interval-bytes": 1024}


@pytest.mark.parametrize("side", ["source", "target"])
def test_loading(side: str, redis_server: ServerFactory, fault_proxy: Proxies) -> None:
    """It comes back and answers LOADING for a second or two: long enough to be asked, not to be given up."""
    source = redis_server("redis-8.2", config=SLOW_LOADING if side == "source" else {})
    target = redis_server("redis-8.2", config=SLOW_LOADING if side == "target" else {})
    dataset.fill(source.client, databases=(0, 5))
    server = source if side == "source" else target
    starting: list[threading.Thread] = []

    def restart() -> None:
        server.stop(save=True)
        starting.append(threading.Thread(target=server.start))
        starting[0].start()

    proxy = fault_proxy(server.port, redis=True)
    proxy.on_command("DUMP" if side == "source" else "RESTORE", restart, skip=100)
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    ends[side]["port"] = proxy.port
    watch = Watch(source, target)
    tried = attempt(**ends)
    starting[0].join()
    all_through(tried, source)
    watch.equal()
    watch.settle(tried, untouched=False)


def test_what_is_counted_while_it_loads_is_not_all(redis_server: ServerFactory, fault_proxy: Proxies) -> None:
    """Its first INFO is of the last moment of loading."""
    server = redis_server("redis-8.2")
    dataset.fill(server.client, databases=(0, 5))
    proxy = fault_proxy(server.port, redis=True)

    def loading(_command: bytes, reply: bytes) -> bytes:
        text = reply.split(b"\r\n", 1)[1][:-2]
        return bulk(re.sub(rb"keys=\d+", b"keys=1", text.replace(b"\nloading:0", b"\nloading:1")))

    proxy.rewrite_reply("INFO", loading, times=1)
    measured, _round_trip = measure(parse_endpoint(server.endpoint(port=proxy.port), "source"))
    assert not measured.loading
    assert measured.databases[0].keys == server.client(0).dbsize() > 1


def test_a_source_that_is_still_loading_is_not_taken_for_a_small_one(redis_server: ServerFactory) -> None:
    source = redis_server("redis-8.2", config=SLOW_LOADING)
    target = redis_server("redis-8.2")
    filled = dataset.fill(source.client, databases=(0, 5))
    source.stop(save=True)
    starting = threading.Thread(target=source.start)
    starting.start()
    ends = source.endpoint(), target.endpoint()
    until(lambda: "refused" not in attempt(*ends, check=True).error)
    tried = attempt(*ends)
    if starting.is_alive():
        assert "still loading its data" in tried.error, tried
        assert "run again" in tried.error
    starting.join()
    assert engine.migrate(*ends)["totals"]["scanned"] == filled.total
    found = compare(source, target)
    assert not found, report(found)


def unable_to_save(server: RedisServer) -> Callable[[], None]:
    """Its dump cannot be written: a directory is in the way. Returns what repairs that."""
    obstacle = server.directory / "dump.rdb"
    obstacle.unlink(missing_ok=True)
    obstacle.mkdir()
    client = server.client()

    def bgsave(status: str) -> None:
        def done() -> bool:
            with contextlib.suppress(Exception):
                client.bgsave()
            return bool(client.info("persistence")["rdb_last_bgsave_status"] == status)

        until(done)

    bgsave("err")

    def repair() -> None:
        obstacle.rmdir()
        bgsave("ok")

    return repair


def test_misconf(redis_server: ServerFactory, fault_proxy: Proxies) -> None:
    """A target that cannot save refuses writes; what passes is waited for, what stays is said."""
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2", config={"save": "900 1"})
    dataset.fill(source.client, databases=(0,))
    watch = Watch(source, target)
    target.client().set("its own", "1")
    repair = unable_to_save(target)
    tried = attempt(source, target, timeout=1)
    assert "MISCONF" in tried.error
    assert "cannot save to its disk" in tried.error
    assert "then run again" in tried.error
    repair()
    target.client().flushall()

    # In the middle of a run, and repaired after a second.
    target.client().config_set("stop-writes-on-bgsave-error", "no")
    repair = unable_to_save(target)

    def begin() -> None:
        target.client().config_set("stop-writes-on-bgsave-error", "yes")
        threading.Timer(1.0, repair).start()

    proxy = fault_proxy(target.port, redis=True)
    proxy.on_command("RESTORE", begin, skip=30)
    tried = attempt(source, target.endpoint(port=proxy.port))
    all_through(tried, source)
    assert tried.ok["reconnects"] >= 1
    watch.settle(tried)


def test_a_full_target_keeps_what_it_holds(filled: Pair) -> None:
    source, target = filled
    watch = Watch(source, target)
    target.client(9).mset({f"own:{number}": "x" * 1000 for number in range(50)})
    used = target.client().info("memory")["used_memory"]
    target.client().config_set("maxmemory", used + 400_000)
    tried = attempt(source, target)
    assert "OOM" in tried.error
    assert "The target server is full" in tried.error
    assert "then run again" in tried.error
    assert target.client(9).dbsize() == 50
    watch.counted_is_there(tried)
    arrived = sum(found["keys"] for found in target.client().info("keyspace").values()) - 50
    assert tried.result["in_doubt"] > 0 and arrived <= tried.result["totals"]["copied"] + tried.result["in_doubt"]
    assert tried.result["changed"] is True
    target.client().config_set("maxmemory", 0)
    target.client(9).flushdb()
    watch.settle(tried)


def test_no_more_connections(filled: Pair, fault_proxy: Proxies) -> None:
    source, target = filled
    watch = Watch(source, target)
    others = [target.client() for _number in range(3)]
    for other in others:
        other.ping()
    taken = target.client()
    taken.ping()
    taken.config_set("maxclients", len(taken.client_list()))
    tried = attempt(source, target, timeout=1)
    assert "takes no more connections" in tried.error
    assert "max number of clients" in tried.error
    taken.config_set("maxclients", 100)

    proxy = fault_proxy(target.port, redis=True)

    def crowd() -> None:
        taken.config_set("maxclients", 2)
        threading.Thread(target=proxy.cut_now).start()
        threading.Timer(1.5, taken.config_set, ("maxclients", 100)).start()

    proxy.on_command("RESTORE", crowd, skip=30)
    tried = attempt(source, target.endpoint(port=proxy.port))
    assert tried.ok["reconnects"] >= 1
    assert tried.ok["totals"]["copied"] == tried.ok["totals"]["scanned"]
    until(lambda: taken.config_get("maxclients")["maxclients"] == "100", 10)
    watch.settle(tried)
    for client in [*others, taken]:
        client.close()
