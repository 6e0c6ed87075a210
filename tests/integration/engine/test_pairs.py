# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything a Redis can hold arrives, whole and equal, across versions and flavors, by each strategy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import UPGRADES, ServerFactory, pair_id, soak
from tests.support import dataset, engine
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report

PAIRS = [*UPGRADES, ("redis-6.2", "valkey-9")]


@pytest.mark.parametrize(
    ("pair", "strategy"),
    [
        # Each pair and each strategy once; the long run takes every pair by every strategy.
        pytest.param(pair, strategy) if (number % 2 == 0) == (strategy == "copy") else soak(pair, strategy)
        for number, pair in enumerate(PAIRS)
        for strategy in ("copy", "migrate")
    ],
    ids=lambda value: value if isinstance(value, str) else pair_id(value),
)
def test_all_sixteen_databases_arrive_and_a_second_run_writes_nothing(
    pair: tuple[str, str], strategy: str, redis_server: ServerFactory
) -> None:
    source, target = redis_server(pair[0]), redis_server(pair[1])
    filled = dataset.fill(source.client, databases=range(16), size="medium")

    done = engine.migrate(source, target, strategy=strategy)

    assert engine.moved(done) == {"scanned": filled.total, "copied": filled.total}, done["failures"]
    assert {int(number): counters["copied"] for number, counters in done["databases"].items()} == filled.keys
    assert done["strategy"] == strategy
    found = compare(source, target)
    assert not found, report(found)

    writes = source.write_calls(), target.write_calls()
    again = engine.migrate(source, target, strategy=strategy, prune=True)
    assert engine.moved(again) == {"scanned": filled.total, "unchanged": filled.total}
    assert not again["changed"]
    assert (source.write_calls(), target.write_calls()) == writes

    proved = engine.diff(source, target)
    assert proved["identical"], proved["differences"]
    assert proved["totals"]["source_keys"] == proved["totals"]["target_keys"] == filled.total
    assert (source.write_calls(), target.write_calls()) == writes


@pytest.mark.parametrize("pair", [("redis-8.2", "redis-8.2"), ("valkey-9", "valkey-9")], ids=pair_id)
@pytest.mark.parametrize("strategy", ["copy", "migrate"])
def test_hash_fields_keep_their_expiries(pair: tuple[str, str], strategy: str, redis_server: ServerFactory) -> None:
    source, target = redis_server(pair[0]), redis_server(pair[1])
    dataset.fill(source.client, databases=(0,))
    dataset.fill_hash_ttls(source.client())

    done = engine.migrate(source, target, strategy=strategy)

    assert done["totals"]["copied"] == source.client().dbsize(), done["failures"]
    found = compare(source, target)
    assert not found, report(found)
    assert engine.diff(source, target)["identical"]


def test_strategy_auto_says_what_it_took_and_why(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2")
    source.client().set("a", 1)

    plain = engine.migrate(source, target, strategy="auto")
    assert plain["strategy"] == "copy"
    assert "backend" in plain["strategy_reason"]

    near = engine.migrate(source, target.endpoint(backend={"host": "127.0.0.1", "port": target.port}), strategy="auto")
    assert near["strategy"] == "copy"
    assert "near" in near["strategy_reason"]


def test_strategy_auto_takes_migrate_when_both_ends_are_far_and_it_is_permitted(
    redis_server: ServerFactory, fault_proxy: Callable[..., FaultProxy]
) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    dataset.fill(source.client, databases=(0, 3))
    near, far = fault_proxy(source.port, latency=0.02), fault_proxy(target.port, latency=0.02)
    backend = {"host": "127.0.0.1", "port": target.port}

    done = engine.migrate(
        source.endpoint(port=near.port), target.endpoint(port=far.port, backend=backend), strategy="auto"
    )

    assert done["strategy"] == "migrate", done["strategy_reason"]
    assert source.command_calls()["migrate"] > 0
    found = compare(source, target)
    assert not found, report(found)


@pytest.mark.parametrize("forbidden", ["renamed", "acl", "frontend", "unknowable"])
def test_strategy_auto_stays_with_copy_where_migrate_cannot_be(
    forbidden: str, redis_server: ServerFactory, fault_proxy: Callable[..., FaultProxy]
) -> None:
    options = {
        "renamed": {"config": {"rename-command MIGRATE": ""}},
        "acl": {"acl_lines": ["user default on nopass ~* &* +@all -migrate"]},
        "frontend": {},
        "unknowable": {"acl_lines": ["user default on nopass ~* &* +@all -multi"]},
    }[forbidden]
    source, target = redis_server("redis-7.0", **options), redis_server("redis-8.2")
    source.client(username="default", password="").set("a", 1)
    near, far = fault_proxy(source.port, latency=0.02), fault_proxy(target.port, latency=0.02)
    host = "x-1.data.eu01.onstackit.cloud" if forbidden == "frontend" else "127.0.0.1"

    done = engine.migrate(
        source.endpoint(port=near.port),
        target.endpoint(port=far.port, backend={"host": host, "port": target.port}),
        strategy="auto",
    )

    assert done["strategy"] == "copy"
    assert "MIGRATE cannot be used" in done["strategy_reason"]
    assert done["totals"]["copied"] == 1
    assert not source.command_calls().get("migrate")
