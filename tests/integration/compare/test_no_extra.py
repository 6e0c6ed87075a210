# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where both servers count the same keys, and nothing happened meanwhile, the target's keys are not walked; else they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster import runs
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module import redis_key_diff
from tests.support import engine
from tests.support.dataset import fill_benchmark
from tests.support.faultproxy import FaultProxy
from tests.support.servers import RedisServer

Pair = tuple[RedisServer, RedisServer]
KEYS = 3000


@pytest.fixture
def moved(server_pair: Pair) -> Pair:
    source, target = server_pair
    fill_benchmark(source.client(), "mixed", KEYS)
    engine.migrate(source, target)
    return server_pair


def scans(server: RedisServer) -> int:
    return int(server.command_calls().get("scan", 0))


@pytest.mark.parametrize("level", ["keys", "metadata", "values"])
def test_what_is_counted_is_not_walked(level: str, moved: Pair) -> None:
    source, target = moved
    before = scans(target)
    found = engine.diff(source, target, level=level)
    assert found["identical"]
    assert found["totals"]["source_keys"] == found["totals"]["target_keys"] == KEYS
    assert scans(target) == before


def test_a_key_too_many_is_found_by_a_walk(moved: Pair) -> None:
    source, target = moved
    target.client().set("one too many", "x")
    before = scans(target)
    found = engine.diff(source, target)
    assert [(one["key"], one["kind"]) for one in found["differences"]] == [("one too many", "extra")]
    assert scans(target) > before


def test_one_too_many_in_place_of_another(moved: Pair) -> None:
    source, target = moved
    target.client().rename("key:000000000006", "one too many")
    kinds = {one["key"]: one["kind"] for one in engine.diff(source, target)["differences"]}
    assert kinds == {"key:000000000006": "missing", "one too many": "extra"}


def deleted_and_made(client: Any) -> None:
    client.delete("key:000000000006")
    client.set("one too many", "x")


def expired_and_made(client: Any) -> None:
    client.pexpire("key:000000000006", 1)
    while client.exists("key:000000000006"):
        pass
    client.set("one too many", "x")


@pytest.mark.parametrize("change", [deleted_and_made, expired_and_made])
@pytest.mark.parametrize("level", ["keys", "values"])
def test_one_for_another_behind_the_walk(change: Callable[[Any], None], level: str, moved: Pair) -> None:
    """The counts are the same before and after; that something was written shows."""
    source, target = moved
    with FaultProxy(target.port) as proxy:
        ends = {"source": source.endpoint(), "target": target.endpoint(port=proxy.port)}
        options = engine._options("redis_key_diff", ends["source"], ends["target"], {"level": level})
        run = runs.comparison(redis_key_diff.plan_of(options))
        # By then the first keys have been compared, and the last ones not.
        while run.run(0.001).totals.source_keys < KEYS // 3:
            assert not run.progress.finished
        change(target.client())
        found = redis_key_diff.result_of(run.run())
    assert not found["identical"]
    assert ("one too many", "extra") in [(one["key"], one["kind"]) for one in found["differences"]]


def test_keys_that_are_selected_are_walked_at_both_ends(moved: Pair) -> None:
    source, target = moved
    target.client().set("key:too many", "x")
    found = engine.diff(source, target, match=["key:*"])
    assert [one["key"] for one in found["differences"]] == ["key:too many"]
