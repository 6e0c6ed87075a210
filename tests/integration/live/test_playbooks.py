# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook migrate with redis_migration_live: plain endpoints, and writers that nobody tells to stop."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import dataset
from tests.support.attempt import until
from tests.support.oracle import compare, report
from tests.support.report_schema import check_run
from tests.support.run import PlaybookRun, run_playbook
from tests.support.servers import RedisServer
from tests.support.writers import Writers

SharedServer = Callable[..., RedisServer]


def inventory(source: RedisServer, target: RedisServer, **variables: Any) -> dict[str, Any]:
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    return {"redis_migrations": {"hosts": {"orders": {**ends, **variables}}}}


def assert_nothing_left(directory: Path, *servers: RedisServer) -> None:
    until(lambda: not (directory / f"redis-migration-live-{os.getuid()}").exists(), 30)
    for server in servers:
        with server.admin() as client:
            until(lambda: not any("redis_migration" in one["name"] for one in client.client_list()), 5)


def run_under_writers(
    source: RedisServer, target: RedisServer, directory: Path, **variables: Any
) -> tuple[PlaybookRun, dict[str, Any]]:
    """A run that pauses writes; both ends are compared while it does, in the tasks of the cutover. Its report, too."""
    for number in (0, 3):
        dataset.fill_benchmark(source.client(number), "mixed", 1500)
    ask, done = directory / "ask", directory / "done"
    paused = {"endpoint": source.endpoint(), "state": "paused"}
    tasks = [
        {"dataservices.redis_migration.redis_isolation": paused, "check_mode": True, "register": "pause"},
        {"ansible.builtin.assert": {"that": "pause.paused"}},
        {"ansible.builtin.file": {"path": str(ask), "state": "touch"}},
        {"ansible.builtin.wait_for": {"path": str(done), "timeout": 60}},
    ]
    (directory / "switch.yml").write_text(yaml.safe_dump(tasks))
    paths = {"redis_migration_cutover_tasks": "switch.yml", "redis_migration_backup_dir": "backup"}
    hosts = inventory(source, target, redis_migration_isolate="pause", **paths, **variables)
    found = []

    def switch() -> None:
        until(ask.exists, 300)
        found.append(compare(source, target))
        done.touch()

    with Writers(source, databases=(0, 3)) as writers:
        switching = threading.Thread(target=switch, daemon=True)
        switching.start()
        environment = {"XDG_RUNTIME_DIR": str(directory)}
        run = run_playbook("migrate", hosts, directory=directory, environment=environment).ok
        switching.join()
        before = writers.commands
        until(lambda: writers.commands > before, 10)
    assert "skipping:" not in run.output
    (differences,) = found
    assert not differences, report(differences)
    assert "orders: PROVED equal" in run.output
    assert (directory / "backup" / "orders.rdb").exists()
    check_run(directory / "redis-migration-report/latest")
    (migration,) = json.loads((directory / "redis-migration-report" / "report.json").read_text())["migrations"]
    assert migration["status"] == "proved"
    assert [part["phase"] for part in migration["downtime"]["parts"]][-2:] == ["release", "ansible"]
    timeline = migration["timeline"]
    assert sum(one["seconds"] for one in timeline["phases"]) + timeline["other_seconds"] == pytest.approx(
        timeline["seconds"], abs=0.1
    )
    moving = "drain" if migration["live"] else "migrate"
    assert {"preflight", "follow", moving, "release"} <= {one["phase"] for one in timeline["phases"]}
    assert timeline["stop"][1] == migration["downtime_seconds"]
    assert migration["waiting"] and "clients were waiting with a command when the pause ended" in run.output
    assert_nothing_left(directory, source, target)
    return run, migration


def roll_back(source: RedisServer, target: RedisServer, directory: Path, **variables: Any) -> PlaybookRun:
    hosts = inventory(source, target, redis_migration_rollback_data=True, **variables)
    return run_playbook("rollback", hosts, directory=directory, environment={"XDG_RUNTIME_DIR": str(directory)})


