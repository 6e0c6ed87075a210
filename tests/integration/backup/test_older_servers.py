# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file of a newer server, or of another kind, comes into a server that does not understand its encodings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ServerFactory
from tests.support import backups, dataset
from tests.support.run import run_module

PAIRS = [("redis-8.2", "redis-7.0"), ("redis-8.2", "redis-6.2"), ("redis-8.2", "valkey-9"), ("valkey-9", "redis-8.2")]
PAIRS += [("redis-7.0", "redis-6.2"), ("valkey-9", "redis-7.0")]


@pytest.mark.parametrize(("from_name", "to_name"), PAIRS)
def test_what_the_server_does_not_understand_is_made_by_commands(
    from_name: str, to_name: str, redis_server: ServerFactory, tmp_path: Path
) -> None:
    source, target = redis_server(from_name), redis_server(to_name)
    keys = dataset.fill(source.client).keys
    if backups.knows_field_ttl(source) and backups.knows_field_ttl(target):
        dataset.fill_hash_ttls(source.client())
    total = sum(source.client(number).dbsize() for number in keys)
    source.client().save()
    file = str(source.directory / "dump.rdb")

    done = run_module("redis_restore", endpoint=target.endpoint(), src=file).ok

    assert done["totals"]["restored"] == total
    backups.assert_equal(source, target)
    again = run_module("redis_restore", endpoint=target.endpoint(), src=file, existing_keys="skip").ok
    assert (again["changed"], again["totals"]["skipped"]) == (False, total)
    if from_name == "redis-8.2":
        done = run_module("redis_restore", endpoint=target.endpoint(), src=file, existing_keys="replace").ok
        assert done["totals"]["restored"] == total
        backups.assert_equal(source, target)


@pytest.mark.parametrize(("from_name", "to_name"), [("redis-8.2", "redis-6.2"), ("redis-8.2", "valkey-9")])
def test_large_values_are_made_by_commands_too(from_name: str, to_name: str, redis_server: ServerFactory) -> None:
    """Those above the buffers, which go through a file."""
    source, target = redis_server(from_name), redis_server(to_name)
    client = source.client()
    text = "x" * 300
    with client.pipeline(transaction=False) as pipeline:
        pipeline.rpush("list", *(f"element {number} {text}" for number in range(20_000)))
        for number in range(1, 20_001):
            pipeline.xadd("stream", {"field": f"{number} {text}"}, f"{number}-1")
        pipeline.xgroup_create("stream", "group", "0")
        pipeline.xreadgroup("group", "reader", {"stream": ">"}, count=100)
        pipeline.xdel("stream", "7-1", "20000-1")
        if to_name == "valkey-9":
            pipeline.hset("hash", mapping={f"field {number}": text for number in range(20_000)})
            pipeline.execute_command("HPEXPIRE", "hash", 5_000_000, "FIELDS", 2, "field 1", "field 19999")
            pipeline.execute_command("HPEXPIRE", "hash", 6_000_000, "FIELDS", 1, "field 2")
        pipeline.execute()
    client.pexpire("list", 3_600_000)
    client.save()

    done = run_module("redis_restore", endpoint=target.endpoint(), src=str(source.directory / "dump.rdb")).ok

    assert done["totals"]["restored"] == client.dbsize()
    backups.assert_equal(source, target)


def test_fields_that_expire_need_a_server_that_knows_it(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-7.0")
    source.client().hset("hash", mapping={"a": 1, "b": 2})
    source.client().execute_command("HPEXPIRE", "hash", 5_000_000, "FIELDS", 1, "a")
    source.client().set("text", 1)
    source.client().save()

    run = run_module("redis_restore", endpoint=target.endpoint(), src=str(source.directory / "dump.rdb"))

    assert "fields of this hash expire by themselves, and Redis 7.0.15 knows no expiry of fields" in run.message
    assert target.client().keys() == [b"text"]
