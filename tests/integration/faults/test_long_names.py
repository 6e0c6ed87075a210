# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys with enormous names that fail or differ: each is told exactly, and not all of them."""

from __future__ import annotations

import base64
from typing import Any

from tests.support.run import run_module
from tests.support.servers import RedisServer

MEGABYTE = 1_000_000


def names() -> list[bytes]:
    return [b"%d:\xff" % number + b"x" * (MEGABYTE - 3) for number in range(5)]


def told(entries: list[dict[str, Any]]) -> set[bytes]:
    assert all(len(entry["key"]) < 1000 for entry in entries)
    assert all(f"({MEGABYTE} bytes)" in entry["key"] or len(entry["key"]) < 20 for entry in entries)
    return {base64.b64decode(entry["key_base64"]) for entry in entries}


def test_long_names_are_exact_and_bounded(server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    for client, value in ((source.client(), 1), (target.client(), 2)):
        client.mset(dict.fromkeys(names(), value) | {b"short:%d" % number: value for number in range(20)})
    ends = {"source": source.endpoint(), "target": target.endpoint()}

    run = run_module("redis_migrate_keys", existing_keys="fail", max_failures=0, **ends)
    assert "25 of 25 keys could not be moved" in run.message
    assert "which lists 22 of them" in run.message
    failed = told(run.result["failures"])
    assert len(failed & set(names())) == 2 and len(failed) == 22
    assert run.result["failures_not_listed"] == 3

    compared = run_module("redis_key_diff", **ends).ok
    different = told(compared["differences"])
    assert len(different & set(names())) == 2 and len(different) == 22
    assert compared["differences_not_listed"] == 3
    assert run_module("redis_key_diff", max_differences=1, **ends).ok["differences_not_listed"] == 24