def test_writers_are_held_back_for_the_last_changes_only(shared_server: SharedServer, tmp_path: Path) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)
    run, migration = run_under_writers(source, target, tmp_path, redis_migration_live=True)
    assert "compared while applications wrote and unchanged since" in run.output
    assert migration["migrate"] is None
    live = migration["live"]
    assert live["verified"]["unchanged_since"] > 0 and live["totals"]["moved"] >= 3000
    assert sum(live["verified"].values()) == migration["verify"]["totals"]["source_keys"] == live["source_keys"]
    assert live["lag_over_time"]

    # And back: what the source was written since the pause is not at the target, and goes.
    with target.client(3) as client:
        client.hset("since", mapping={"the": "cutover"})
        client.function_load("#!lua name=since\nredis.register_function('cutover', function() return 1 end)")
    done = roll_back(source, target, tmp_path, redis_migration_rollback_overwrite=True).ok
    assert done.changed > 0 and "skipping:" not in done.output
    assert source.client(3).hgetall("since") == {b"the": b"cutover"}
    assert source.client().fcall("cutover", 0) == 1
    differences = compare(source, target)
    assert not differences, report(differences)
    assert_nothing_left(tmp_path, source, target)


def test_a_source_that_cannot_be_followed_is_copied_first_and_compared_after(
    redis_server: Callable[..., RedisServer], shared_server: SharedServer, tmp_path: Path
) -> None:
    user = "user mover on nopass ~* &* +@all -client|tracking"
    source, target = redis_server("redis-7.0", acl_lines=[user]), shared_server("redis-8.2", 2)
    mover = {"redis_migration_source": source.endpoint(username="mover", password="any")}
    run, migration = run_under_writers(source, target, tmp_path, redis_migration_live="auto", **mover)
    said = " ".join(run.output.split())
    assert "it gives no feed of changes" in said and "everything is copied while applications write" in said
    assert "change_feed" in said
    assert migration["live"] is None
    moved = migration["migrate"]["totals"]
    assert moved["unchanged"] > moved["copied"] + moved["updated"], "most of it was there before the stop"
    assert moved["pruned"] > 0


def test_a_rollback_spares_what_may_be_newer_at_the_source(shared_server: SharedServer, tmp_path: Path) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)

    def refused(because: str) -> None:
        said = " ".join(roll_back(source, target, tmp_path).output.split())
        assert "FAILED in rollback" in said and because in said, said[-3000:]
        with source.client(0) as client:
            assert client.get("newer") == b"at the source" and not client.exists("since")

    with target.client(0) as client:
        client.set("since", "the cutover")
    with target.client(5) as client:
        client.set("of", "others")
    with source.client(0) as application:
        application.set("newer", "at the source")
        refused("Somebody uses the source")
    refused("The target holds keys in database 5")
    with target.client(5) as client:
        client.flushdb()
    refused("set redis_migration_rollback_overwrite true")


def test_check_mode_says_that_nobody_is_kept_away_and_what_is_waited_for(
    shared_server: SharedServer, tmp_path: Path
) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)
    gate = str(tmp_path / "gate")
    hosts = inventory(source, target, redis_migration_live=True, redis_migration_cutover_gate=gate)
    with source.client(0) as application:
        application.set("one", "key")
        run = run_playbook("migrate", hosts, "--check", "--skip-tags", "isolate", directory=tmp_path).ok
    said = " ".join(run.output.split())
    assert re.search(r"warn source_clients: 1 client .* This run keeps nobody away from it", said), said
    assert f"A run would wait until somebody makes the file {gate}" in said


def test_writers_that_nobody_stopped_fail_the_drain_and_the_report_says_so(
    shared_server: SharedServer, tmp_path: Path
) -> None:
    source, target = shared_server("redis-7.0"), shared_server("redis-8.2", 2)
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    with Writers(source, databases=(0,)) as writers:
        until(lambda: writers.commands > 100, 10)
        hosts = inventory(source, target, redis_migration_live=True)
        run = run_playbook("migrate", hosts, directory=tmp_path, environment=environment)
    said = " ".join(run.output.split())
    assert run.returncode == 2, said
    assert re.search(r"orders: FAILED in drain: The target was not proved equal to the source: .*still writes", said), (
        said
    )
    check_run(tmp_path / "redis-migration-report/latest")
    assert_nothing_left(tmp_path, source, target)


def test_a_task_of_the_cutover_that_fails_is_named_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "switch.yml").write_text(
        yaml.safe_dump([{"name": "Switch DNS", "ansible.builtin.fail": {"msg": "no"}}])
    )
    role = {"name": "dataservices.redis_migration.cutover", "rolespec_validate": False}
    variables = {
        "redis_migration_cutover_tasks": "switch.yml",
        "__redis_migration_moved": False,
        "__redis_migration_verification": [],
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": variables,
        "tasks": [{"ansible.builtin.include_role": role}],
    }
    said = " ".join(run_playbook([play], {}, directory=tmp_path).output.split())
    assert f"The task 'Switch DNS' in {tmp_path}/switch.yml failed: no. Both ends are proved equal" in said
