# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends by Sentinels: found, followed through a failover, read from a replica; equal by an independent comparison."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.support import dataset, engine
from tests.support.attempt import until
from tests.support.engine import moved
from tests.support.oracle import compare, report
from tests.support.sentinels import Service

Services = Callable[..., Service]

SERVERS = pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2", "valkey-9"])


def assert_equal(source: Service, target: Service) -> None:
    found = compare(source.client, target.client)
    assert not found, report(found)


@SERVERS
def test_source_and_target_are_found(name: str, service: Services) -> None:
    source, target = service(name, password="of-the-servers"), service(name)
    total = dataset.fill(source.primary.client, databases=(0, 3)).total

    done = engine.migrate(source.endpoint(), target.endpoint())

    assert moved(done) == {"scanned": total, "copied": total}
    assert_equal(source, target)
    assert engine.diff(source.endpoint(), target.endpoint())["identical"]


@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize(("name", "kill"), [("redis-6.2", True), ("valkey-9", True), ("redis-8.2", False)])
def test_a_failover_in_the_middle(end: str, kill: bool, name: str, service: Services) -> None:
    ends = {"source": service(name), "target": service(name)}
    fail_in_the_middle(ends, end, kill=kill)


@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize("strategy", ["migrate", "rebuild"])
def test_a_failover_in_the_middle_of_other_strategies(end: str, strategy: str, service: Services) -> None:
    ends = {"source": service("redis-8.2"), "target": service("redis-8.2")}
    fail_in_the_middle(ends, end, strategy=strategy)


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_primary_that_becomes_one_again(end: str, service: Services) -> None:
    """A name that leads to several servers is refused; of a service that is nothing wrong."""
    ends = {"source": service("redis-8.2"), "target": service("redis-8.2")}
    dataset.fill_benchmark(ends["source"].client(0), "mixed", 3000)
    assert ends["source"].client().wait(1, 5000) == 1
    first = ends[end].primary
    run = engine.migration(ends["source"].endpoint(), ends["target"].endpoint(), timeout=60.0)
    run.run(0.001)
    for _time in range(2):
        ends[end].fail_over(kill=False)
        until(lambda: ends[end].replicas[0].client().info("replication")["role"] == "slave")
        until(lambda: ends[end].replicas[0].client().info("replication")["master_link_status"] == "up")
        run = engine.resumed(run)
        run.run(0.001)
    assert ends[end].primary is first
    run = engine.resumed(run)
    run.run()
    assert run.progress.restarts == 2
    assert_equal(ends["source"], ends["target"])


def test_the_replica_that_is_read_becomes_the_primary(service: Services) -> None:
    ends = {"source": service("redis-8.2"), "target": service("redis-8.2", sentinels=1)}
    fail_in_the_middle(ends, "source", prefer_replica=True)


def fail_in_the_middle(
    ends: dict[str, Service], end: str, *, kill: bool = True, prefer_replica: bool = False, strategy: str = "copy"
) -> None:
    """Replace the primary of one end while keys are moved: equal in the end, and noticed."""
    dataset.fill_benchmark(ends["source"].client(0), "mixed", 20_000)
    dataset.fill(ends["source"].primary.client, databases=(3,))
    # What has not reached the replica by then, a failover loses.
    assert ends["source"].client().wait(1, 5000) == 1
    run = engine.migration(
        ends["source"].endpoint(prefer_replica=prefer_replica),
        ends["target"].endpoint(),
        timeout=60.0,
        max_keys_per_second=8000,
        strategy=strategy,
    )
    first = ends[end].primary
    failing = threading.Timer(0.8, ends[end].fail_over, kwargs={"kill": kill})
    failing.start()
    try:
        progress = run.run()
    finally:
        failing.join()

    assert ends[end].primary is not first
    assert progress.restarts >= 1
    assert_equal(ends["source"], ends["target"])


@pytest.mark.parametrize("name", ["redis-6.2", "valkey-9"])
def test_a_replica_is_read_where_it_is_preferred(name: str, service: Services) -> None:
    source, target = service(name), service(name)
    total = dataset.fill(source.primary.client, databases=(0, 3)).total
    primary, (replica,) = source.primary, source.replicas
    before = [server.command_calls().get("dump", 0) for server in (primary, replica)]

    done = engine.migrate(source.endpoint(prefer_replica=True), target.endpoint())

    dumps = [
        server.command_calls().get("dump", 0) - was for server, was in zip((primary, replica), before, strict=True)
    ]
    assert moved(done) == {"scanned": total, "copied": total}
    assert dumps[0] == 0 and dumps[1] > 0
    assert_equal(source, target)
    assert engine.diff(source.endpoint(prefer_replica=True), target.endpoint())["identical"]
    assert moved(engine.migrate(source.endpoint(prefer_replica=True), target.endpoint(), strategy="rebuild")) == {
        "scanned": total,
        "unchanged": total,
    }


def test_a_replica_that_dies_is_replaced_by_who_is_left(service: Services) -> None:
    source, target = service("redis-8.2"), service("redis-8.2", sentinels=1)
    dataset.fill_benchmark(source.client(), "mixed", 20_000)
    (replica,) = source.replicas
    run = engine.migration(
        source.endpoint(prefer_replica=True), target.endpoint(), timeout=60.0, max_keys_per_second=8000
    )
    dying = threading.Timer(0.8, replica.kill)
    dying.start()
    try:
        progress = run.run()
    finally:
        dying.join()
    assert progress.restarts == 1
    assert_equal(source, target)


def test_what_was_written_last_at_the_primary_is_read_at_the_replica(service: Services) -> None:
    """A replica that lags: a connection to it waits until it holds what the primary held."""
    source, target = service("redis-8.2", sentinels=1), service("redis-8.2", sentinels=1)
    (replica,) = source.replicas
    source.client().set("early", 1)
    replica.pause()
    source.client().set("late", 1)
    threading.Timer(0.3, replica.resume).start()
    engine.migrate(source.endpoint(prefer_replica=True), target.endpoint())
    assert target.client().exists("early", "late") == 2
