# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Functions move with the data, and settings that differ are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ServerFactory
from tests.support import backups
from tests.support.run import PlaybookRun, run_module, run_playbook
from tests.support.servers import RedisServer

OTHER_CODE = backups.LIBRARY.replace("LLEN", "SCARD")
SECOND = backups.LIBRARY.replace("name=orders", "name=second").replace("'count'", "'other'")


@pytest.mark.parametrize(
    ("source_name", "target_name"),
    [("redis-7.0", "redis-8.2"), ("redis-8.2", "redis-7.0"), ("redis-8.2", "valkey-9"), ("valkey-9", "redis-8.2")],
)
def test_functions_are_brought_along_once(source_name: str, target_name: str, redis_server: ServerFactory) -> None:
    """By their code, so that also an older server takes them."""
    source, target = redis_server(source_name), redis_server(target_name)
    backups.load_library(source.client(), backups.LIBRARY)
    backups.load_library(source.client(), SECOND)
    options = {"source": source.endpoint(), "target": target.endpoint()}

    planned = run_module("redis_functions", check=True, **options).ok
    assert planned["changed"]
    assert planned["libraries"]["loaded"] == ["orders", "second"]
    assert backups.libraries(target) == []

    assert run_module("redis_functions", **options).ok["libraries"]["loaded"] == ["orders", "second"]
    assert backups.libraries(target) == backups.libraries(source)
    target.client().rpush("list", 1, 2, 3)
    assert target.client().fcall("count", 1, "list") == 3

    again = run_module("redis_functions", **options).ok
    assert not again["changed"]
    assert again["libraries"]["unchanged"] == ["orders", "second"]


def test_libraries_of_the_target(redis_server: ServerFactory) -> None:
    source, target = redis_server(), redis_server()
    backups.load_library(source.client(), backups.LIBRARY)
    backups.load_library(target.client(), OTHER_CODE)
    backups.load_library(target.client(), SECOND)
    options = {"source": source.endpoint(), "target": target.endpoint()}

    assert "other code: orders" in run_module("redis_functions", existing="fail", **options).message
    skipped = run_module("redis_functions", existing="skip", **options).ok
    assert (skipped["changed"], skipped["libraries"]["skipped"]) == (False, ["orders"])
    assert backups.libraries(target) == sorted([OTHER_CODE.encode(), SECOND.encode()])

    assert run_module("redis_functions", **options).ok["libraries"]["replaced"] == ["orders"]
    assert backups.libraries(target) == sorted([backups.LIBRARY.encode(), SECOND.encode()])

    pruned = run_module("redis_functions", prune=True, **options).ok
    assert (pruned["changed"], pruned["libraries"]["deleted"]) == (True, ["second"])
    assert backups.libraries(target) == [backups.LIBRARY.encode()]


def test_a_function_that_another_library_has_is_found_before_anything_is_loaded(redis_server: ServerFactory) -> None:
    """A function's name is unique in a server: the load of the second library would fail after the first's."""
    source, target = redis_server(), redis_server()
    backups.load_library(source.client(), backups.LIBRARY)
    backups.load_library(source.client(), SECOND)
    # Nor may it differ in capitals only.
    backups.load_library(target.client(), SECOND.replace("name=second", "name=third").replace("'other'", "'Other'"))
    options = {"source": source.endpoint(), "target": target.endpoint()}
    found = run_module("redis_preflight_info", **options).ok["findings"]
    (functions,) = [one for one in found if one["name"] == "functions"]
    assert functions["status"] == "fail"
    planned, real = run_module("redis_functions", check=True, **options), run_module("redis_functions", **options)
    for told in (functions["message"] + functions["next_step"], planned.message, real.message):
        assert "'other' of library 'second' is in library 'third' there" in told
        assert "FUNCTION DELETE third" in told
    assert not real.result["changed"]
    assert len(backups.libraries(target)) == 1
    # What is deleted anyway is in nobody's way.
    assert run_module("redis_functions", prune=True, **options).ok["libraries"]["loaded"] == ["orders", "second"]
    # Nor is what is replaced first.
    backups.load_library(source.client(), backups.LIBRARY.replace("'count'", "'tally'"))
    backups.load_library(source.client(), SECOND.replace("'other'", "'count'"))
    assert run_module("redis_functions", **options).ok["libraries"]["replaced"] == ["orders", "second"]


def test_a_library_that_the_target_refuses_is_named(redis_server: ServerFactory) -> None:
    source = redis_server()
    target = redis_server(acl_lines=["user few on >secret ~* &* +@all -function|load"])
    backups.load_library(source.client(), backups.LIBRARY)
    ends = {"source": source.endpoint(), "target": target.endpoint(username="few", password="secret")}
    run = run_module("redis_functions", **ends)
    assert "1 library was refused: 'orders'" in run.message and "NOPERM" in run.message
    assert not run.result["changed"]
    assert run.result["libraries"]["failed"][0]["library"] == "orders"
    backups.load_library(source.client(), SECOND)
    assert "2 libraries were refused, first 'orders'" in run_module("redis_functions", **ends).message


def test_a_target_without_functions(redis_server: ServerFactory) -> None:
    source, target = redis_server("redis-7.0"), redis_server("redis-6.2")
    options = {"source": source.endpoint(), "target": target.endpoint()}
    assert not run_module("redis_functions", **options).ok["changed"]
    backups.load_library(source.client(), backups.LIBRARY)
    assert "orders" in run_module("redis_functions", **options).message
    back = run_module("redis_functions", source=target.endpoint(), target=source.endpoint()).ok
    assert not back["changed"]


