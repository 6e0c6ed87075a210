# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules and playbooks with ends named by Sentinels: results, following through a failover, backup, no secret shown."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.connect import client
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._isolation.pause import is_paused
from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import process_identity
from tests.conftest import ServerFactory
from tests.support import dataset
from tests.support.attempt import until
from tests.support.oracle import compare, report
from tests.support.run import run_module, run_playbook
from tests.support.sentinels import NAME, Service
from tests.support.servers import HOST

Services = Callable[..., Service]

SERVERS_SECRET, SENTINELS_SECRET = "s3cret-of-the-servers", "s3cret-of-the-sentinels"


def assert_equal(source: Service, target: Service) -> None:
    found = compare(source.client, target.client)
    assert not found, report(found)


@pytest.fixture
def guarded(service: Services) -> Service:
    return service("redis-8.2", password=SERVERS_SECRET, sentinel_options={"password": SENTINELS_SECRET})


def assert_no_secret(*texts: str) -> None:
    for text in texts:
        assert SERVERS_SECRET not in text and SENTINELS_SECRET not in text


def test_modules_show_the_service_and_where_it_was_found(guarded: Service, redis_server: ServerFactory) -> None:
    guarded.client().set("a", 1)
    target = redis_server("redis-8.2")
    moved = run_module("redis_migrate_keys", source=guarded.endpoint(), target=target.endpoint())
    assert moved.ok["totals"]["copied"] == 1
    checked = run_module("redis_preflight_info", source=guarded.endpoint(), target=target.endpoint())
    assert checked.ok["plan"]["source"]["address"] == f"{HOST}:{guarded.primary.port} (service {NAME})"
    info = run_module("redis_keyspace_info", endpoint=guarded.endpoint(prefer_replica=True))
    assert info.ok["server"]["role"] == "slave"
    wrong = run_module("redis_keyspace_info", endpoint=guarded.endpoint(sentinel={"password": "another-s3cret"}))
    assert "WRONGPASS" in wrong.result["msg"]
    for run in (moved, checked, info, wrong):
        assert_no_secret(json.dumps(run.result), run.stderr)
        assert "another-s3cret" not in json.dumps(run.result)


@pytest.mark.parametrize("prefer_replica", [False, True])
def test_a_backup_of_a_service_goes_back_into_another(prefer_replica: bool, service: Services, tmp_path: Path) -> None:
    source, target = service("redis-6.2", sentinels=1), service("redis-8.2", sentinels=1)
    dataset.fill(source.primary.client, databases=(0, 3))
    end = source.endpoint(prefer_replica=prefer_replica)
    dest = str(tmp_path / "dump.rdb")
    assert run_module("redis_backup", endpoint=end, dest=dest).ok["changed"]
    said = run_module("redis_restore", endpoint=target.endpoint(prefer_replica=True), src=dest).result["msg"]
    assert "restored into a primary" in said
    assert run_module("redis_restore", endpoint=target.endpoint(), src=dest).ok["changed"]
    assert_equal(source, target)


@pytest.mark.parametrize("end", ["source", "target"])
def test_a_live_run_follows_through_a_failover(
    end: str, service: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    ends = {"source": service("redis-6.2"), "target": service("valkey-9")}
    dataset.fill_benchmark(ends["source"].client(), "mixed", 3000)
    assert ends["source"].client().wait(1, 5000) == 1
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        options: dict[str, Any] = {
            "source": ends["source"].endpoint(),
            "target": ends["target"].endpoint(),
            "owner": {"pid": owner.pid, "identity": process_identity(owner.pid)},
        }
        try:
            assert run_module("redis_live_sync", state="started", **options).ok["following"]
            assert run_module("redis_live_sync", state="caught_up", patience_seconds=60, **options).ok["finished"]
            ends[end].fail_over()
            ends["source"].client().mset({f"later:{number}": number for number in range(200)})
            # The address that was found has changed, and it is the same run.
            assert not run_module("redis_live_sync", state="started", **options).ok["changed"]
            caught_up = run_module("redis_live_sync", state="caught_up", patience_seconds=60, **options).ok
            drained = run_module("redis_live_sync", state="drained", **options).ok
        finally:
            owner.communicate(b"\n")
    assert caught_up["restarts"] >= 1
    assert drained["proved"]
    assert_equal(ends["source"], ends["target"])


def test_a_pause_goes_along_to_the_new_primary(service: Services) -> None:
    watched = service("redis-8.2")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        told = {"pid": owner.pid, "identity": process_identity(owner.pid)}
        options = {"endpoint": watched.endpoint(), "with_playbook": True, "owner": told, "pause_seconds": 3600}
        paused = run_module("redis_isolation", state="paused", **options).ok
        watched.fail_over()
        until(lambda: _paused(watched), 15)
        assert run_module("redis_isolation", state="released", guard=paused["guard"], **options).ok["changed"]
        assert not _paused(watched)
        owner.communicate(b"\n")


def _paused(watched: Service) -> bool | None:
    endpoint = parse_endpoint(watched.endpoint(), "endpoint")
    with client(endpoint) as redis_client:
        return is_paused(redis_client, endpoint)


def test_a_tunnel_to_a_service_is_refused(service: Services) -> None:
    end = service("redis-8.2", sentinels=1).endpoint()
    said = run_module("cf_ssh_tunnel", endpoint=end, app="jumphost", api_url="https://api.example").result["msg"]
    assert "Sentinel" in said


@pytest.mark.parametrize("prefer_replica", [False, True])
def test_the_playbook_migrates_from_service_to_service(
    prefer_replica: bool, guarded: Service, service: Services, tmp_path: Path
) -> None:
    target = service("redis-8.2", sentinels=1)
    dataset.fill(guarded.primary.client, databases=(0, 3))
    ends = {
        "redis_migration_source": guarded.endpoint(prefer_replica=prefer_replica),
        "redis_migration_target": target.endpoint(),
        "redis_migration_isolate": "wait",
        "redis_migration_isolate_quiet_seconds": 1,
    }
    inventory = {"redis_migrations": {"hosts": {"orders": ends}}}
    run = run_playbook("migrate", inventory, directory=tmp_path)
    run.ok  # noqa: B018
    assert_equal(guarded, target)
    made = (tmp_path / "redis-migration-report" / "report.json").read_text()
    found = json.loads(made)["migrations"][0]["source"]["address"]
    shown = guarded.replicas[0] if prefer_replica else guarded.primary
    assert found == f"{HOST}:{shown.port} (service {NAME})"
    assert_no_secret(run.output, made)
    again = run_playbook("migrate", inventory, directory=tmp_path)
    assert again.ok.changed == 0


def test_the_playbook_asks_for_the_field_that_was_meant(service: Services, tmp_path: Path) -> None:
    end = {"sentinel": {"servce_name": "mymaster", "hosts": ["a"]}}
    inventory = {
        "redis_migrations": {
            "hosts": {"orders": {"redis_migration_source": end, "redis_migration_target": {"host": HOST}}}
        }
    }
    run = run_playbook("migrate", inventory, directory=tmp_path)
    assert run.returncode
    assert "Did you mean service_name?" in run.output
