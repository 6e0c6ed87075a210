# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends by Sentinels: found, followed through a failover, read from a replica; equal by an independent comparison."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.support import dataset, engine
from tests.support.engine import moved
from tests.support.oracle import compare, report
from tests.support.sentinels import Service

Services = Callable[..., Service]

SERVERS = pytest.mark.parametrize("name", ["redis-6.2", "redis-8.2", "valkey-9"])


@pytest.fixture
def service() -> Iterator[Services]:
    with contextlib.ExitStack() as stack:
        yield lambda *names, **options: stack.enter_context(Service(*names, **options))


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


@SERVERS
@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize("kill", [True, False], ids=["killed", "by command"])
def test_a_failover_in_the_middle(end: str, kill: bool, name: str, service: Services) -> None:
    ends = {"source": service(name), "target": service(name)}
    dataset.fill_benchmark(ends["source"].client(0), "mixed", 20_000)
    dataset.fill(ends["source"].primary.client, databases=(3,))
    # What has not reached the replica by then, a failover loses.
    assert ends["source"].client().wait(1, 5000) == 1
    run = engine.migration(ends["source"].endpoint(), ends["target"].endpoint(), timeout=60.0, max_keys_per_second=8000)
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