def _compared(source: RedisServer, target: RedisServer, **fields: str) -> dict[str, Any]:
    return run_module("redis_config_compare_info", source=source.endpoint(), target=target.endpoint(**fields)).ok


def test_equal_settings(redis_server: ServerFactory) -> None:
    found = _compared(redis_server("redis-8.2"), redis_server("redis-8.2"))
    assert (found["comparable"], found["identical"], found["differences"]) == (True, True, [])


def test_settings_that_differ_are_told_under_the_name_of_today(redis_server: ServerFactory) -> None:
    source = redis_server("redis-6.2", config={"hash-max-ziplist-entries": 64, "lua-time-limit": 777})
    target = redis_server(
        "redis-8.2", config={"maxmemory-policy": "allkeys-lru", "notify-keyspace-events": "KEA"}, databases=4
    )
    found = _compared(source, target)
    assert (found["comparable"], found["identical"], found["changed"]) == (True, False, False)
    told = {item["setting"]: (item["source"], item["target"]) for item in found["differences"]}
    assert told["maxmemory-policy"] == ("noeviction", "allkeys-lru")
    assert told["databases"] == ("16", "4")
    assert told["hash-max-listpack-entries"][0] == "64"
    assert told["busy-reply-threshold"] == ("777", "5000")
    assert told["acl-pubsub-default"] == ("allchannels", "resetchannels")
    assert set(told["notify-keyspace-events"][1]) == set("AKE")
    assert "client-output-buffer-limit" not in told
    assert all(item["meaning"].endswith(".") for item in found["differences"])
    assert "set-max-listpack-entries" in found["only_at_target"]
    assert found["only_at_source"] == []


def test_settings_that_may_not_be_seen_are_no_failure(redis_server: ServerFactory) -> None:
    source = redis_server("redis-7.0")
    target = redis_server("redis-7.0", acl_lines=["user few on >secret ~* +@all -config"])
    found = _compared(source, target, username="few", password="secret")
    assert (found["comparable"], found["identical"], found["differences"]) == (False, None, [])
    assert "NOPERM" in str(found["refusals"])


def _migrate(
    source: RedisServer, target: RedisServer, directory: Path, *arguments: str, **variables: Any
) -> PlaybookRun:
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    hosts = {"redis_migrations": {"hosts": {"orders": {**ends, **variables}}}}
    return run_playbook("migrate", hosts, *arguments, directory=directory)


def _report(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "redis-migration-report" / "report.json").read_text())
    return found["migrations"][0]


def test_a_migration_brings_functions_along_proves_them_and_tells_settings(
    redis_server: ServerFactory, tmp_path: Path
) -> None:
    source = redis_server("redis-7.0", config={"notify-keyspace-events": "KEA", "hll-sparse-max-bytes": 1234})
    target = redis_server("redis-8.2")
    source.client().set("key", "value")
    backups.load_library(source.client(), backups.LIBRARY)
    backups.load_library(source.client(), SECOND)
    backups.load_library(target.client(), OTHER_CODE)

    planned = _migrate(source, target, tmp_path, "--check", "--diff").ok
    assert "Functions (would be): second new; orders replaced." in planned.output
    assert "SCARD" in planned.output and "LLEN" in planned.output, "--diff shows the code"
    assert backups.libraries(target) == [OTHER_CODE.encode()]

    first = _migrate(source, target, tmp_path).ok
    assert first.changed == 2
    assert "other code, which will be replaced: orders" in first.output
    assert "notify-keyspace-events" in first.output
    assert backups.libraries(target) == backups.libraries(source)
    told = _report(tmp_path)
    assert told["migrate"]["functions"]["replaced"] == ["orders"]
    assert {one["name"]: one["status"] for one in told["verify"]["findings"]}["functions"] == "ok"
    assert "hll-sparse-max-bytes" in {one["setting"] for one in told["preflight"]["plan"]["settings"]["differences"]}
    page = (tmp_path / "redis-migration-report" / "report.html").read_text()
    assert "hll-sparse-max-bytes" in page and "orders replaced" in page

    before = target.write_calls()
    again = _migrate(source, target, tmp_path, redis_migration_config_compare=False).ok
    assert again.changed == 0 and target.write_calls() == before
    assert "notify-keyspace-events" not in again.output
    assert "Functions" not in again.output.split("Show what was moved")[1].split("TASK")[0]


def test_verification_covers_functions_and_the_policy_decides(redis_server: ServerFactory, tmp_path: Path) -> None:
    source, target = redis_server("redis-8.2"), redis_server("redis-8.2")
    source.client().set("key", "value")
    target.client().set("key", "value")
    backups.load_library(source.client(), backups.LIBRARY)
    run = _migrate(source, target, tmp_path, "--tags", "verify")
    assert run.returncode == 2 and "missing at the target: orders" in run.output
    # Without preflight, too.
    assert _migrate(source, target, tmp_path, "--tags", "migrate").ok.changed == 1
    backups.load_library(target.client(), OTHER_CODE)
    run = _migrate(source, target, tmp_path, redis_migration_functions="skip").ok
    assert run.changed == 0 and "orders left as they were" in run.output
    assert backups.libraries(target) == [OTHER_CODE.encode()]
