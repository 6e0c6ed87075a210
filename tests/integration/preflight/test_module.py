# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""redis_preflight_info as a module: all findings at once, nothing written, nothing secret told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.preflight import NAMES
from tests.support.paths import REPO
from tests.support.run import ModuleRun, run_module, run_playbook
from tests.support.servers import RedisServer

ServerFactory = Callable[..., RedisServer]


def preflight(source: dict[str, Any], target: dict[str, Any], **options: Any) -> ModuleRun:
    return run_module("redis_preflight_info", source=source, target=target, **options)


def by_name(run: ModuleRun) -> dict[str, dict[str, str]]:
    return {finding["name"]: finding for finding in run.ok["findings"]}


def fill(server: RedisServer, keys: int, database: int = 0, **options: Any) -> None:
    with server.client(database) as client:
        pipeline = client.pipeline(transaction=False)
        for number in range(keys):
            pipeline.set(f"key:{number}", f"value {number}", **options)
        pipeline.execute()


def test_all_is_well(server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    fill(source, 900)
    fill(source, 100, 3, ex=1000)
    written = source.write_calls(), target.write_calls()
    run = preflight(source.endpoint(), target.endpoint())
    assert [finding["name"] for finding in run.ok["findings"]] == list(NAMES)
    assert {finding["status"] for finding in run.ok["findings"]} == {"ok"}, run.ok["summary"]
    assert all(finding["message"] and not finding["next_step"] for finding in run.ok["findings"])
    assert run.ok["passed"] is True
    assert run.ok["changed"] is False
    assert run.ok["left_out"] == []
    assert run.ok["summary"] == f"{len(NAMES)} checks: all is well."
    plan = run.ok["plan"]
    assert plan["databases"] == [
        {"source": 0, "target": 0, "keys": 900, "expires": 0, "target_keys": 0},
        {"source": 3, "target": 3, "keys": 100, "expires": 100, "target_keys": 0},
    ]
    assert (plan["keys"], plan["expires"], plan["strategy"]) == (1000, 100, "copy")
    sample = plan["sample"]
    assert (sample["keys"], sample["types"]["string"]["keys"]) == (1000, 1000)
    assert (sample["ttl"]["never"], sample["ttl"]["under_1_hour"]) == (900, 100)
    assert sample["prefixes"] == [{"prefix": "key:", "keys": 1000, "bytes": sample["bytes"]}]
    assert 30_000 < plan["bytes"] < 500_000
    assert plan["source"]["product"].startswith("Redis 6.2")
    assert plan["source"]["clients"] == []
    # Not a single write command arrived, not even one that was refused.
    assert (source.write_calls(), target.write_calls()) == written


def test_everything_that_is_wrong_is_said_at_once(redis_server: ServerFactory) -> None:
    source = redis_server("redis-8.2", password="secret-of-the-source")
    target = redis_server("redis-6.2", databases=2, config={"maxmemory": "1200kb", "maxmemory-policy": "allkeys-lru"})
    fill(source, 20_000)
    fill(source, 1, 5)
    fill(target, 5)
    with target.client() as client:
        client.set("own", 1)
    run = preflight(
        source.endpoint(),
        target.endpoint(backend={"host": "red1.data.eu01.onstackit.cloud"}),
        strategy="migrate",
        existing_keys="update",
    )
    found = by_name(run)
    failing = {name for name, finding in found.items() if finding["status"] == "fail"}
    assert failing == {"databases", "target_keys", "target_memory", "target_eviction", "backend"}, run.ok["summary"]
    assert found["formats"]["status"] == "warn"
    assert run.ok["passed"] is False
    assert all(finding["next_step"] for finding in found.values() if finding["status"] != "ok")


def test_an_end_that_does_not_answer_costs_only_its_own_checks(redis_server: ServerFactory) -> None:
    source = redis_server("redis-6.2", password="right")
    target = redis_server("redis-8.2")
    run = preflight(source.endpoint(password="wrong-sentinel"), target.endpoint())
    found = by_name(run)
    assert found["source_reachable"]["status"] == "fail"
    assert "password" in found["source_reachable"]["next_step"]
    assert "Not checked" not in found["source_reachable"]["message"]
    assert re.search(r"Not checked until then: source_version, .* and \d+ more", found["source_reachable"]["next_step"])
    assert "source_permissions" in run.ok["left_out"]
    assert set(found) | set(run.ok["left_out"]) == set(NAMES)
    assert found["target_reachable"]["status"] == found["target_permissions"]["status"] == "ok"
    assert run.ok["passed"] is False
    assert "source" not in run.ok["plan"]
    assert "wrong-sentinel" not in json.dumps({**run.result, "invocation": None}) + run.stderr


def test_both_ends_at_once_and_no_secret_in_a_malformed_url(redis_server: ServerFactory) -> None:
    target = redis_server("redis-8.2")
    port = target.port
    target.stop()
    run = preflight({"url": "redis://user:sen%tinel-4711@host"}, {"host": "127.0.0.1", "port": port})
    found = by_name(run)
    assert found["source_reachable"]["status"] == found["target_reachable"]["status"] == "fail"
    assert "percent-encoded" in found["source_reachable"]["next_step"]
    assert "refused" in found["target_reachable"]["message"]
    assert "tinel-4711" not in json.dumps(run.result) + run.stderr


def test_an_accepted_failure_is_a_warning_that_says_so(server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    fill(source, 1)
    with target.client() as client:
        client.set("own", 1)
    assert preflight(source.endpoint(), target.endpoint()).ok["passed"] is False
    run = preflight(source.endpoint(), target.endpoint(), ignore=["target_keys", "clocks"])
    found = by_name(run)
    assert run.ok["passed"] is True
    assert found["target_keys"]["status"] == "warn"
    assert "Accepted as told" in found["target_keys"]["message"]
    assert found["clocks"]["status"] == "ok"
    assert "Accepted" not in found["clocks"]["message"]


def test_unknown_findings_cannot_be_ignored(server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    run = preflight(source.endpoint(), target.endpoint(), ignore=["target_keys", "target_kys"])
    assert "target_kys" in run.message
    assert "target_keys" in run.message


def test_options_that_make_no_sense_are_refused(server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    run = preflight(source.endpoint(), target.endpoint(), database_map={"0": "three"})
    assert "database_map" in run.message
    assert "scan_seconds is nan" in preflight(source.endpoint(), target.endpoint(), scan_seconds="nan").message
    found = by_name(preflight(source.endpoint(timeout="nan"), target.endpoint()))
    assert "timeout must be above 0 seconds; nan is not" in found["source_reachable"]["message"]


def test_a_password_that_nobody_asks_for(redis_server: ServerFactory) -> None:
    server = redis_server("redis-8.2")
    found = by_name(preflight(server.endpoint(password="unasked"), server.endpoint()))["source_reachable"]
    assert found["message"].endswith("configuration is correct?")


def test_check_mode_is_the_same(server_pair: tuple[RedisServer, RedisServer]) -> None:
    source, target = server_pair
    fill(source, 10)
    run = run_module("redis_preflight_info", check=True, source=source.endpoint(), target=target.endpoint())
    assert run.ok["passed"] is True
    assert len(run.ok["findings"]) == len(NAMES)


def test_every_finding_is_documented() -> None:
    documented = (REPO / "plugins" / "modules" / "redis_preflight_info.py").read_text().split("  ignore:")[1]
    assert re.findall(r"C\((\w+)\)", documented.split("    type: list")[0]) == list(NAMES)


def test_a_playbook_says_everything_at_once_and_accepts_what_the_inventory_accepts(
    redis_server: ServerFactory, tmp_path: Path
) -> None:
    source = redis_server("redis-8.2")
    target = redis_server("redis-6.2", databases=2)
    fill(source, 10)
    fill(source, 1, 5)
    target.client().set("own", 1)
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    accepting = {"redis_migration_databases": [0], "redis_migration_preflight_ignore": ["target_keys"]}
    hosts = {"redis_migrations": {"hosts": {"refused": ends, "accepted": {**ends, **accepting}}}}
    run = run_playbook("migrate", hosts, "--tags", "preflight", directory=tmp_path)
    assert run.returncode == 2
    assert run.stats["accepted"]["failures"] == 0 and run.stats["refused"]["failures"] == 1
    plan = run.output.split("Show the plan")[1].split("TASK")[0]
    said = dict(re.findall(r"^ok: \[(\w+)\] => (.*?)^}", plan, re.MULTILINE | re.DOTALL))
    refused, accepted = said["refused"], said["accepted"]
    for text in ("fail  databases: ", "fail  target_keys: ", " -> Choose with 'databases'", "2 failures"):
        assert text in refused
    assert "redis_migration_preflight_ignore, by the name before the colon" in refused
    assert "warn  target_keys: " in accepted and "Accepted as told: 'target_keys'" in accepted
    assert "refused: FAILED in preflight: (1) databases: " in run.output and "(2) target_keys: " in run.output
    # Where it is found, and in the result at the end.
    assert run.output.count("Choose with 'databases'") == 2
