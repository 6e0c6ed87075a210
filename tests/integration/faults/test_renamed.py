# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections break at any moment while keys get other names: each arrives once, whole, under its own."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.conftest import ServerFactory
from tests.support import dataset, engine
from tests.support.attempt import TEMPORARY, attempt, digest
from tests.support.engine import moved
from tests.support.faultproxy import FaultProxy
from tests.support.oracle import compare, report
from tests.support.renamed import undo

# Names of database 0 may not lie where those of database 1 go, and strings not where lists go.
RULES: dict[str, Any] = {
    "database_map": {"1": 0},
    "database_prefix": {"1": "db1:"},
    "rename": {"string:": r"\xff\n", "list:": "string:"},
}
OLD = {b"string:": b"\xff\n", b"list:": b"string:"}


def back(_number: int, name: bytes) -> tuple[int, bytes]:
    database, key = (1, name[4:]) if name.startswith(b"db1:") else (0, name)
    for old, new in OLD.items():
        if key.startswith(new):
            return database, old + key[len(new) :]
    return database, key


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("strategy", ["copy", "rebuild"])
def test_connections_break_while_keys_are_renamed(redis_server: ServerFactory, strategy: str, seed: int) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    filled = dataset.fill(source.client, databases=(0, 1), seed=seed)
    for number in (0, 1):
        with source.client(number) as client:
            for key in client.scan_iter():
                if key.startswith(b"\xff\n"):
                    client.delete(key)
            filled.keys[number] = client.dbsize()
    before = digest(source)
    chance = random.Random(seed)
    with FaultProxy(source.port) as at_source, FaultProxy(target.port) as at_target:
        for proxy in (at_source, at_target):
            for direction in ("to_server", "to_client"):
                proxy.cut_after(chance.randrange(20_000, 400_000), direction, times=5)
        ends = source.endpoint(port=at_source.port), target.endpoint(port=at_target.port)
        tried = attempt(*ends, strategy=strategy, large_key_bytes=4000, **RULES)
        assert not tried.error
        assert moved(tried.result) == {"scanned": filled.total, "copied": filled.total}
        assert tried.result["reconnects"] > 0
        for proxy in (at_source, at_target):
            proxy.cut_after(chance.randrange(20_000, 400_000), "to_client", times=3)
        assert engine.diff(*ends, **RULES)["identical"]
    assert moved(engine.migrate(source, target, prune=True, **RULES)) == {
        "scanned": filled.total,
        "unchanged": filled.total,
    }
    assert digest(source) == before
    with target.client() as client:
        assert not list(client.scan_iter(match=TEMPORARY + b"*"))
    undo(target, back)
    differences = compare(source, target)
    assert not differences, report(differences)
