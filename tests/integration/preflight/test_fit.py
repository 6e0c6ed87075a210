# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The preflight's findings on how two ends fit together, each made to occur on real servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import (
    Selection,
    parse_selection,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.finding import Verdict
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.preflight import preflight
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Question
from tests.support import engine
from tests.support.run import StartedModule, run_module
from tests.support.servers import RedisServer

ServerFactory = Callable[..., RedisServer]
Pair = tuple[RedisServer, RedisServer]


def look(source: dict[str, Any], target: dict[str, Any], **options: Any) -> dict[str, Verdict]:
    report = preflight(Question(source, target, options.pop("selection", Selection()), **options))
    return {finding.name: finding.verdict for finding in report.findings}


def fill(server: RedisServer, keys: int, database: int = 0, size: int = 10) -> None:
    with server.client(database) as client:
        client.mset({f"key:{number}": "x" * size for number in range(keys)})


# -- which databases ----------------------------------------------------------------------------------------------


def test_the_same_server(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2")
    fill(server, 3)
    found = look(server.endpoint(), server.endpoint(host="localhost"))
    assert found["same_server"].status == "fail"
    assert "database_map" in found["same_server"].next_step
    found = look(server.endpoint(), server.endpoint(), selection=Selection((0,), {0: 7}))
    assert found["same_server"].status == "ok"
    assert "different databases" in found["same_server"].message


def test_databases_that_do_not_exist(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-6.2"), redis_server("redis-8.2", databases=4)
    fill(source, 1, 12)
    found = look(source.endpoint(), target.endpoint())
    assert found["databases"].status == "fail"
    assert "no logical database 12 (it has 4: 0 to 3)" in found["databases"].message
    found = look(source.endpoint(), target.endpoint(), selection=Selection(None, {12: 3}))
    assert found["databases"].status == "ok"
    assert "12 to 3" in found["databases"].message


def test_two_databases_that_would_become_one(server_pair: Pair) -> None:
    source, target = server_pair
    fill(source, 1, 0)
    fill(source, 1, 1)
    found = look(source.endpoint(), target.endpoint(), selection=Selection(None, {1: 0}))
    assert found["databases"].status == "fail"
    assert "0 and 1" in found["databases"].message


# -- formats ------------------------------------------------------------------------------------------------------


def test_formats(upgrade_pair: Pair) -> None:
    source, target = upgrade_pair
    found = look(source.endpoint(), target.endpoint(), strategy="copy")
    assert found["formats"].status == "ok"


def test_formats_that_do_not_fit(downgrade_pair: Pair) -> None:
    source, target = downgrade_pair
    found = look(source.endpoint(), target.endpoint())
    assert found["formats"].status == "ok"
    assert "rebuilt" in found["formats"].message
    found = look(source.endpoint(), target.endpoint(), strategy="copy")
    assert found["formats"].status == "warn"
    assert "rebuild" in found["formats"].next_step


# -- keys ---------------------------------------------------------------------------------------------------------


def test_an_empty_source_and_prune(server_pair: Pair) -> None:
    source, target = server_pair
    found = look(source.endpoint(), target.endpoint())
    assert found["source_keys"].status == "warn"
    fill(target, 3)
    found = look(source.endpoint(), target.endpoint(), prune=True)
    assert found["source_keys"].status == "fail"
    assert "3 keys" in found["source_keys"].message


def test_an_earlier_run_is_continued(server_pair: Pair) -> None:
    source, target = server_pair
    fill(source, 2500)
    fill(source, 40, 4)
    run_module("redis_migrate_keys", source=source.endpoint(), target=target.endpoint())
    fill(source, 10, 5)
    found = look(source.endpoint(), target.endpoint())
    assert found["target_keys"].status == "ok"
    assert "2540 keys" in found["target_keys"].message
    assert "earlier run" in found["target_keys"].message
    assert look(source.endpoint(), target.endpoint(), existing_keys="skip")["target_keys"].status == "warn"
    found = look(source.endpoint(), target.endpoint(), existing_keys="fail")
    assert found["target_keys"].status == "fail"
    assert "2540 keys" in found["target_keys"].message


def test_keys_that_only_the_target_has(server_pair: Pair) -> None:
    source, target = server_pair
    fill(source, 5)
    fill(target, 8)
    with target.client(9) as client:
        client.set(b"caf\xe9", 1)
    found = look(source.endpoint(), target.endpoint())
    assert found["target_keys"].status == "fail"
    assert "4 keys that the source does not have" in found["target_keys"].message
    assert "'caf\\xe9' in database 9" in found["target_keys"].message
    found = look(source.endpoint(), target.endpoint(), prune=True)
    assert found["target_keys"].status == "warn"
    assert "delete 4 keys" in found["target_keys"].message
    # Only what the run concerns counts.
    chosen = Selection((0,), match=("key:[0-4]",))
    assert look(source.endpoint(), target.endpoint(), selection=chosen)["target_keys"].status == "ok"


def test_a_look_that_has_to_be_cut_short_says_so(server_pair: Pair) -> None:
    source, target = server_pair
    fill(source, 10)
    fill(target, 10)
    found = look(source.endpoint(), target.endpoint(), scan_seconds=0)
    assert found["target_keys"].status == "warn"
    assert "only 0 of 10" in found["target_keys"].message


def test_the_largest_key_is_named(server_pair: Pair) -> None:
    source, target = server_pair
    fill(source, 20)
    with source.client(6) as client:
        client.set("whale", "x" * 3_000_000)
    found = look(source.endpoint(), target.endpoint())
    assert found["large_keys"].status == "ok"
    assert "'whale' in database 6" in found["large_keys"].message
    assert "1 above 2.0 MiB" in found["large_keys"].message
    found = look(source.endpoint(), target.endpoint(), large_key_bytes=0)
    assert "pieces" not in found["large_keys"].message


def test_another_run_to_the_same_target(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    fill(source, 20_000)
    order = {"source": source.endpoint(), "target": target.endpoint(), "max_keys_per_second": 1000}
    other = StartedModule("redis_migrate_keys", order)
    try:
        with target.client() as client:
            while not client.dbsize():
                time.sleep(0.05)
        found = look(source.endpoint(), target.endpoint())
        assert found["other_runs"].status == "fail"
        assert "Another run is writing to database 0" in found["other_runs"].message
        found = look(source.endpoint(), target.endpoint(), selection=Selection((0,), {0: 1}))
        assert found["other_runs"].status == "ok"
    finally:
        other.kill()
        other.wait()


# -- memory -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ten_megabytes(redis_server: ServerFactory) -> RedisServer:
    source = redis_server("redis-6.2")
    fill(source, 1000, size=10_000)
    return source


def limited(redis_server: ServerFactory, megabytes: int, policy: str = "noeviction") -> RedisServer:
    return redis_server("redis-8.2", config={"maxmemory": f"{megabytes}mb", "maxmemory-policy": policy})


def test_a_target_that_is_too_small(redis_server: ServerFactory, ten_megabytes: RedisServer) -> None:
    found = look(ten_megabytes.endpoint(), limited(redis_server, 9).endpoint())
    assert found["target_memory"].status == "fail"
    assert "too little" in found["target_memory"].message
    assert "9.0 MiB (maxmemory)" in found["target_memory"].message
    found = look(ten_megabytes.endpoint(), limited(redis_server, 13).endpoint())
    assert found["target_memory"].status == "warn"
    found = look(ten_megabytes.endpoint(), limited(redis_server, 40).endpoint())
    assert found["target_memory"].status == "ok"


def test_what_is_there_already_needs_no_memory(redis_server: ServerFactory, ten_megabytes: RedisServer) -> None:
    target = limited(redis_server, 16)
    run_module("redis_migrate_keys", source=ten_megabytes.endpoint(), target=target.endpoint())
    found = look(ten_megabytes.endpoint(), target.endpoint())
    assert found["target_memory"].status == "ok"
    assert "About 0 bytes" in found["target_memory"].message


def test_only_the_chosen_databases_need_memory(redis_server: ServerFactory, ten_megabytes: RedisServer) -> None:
    fill(ten_megabytes, 10, 1)
    found = look(ten_megabytes.endpoint(), limited(redis_server, 9).endpoint(), selection=Selection((1,)))
    assert found["target_memory"].status == "ok"


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru"])
def test_a_target_that_evicts(redis_server: ServerFactory, ten_megabytes: RedisServer, policy: str) -> None:
    found = look(ten_megabytes.endpoint(), limited(redis_server, 12, policy).endpoint())
    assert found["target_eviction"].status == "fail"
    assert policy in found["target_eviction"].message
    found = look(ten_megabytes.endpoint(), limited(redis_server, 400, policy).endpoint())
    assert found["target_eviction"].status == "warn"
    boundless = redis_server("redis-8.2", config={"maxmemory-policy": policy})
    assert look(ten_megabytes.endpoint(), boundless.endpoint())["target_eviction"].status == "ok"


# -- functions, modules, backend ----------------------------------------------------------------------------------


def test_functions(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-8.2")
    code = "#!lua name=shop\nredis.register_function('total', function() return 1 end)"
    with source.client() as client, target.client() as other:
        assert look(source.endpoint(), target.endpoint())["functions"].status == "ok"
        client.function_load(code)
        found = look(source.endpoint(), target.endpoint())
        assert found["functions"].status == "ok"
        assert "will be loaded at the target: shop" in found["functions"].message
        other.acl_setuser("mover", enabled=True, passwords=["+pw"], commands=["+@all", "-function|load"], keys=["*"])
        mover = target.endpoint(username="mover", password="pw")
        found = look(source.endpoint(), mover)
        assert (found["functions"].status, "+function|load" in found["functions"].next_step) == ("fail", True)
        assert look(source.endpoint(), mover, functions="none")["functions"].status == "warn"
        client.acl_setuser("reader", enabled=True, passwords=["+pw"], commands=["+@all", "-function"], keys=["*"])
        found = look(source.endpoint(username="reader", password="pw"), target.endpoint())
        assert found["functions"].status == "warn" and "cannot be asked" in found["functions"].message
        other.function_load(code.replace("return 1", "return 2"))
        for policy, status in (("update", "warn"), ("skip", "warn"), ("fail", "fail")):
            assert look(source.endpoint(), target.endpoint(), functions=policy)["functions"].status == status
        other.function_load(code, replace=True)
        assert look(source.endpoint(), target.endpoint())["functions"].status == "ok"
    found = look(source.endpoint(), redis_server("redis-6.2").endpoint())
    assert found["functions"].status == "fail"


def test_settings(redis_server: ServerFactory) -> None:
    source = redis_server("redis-8.2")
    memory = redis_server("redis-8.2", config={"hash-max-listpack-entries": 7})
    found = look(source.endpoint(), memory.endpoint())["settings"]
    assert found.status == "ok" and "hash-max-listpack-entries" in found.message
    behaviour = redis_server("redis-8.2", config={"timeout": 7})
    found = look(source.endpoint(), behaviour.endpoint())["settings"]
    assert found.status == "warn" and "timeout '0' becomes '7'" in found.message
    assert "differ as well" not in found.message
    for name, value, expected in (
        ("hash-max-listpack-entries", 7, " 1 other differs as well."),
        ("set-max-intset-entries", 7, " 2 others differ as well."),
    ):
        behaviour.client().config_set(name, value)
        assert expected in look(source.endpoint(), behaviour.endpoint())["settings"].message
    source.client().acl_setuser("few", enabled=True, passwords=["+pw"], commands=["+@all", "-config"], keys=["*"])
    found = look(source.endpoint(username="few", password="pw"), behaviour.endpoint())["settings"]
    assert found.status == "warn" and "cannot be compared" in found.message
    assert "+config|get" in found.next_step
    assert look(source.endpoint(), behaviour.endpoint(), config_compare=False)["settings"].status == "ok"


def test_modules_that_come_with_a_server_are_no_obstacle(redis_server: ServerFactory) -> None:
    found = look(redis_server("redis-8.2").endpoint(), redis_server("valkey-9").endpoint())
    assert found["modules"].status == "ok"
    assert "vectorset" in found["modules"].message


def test_the_backend_must_be_one(server_pair: Pair) -> None:
    source, target = server_pair
    exposed = target.endpoint(backend={"host": "red297348-master-1.data.eu01.onstackit.cloud"})
    found = look(source.endpoint(), exposed, strategy="copy")
    assert found["backend"].status == "warn"
    found = look(source.endpoint(), exposed, strategy="migrate")
    assert found["backend"].status == "fail"
    assert "internal" in found["backend"].next_step
    good = target.endpoint(backend={"host": "127.0.0.1", "port": target.port})
    assert look(source.endpoint(), good, strategy="migrate")["backend"].status == "ok"
    assert "none is needed" in look(source.endpoint(), target.endpoint())["backend"].message


def test_the_backend_must_be_this_target_with_these_credentials(redis_server: ServerFactory) -> None:
    source, target, other = (
        redis_server("redis-6.2"),
        redis_server("redis-8.2", password="pw"),
        redis_server("redis-8.2"),
    )
    wrong = target.endpoint(backend={"host": "127.0.0.1", "port": target.port, "password": "wrong"})
    found = look(source.endpoint(), wrong, strategy="migrate")
    assert found["backend"].status == "fail"
    assert "credentials" in found["backend"].message
    elsewhere = redis_server("redis-8.2").endpoint(backend={"host": "127.0.0.1", "port": other.port})
    found = look(source.endpoint(), elsewhere, strategy="migrate")
    assert found["backend"].status == "fail"
    assert "another server" in found["backend"].message


def test_two_keys_of_one_name(server_pair: Pair) -> None:
    source, target = server_pair
    source.client().mset({"old:1": "a", "x": "b"})
    source.client(1).set("y", "c")
    rules: dict[str, Any] = {"rename": {"old:": "new:"}, "database_map": {"1": 0}, "database_prefix": {"1": "db1:"}}
    chosen = parse_selection(rules)
    found = look(source.endpoint(), target.endpoint(), selection=chosen)
    assert (found["key_names"].status, found["databases"].status) == ("ok", "ok")
    engine.migrate(source, target, **rules)
    found = look(source.endpoint(), target.endpoint(), selection=chosen)
    assert "3 keys, all of which the source has" in found["target_keys"].message
    assert look(source.endpoint(), target.endpoint())["target_keys"].status == "fail"
    source.client().set("new:1", "d")
    found = look(source.endpoint(), target.endpoint(), selection=chosen)
    assert found["key_names"].status == "fail"
    assert "'new:1'" in found["key_names"].message
    assert look(source.endpoint(), target.endpoint())["key_names"].status == "ok"
