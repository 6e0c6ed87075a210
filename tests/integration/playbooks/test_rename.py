# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases are joined and prefixes replaced by whole playbooks, cold and live, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ServerFactory
from tests.support import dataset
from tests.support.oracle import compare, report
from tests.support.renamed import undo
from tests.support.run import run_playbook
from tests.support.servers import RedisServer

from .test_playbooks import failed, one
from .test_playbooks import report as report_of

RULES: dict[str, Any] = {
    "redis_migration_database_map": {1: 0},
    "redis_migration_database_prefix": {1: "db1:"},
    "redis_migration_rename": {"string:": r"\xff", "hash:": "h:"},
}


def back(_number: int, name: bytes) -> tuple[int, bytes]:
    database, key = (1, name[4:]) if name.startswith(b"db1:") else (0, name)
    for old, new in ((b"string:", b"\xff"), (b"hash:", b"h:")):
        if key.startswith(new):
            return database, old + key[len(new) :]
    return database, key


@pytest.fixture
def ends(redis_server: ServerFactory) -> tuple[RedisServer, RedisServer]:
    return redis_server("redis-7.0"), redis_server("redis-8.2")


@pytest.mark.parametrize("live", [False, True], ids=["cold", "live"])
def test_databases_are_joined(ends: tuple[RedisServer, RedisServer], tmp_path: Path, live: bool) -> None:
    source, target = ends
    filled = dataset.fill(source.client, databases=(0, 1))
    for number in (0, 1):
        # Such a name would be that of a renamed key, or a wrong way back.
        with source.client(number) as client:
            client.delete("-", *(key for key in client.scan_iter() if key.startswith(b"\xff")))
            filled.keys[number] = client.dbsize()
    hosts = one(source, target, redis_migration_live=live, **RULES)
    assert run_playbook("migrate", hosts, directory=tmp_path).ok
    (migration,) = report_of(tmp_path)["migrations"]
    assert migration["status"] == "proved"
    assert migration["verify"]["totals"]["source_keys"] == filled.total
    again = run_playbook("migrate", hosts, directory=tmp_path).ok
    assert again.changed == 0
    assert run_playbook("verify", hosts, directory=tmp_path).ok
    # And back: refused in words, whether with data or without.
    said = failed(
        run_playbook("rollback", one(source, target, redis_migration_rollback_data=True, **RULES), directory=tmp_path)
    )
    assert "Keys have other names at the target" in " ".join(said.split())
    undo(target, back)
    differences = compare(source, target)
    assert not differences, report(differences)


def test_two_keys_of_one_name_end_in_the_preflight(ends: tuple[RedisServer, RedisServer], tmp_path: Path) -> None:
    source, target = ends
    source.client().mset({"hash:1": 1, "h:1": 2})
    said = failed(run_playbook("migrate", one(source, target, **RULES), directory=tmp_path))
    assert "key_names" in said
    assert "'h:1'" in said
    assert target.client().dbsize() == 0
