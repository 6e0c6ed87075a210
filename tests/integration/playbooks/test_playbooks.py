# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks as an operator runs them: ansible-playbook, real servers, a real inventory."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shlex
import stat
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import soak
from tests.support import dataset, oracle
from tests.support.examples import gitlab_job
from tests.support.paths import REPO
from tests.support.report_schema import check_run
from tests.support.run import PlaybookRun, run_playbook
from tests.support.servers import RedisServer

SENTINEL = "sEnTiNeL"
REPORT = "redis-migration-report"

Pair = tuple[RedisServer, RedisServer]


PERMISSIONS = [
    ("copy", "", "+restore +mset +msetnx"),
    ("migrate", "+migrate", "+restore +del +pttl"),
    soak("rebuild", "", ""),
]


def inventory(hosts: dict[str, Any], **variables: Any) -> dict[str, Any]:
    return {"redis_migrations": {"hosts": hosts, "vars": variables}}


def one(source: RedisServer, target: RedisServer, **variables: Any) -> dict[str, Any]:
    ends = {"redis_migration_source": {"url": source.url()}, "redis_migration_target": target.endpoint()}
    return inventory({"orders": {**ends, **variables}})


def report(directory: Path) -> dict[str, Any]:
    """The newest, of the form that is documented."""
    check_run(directory / REPORT / "latest")
    found: dict[str, Any] = json.loads((directory / REPORT / "report.json").read_text())
    return found


def runs(directory: Path) -> list[Path]:
    """The directories of all runs, the oldest first."""
    return sorted(path for path in (directory / REPORT).iterdir() if path.is_dir() and not path.is_symlink())


def failed(run: PlaybookRun) -> str:
    assert run.returncode == 2, run.output[-4000:]
    return run.output


def test_a_migration_is_moved_proved_and_then_left_alone(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    filled = dataset.fill(source.client)
    hosts = one(source, target)

    first = run_playbook("migrate", hosts, directory=tmp_path).ok
    assert first.changed == 1
    assert first.stats["orders"]["skipped"] == 0, "a run lists what it does"
    # Included files count too.
    assert first.stats["orders"]["ok"] <= 19, "each task is felt where there are many migrations"
    assert f"Moved {filled.total} keys" in first.output
    assert oracle.compare(source, target) == []
    told = report(tmp_path)
    assert told["summary"]["proved"] == 1
    assert told["summary"]["keys_moved"] == told["summary"]["keys_proved"] == filled.total

    before = source.write_calls(), target.write_calls()
    second = run_playbook("migrate", hosts, directory=tmp_path).ok
    assert second.changed == second.stats["orders"]["skipped"] == 0
    assert f"Nothing to do: {filled.total} keys" in second.output
    assert (source.write_calls(), target.write_calls()) == before

    moving, last = runs(tmp_path)
    assert json.loads((moving / "report.json").read_text()) == told
    assert (moving.name[-8:], os.readlink(tmp_path / REPORT / "latest")) == ("-migrate", last.name)
    assert f'href="../{moving.name}/report.html#m-orders"' in (last / "report.html").read_text()
    for name in ("report.json", "junit.xml"):
        assert (tmp_path / REPORT / name).read_bytes() == (last / name).read_bytes()
    assert f'href="{moving.name}/report.html#m-orders"' in (tmp_path / REPORT / "report.html").read_text()
    assert (tmp_path / REPORT / "index.html").read_text().count("report.json</a>") == 2
    cases = [case.get("name", "") for case in ET.parse(last / "junit.xml").iter("testcase")]
    assert {"orders: migrate (move the keys)", "orders: verify (prove both ends equal)"} <= set(cases)


def test_check_mode_predicts_and_writes_nothing_anywhere(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    filled = dataset.fill(source.client, databases=(0, 3))
    before = source.write_calls(), target.write_calls()
    shown = {"ANSIBLE_SHOW_CUSTOM_STATS": "1"}
    # As the example of a pipeline does it.
    job = gitlab_job("plan")
    _program, playbook, _i, _inventory, *arguments = shlex.split(job["script"][0])
    run = run_playbook(playbook, one(source, target), *arguments, "--diff", directory=tmp_path, environment=shown).ok
    for collected in (*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]):
        assert (tmp_path / collected).exists(), collected
    assert run.changed == 1 and run.stats["orders"]["skipped"] == 0
    assert f"Would move {filled.total} keys" in run.output
    assert "database 3: user:1:name" in run.output, "--diff names the keys"
    assert (source.write_calls(), target.write_calls()) == before
    assert [path.name for path in tmp_path.iterdir()] == [REPORT], "nothing but the plan"
    (planned,) = runs(tmp_path)
    check_run(planned)
    assert json.loads((planned / "plan.json").read_text())["summary"]["keys"] == filled.total
    for name in ("plan.json", "plan.md", "junit.xml"):
        assert (tmp_path / REPORT / name).read_bytes() == (planned / name).read_bytes()
    assert f"It would move **{filled.total} keys**" in (planned / "plan.md").read_text()
    assert not (tmp_path / REPORT / "report.json").exists(), "which is of the last run that was none in check mode"
    assert f'"run": "{planned.name}"' in run.output.split("CUSTOM STATS")[1], "what AWX hands on"
    assert target.client().dbsize() == 0


def test_tags_choose_phases_and_credentials_are_known_to_each(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0,))
    hosts = one(source, target)

    run = run_playbook("migrate", hosts, "--tags", "verify", directory=tmp_path)
    assert "missing" in failed(run)
    assert report(tmp_path)["migrations"][0]["failure"]["phase"] == "verify"

    run = run_playbook("migrate", hosts, "--tags", "preflight", directory=tmp_path).ok
    assert run.changed == 0 and target.client().dbsize() == 0

    run = run_playbook("migrate", hosts, "--skip-tags", "verify,report", directory=tmp_path).ok
    assert run.changed == 1 and "Compare the keys" not in run.output and "Write the report" not in run.output

    assert run_playbook("migrate", hosts, "--tags", "verify", directory=tmp_path).ok
    assert run_playbook("verify", hosts, directory=tmp_path).ok.stats["orders"]["skipped"] == 0


def test_limit_runs_one_of_many(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0, 1))
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    hosts = inventory({"zero": {"redis_migration_databases": [0]}, "one": {"redis_migration_databases": [1]}}, **ends)
    run = run_playbook("migrate", hosts, "--limit", "one", directory=tmp_path).ok
    assert set(run.stats) == {"one"}
    assert target.client().dbsize() == 0 and target.client(1).dbsize() > 0


def test_each_migration_keeps_the_order_of_its_phases(server_pair: Pair, tmp_path: Path) -> None:
    """Ansible includes what only one of them asks for behind what all do."""
    source, target = server_pair
    dataset.fill(source.client, databases=(0, 1))
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    asks = {"redis_migration_isolate": "wait", "redis_migration_isolate_quiet_seconds": 0.1}
    hosts = {"plain": {"redis_migration_databases": [0]}, "waits": {"redis_migration_databases": [1], **asks}}
    run = run_playbook("migrate", inventory(hosts, **ends), directory=tmp_path).ok
    tasks = re.findall(r"^TASK \[(?:[\w.]+ : )?([^\]]+)\][ *]*\n((?:(?!TASK)(?!\n).*\n)*)", run.output, re.MULTILINE)
    of_one = [name for name, shown in tasks if re.search(r": \[waits\b", shown)]
    names = ["Check both ends", "Wait until the source is quiet", "Move the keys", "Compare the keys"]
    assert [name for name in of_one if name in names] == names, run.output


def test_a_failure_stops_only_its_own_migration(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0,))
    dead = {"host": "127.0.0.1", "port": 1}
    good = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    bad = {"redis_migration_source": dead, "redis_migration_target": target.endpoint()}
    run = run_playbook("migrate", inventory({"bad": bad, "good": good}), directory=tmp_path)
    text = failed(run)
    # In the plan, and once more at the end.
    assert text.count("connection refused") == 2
    assert "skipping:" not in text
    assert run.stats["good"]["failures"] == 0 and run.stats["bad"]["failures"] == 1
    assert {found["name"]: found["status"] for found in report(tmp_path)["migrations"]} == {
        "bad": "failed",
        "good": "proved",
    }


BAD_VARIABLES = {
    "no source": ({"redis_migration_source": None}, ["redis_migration_source"]),
    "misspelt": ({"redis_migration_strategi": "copy"}, ["redis_migration_strategi", "redis_migration_strategy"]),
    "choice": ({"redis_migration_strategy": "fast"}, ["redis_migration_strategy", "auto, copy, migrate, rebuild"]),
    "type": ({"redis_migration_max_failures": "many"}, ["redis_migration_max_failures", "int"]),
    "url as text": ({"redis_migration_source": f"redis://{SENTINEL}@h"}, ["redis_migration_source", "dictionary"]),
    "unknown field": (
        {"redis_migration_source": {"hots": "x", "password": SENTINEL}},
        ["redis_migration_source has no field hots"],
    ),
    "secret in the port": (
        {"redis_migration_source": {"host": "h", "port": SENTINEL}},
        ["redis_migration_source", "port"],
    ),
    "malformed url": ({"redis_migration_source": {"url": f"redis://a:{SENTINEL}%@h"}}, ["source.url", "%"]),
    "later phase": ({"redis_migration_verify_level": "all"}, ["redis_migration_verify_level"]),
}


def test_bad_variables_are_refused_before_anything_runs(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    source.client().set("a", "1")
    hosts = {}
    for case, (variables, _parts) in BAD_VARIABLES.items():
        name = case.replace(" ", "-")
        (hosts[name],) = one(source, target, **variables)["redis_migrations"]["hosts"].values()
    del hosts["no-source"]["redis_migration_source"]
    run = run_playbook("migrate", {"redis_migrations": {"hosts": hosts}}, "-vvvv", directory=tmp_path)
    assert run.returncode != 0
    for case, (_variables, parts) in BAD_VARIABLES.items():
        name = case.replace(" ", "-")
        said = re.findall(rf'"{name}: FAILED in .*"', run.output)
        assert run.stats[name]["failures"] == 1
        for part in parts:
            assert part in said[0], (case, said)
    assert SENTINEL not in run.output
    assert target.client().dbsize() == 0


def test_an_inventory_without_migrations_is_an_error(tmp_path: Path) -> None:
    run = run_playbook("migrate", {"all": {"hosts": {"somebody": None}}}, directory=tmp_path)
    assert run.returncode != 0
    assert "no hosts in the group redis_migrations" in run.output


def test_secrets_are_nowhere(redis_server: Any, tmp_path: Path) -> None:
    source = redis_server("redis-6.2", password=f"{SENTINEL}-old")
    user = f"user mover on >{SENTINEL}-new ~* &* +@all"
    target = redis_server("redis-8.2", acl_lines=[user])
    dataset.fill(source.client, databases=(0,))
    right = {"url": target.url(username="mover", password=f"{SENTINEL}-new")}
    wrong = {"host": "127.0.0.1", "port": target.port, "username": "mover", "password": f"{SENTINEL}-wrong"}
    hosts = inventory(
        {"right": {"redis_migration_target": right}, "wrong": {"redis_migration_target": wrong}},
        redis_migration_source={"url": source.url()},
    )
    (tmp_path / "tmp").mkdir()
    run = run_playbook(
        "migrate", hosts, "-vvvv", "--diff", directory=tmp_path, environment={"TMPDIR": str(tmp_path / "tmp")}
    )
    text = failed(run)
    assert "Check the user name and the password of the target" in text
    assert run.stats["right"]["failures"] == 0
    assert SENTINEL not in text
    assert list((tmp_path / "tmp").iterdir()) == [], "nothing is left behind"
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    of_a_run = {"report.json", "report.html", "junit.xml", "summary.json"}
    assert {path.name for path in files} == {*of_a_run, "index.html"}
    for path in files:
        assert SENTINEL not in path.read_text()


def test_the_report_is_private_and_harmless(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    hostile = "<script>alert(1)</script>{{ 7 * 7 }}\"'&\n"
    source.client().set(hostile, "1")
    target.client().set(hostile, "2")
    target.client().rpush(hostile + "2", "2")
    run = run_playbook("verify", one(source, target), directory=tmp_path)
    assert "value" in failed(run)
    directory = tmp_path / REPORT
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    page = (directory / "report.html").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}" in page
    # The page's own, the only one that its policy lets run.
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert page.count("<script") == 1
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in page
    assert "script-src" in page.partition("Content-Security-Policy")[2].partition(">")[0]
    for outside in ("http:", "https:", "src=", "url("):
        assert outside not in page


def test_sixteen_databases_in_one_run(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    filled = dataset.fill(source.client, databases=range(16))
    assert run_playbook("migrate", one(source, target), directory=tmp_path).ok
    assert oracle.compare(source, target) == []
    migration = report(tmp_path)["migrations"][0]
    assert {int(number): found["copied"] for number, found in migration["migrate"]["databases"].items()} == filled.keys


def test_a_selection_is_moved_and_verified_as_such(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    for key in ("session:1", "session:2", "cache:1"):
        source.client(2).set(key, key)
    source.client(2).rpush("session:list", 1)
    target.client(7).set("unrelated", 1)
    hosts = one(
        source,
        target,
        redis_migration_databases=[2],
        redis_migration_database_map={2: 7},
        redis_migration_match=["session:*"],
        redis_migration_types=["string"],
        redis_migration_preflight_ignore=["target_keys"],
    )
    assert run_playbook("migrate", hosts, directory=tmp_path).ok
    assert sorted(target.client(7).keys()) == [b"session:1", b"session:2", b"unrelated"]
    assert report(tmp_path)["migrations"][0]["verify"]["totals"]["source_keys"] == 2


def test_the_target_evicts_what_the_source_would_have(redis_server: Any, tmp_path: Path) -> None:
    config = {"maxmemory-policy": "allkeys-lru"}
    source, target = redis_server("redis-8.2", config=config), redis_server("redis-8.2", config=config)
    client = source.client()
    client.set("old", 1)
    client.execute_command("RESTORE", "old", 0, client.dump("old"), "REPLACE", "IDLETIME", 100_000)
    client.set("new", 1)

    assert run_playbook("migrate", one(source, target, redis_migration_eviction_data=True), directory=tmp_path).ok

    idle = {key: target.client().object("idletime", key) for key in ("old", "new")}
    assert idle["old"] >= 100_000
    assert idle["new"] < 100
    assert report(tmp_path)["summary"]["proved"] == 1


def test_an_empty_source_proves_nothing(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    run = run_playbook("migrate", one(source, target), directory=tmp_path)
    assert "redis_migration_allow_empty" in failed(run)
    assert run_playbook("migrate", one(source, target, redis_migration_allow_empty=True), directory=tmp_path).ok


def test_workers_take_turns(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0, 1, 2))
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    hosts = inventory({f"m{number}": {"redis_migration_databases": [number]} for number in range(3)}, **ends)
    worker = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    hosts["redis_migration_workers"] = {"hosts": {"anna": worker, "bert": worker}}
    run = run_playbook("migrate", hosts, directory=tmp_path).ok
    for delegated in ("m0 -> anna", "m1 -> bert", "m2 -> anna"):
        assert f"[{delegated}]" in run.output
    assert oracle.compare(source, target) == []


def test_progress_of_a_long_run_is_told_in_lines(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    dataset.fill_benchmark(source.client(), "strings100", 200_000)
    hosts = one(source, target, redis_migration_max_keys_per_second=30_000, redis_migration_progress_seconds=1)
    run = run_playbook("migrate", hosts, "-vvv", "--skip-tags", "verify", directory=tmp_path).ok
    lines = [line for line in run.output.splitlines() if line.startswith("orders: moving, ")]
    assert len(lines) >= 2
    assert all(" %, " in line and "of ~200,000 keys" in line for line in lines) and "left" in lines[0]
    assert "resume" not in run.output, "how a slice hands over to the next is nobody's business"
    assert report(tmp_path)["migrations"][0]["migrate"]["totals"]["copied"] == 200_000


def test_the_modules_report_progress_in_a_play_of_their_own(server_pair: Pair, tmp_path: Path) -> None:
    """async runs them in one go; become, delegation and check mode change nothing."""
    source, target = server_pair
    dataset.fill(source.client, databases=(0,))
    ends = {"source": source.endpoint(), "target": target.endpoint()}
    task = {"dataservices.redis_migration.redis_migrate_keys": ends, "register": "moved"}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [
            {"name": "in the background", **task, "async": 60, "poll": 1},
            {"ansible.builtin.assert": {"that": ["moved.finished", "moved.totals.copied == 183", "moved is changed"]}},
            {"name": "again", **task, "delegate_to": "127.0.0.1"},
            {"ansible.builtin.assert": {"that": ["moved.finished", "moved is not changed", "'resume' not in moved"]}},
        ],
    }
    assert run_playbook([play], {"all": {"hosts": {}}}, directory=tmp_path).ok


# Where a fork may not use all that the system has, each module gets a Python of its own.
_AS_ON_A_MAC = """
from ansible.plugins.callback import CallbackBase
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action import in_place
DOCUMENTATION = "{name: as_on_a_mac, type: aggregate, short_description: as on a Mac, description: [as on a Mac]}"
class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "as_on_a_mac"
in_place.FORKS = False
"""


def test_modules_run_where_they_lie_unless_another_python_is_named(redis_server: Any, tmp_path: Path) -> None:
    server = redis_server()
    dataset.fill(server.client, databases=(0,))
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    task = {"dataservices.redis_migration.redis_keyspace_info": {"endpoint": server.endpoint()}}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [
            {"name": "here", **task, "register": "here", "environment": {"ASKED_BY": "somebody's pipeline"}},
            {
                "name": "packed",
                **task,
                "register": "packed",
                "vars": {"ansible_python_interpreter": str(python)},
            },
            {
                "ansible.builtin.assert": {
                    "that": [
                        "here | dict2items | map(attribute='key') == packed | dict2items | map(attribute='key')",
                        "here.databases['0']['keys'] == packed.databases['0']['keys']",
                    ]
                }
            },
        ],
    }
    (tmp_path / "callbacks").mkdir()
    (tmp_path / "callbacks" / "as_on_a_mac.py").write_text(_AS_ON_A_MAC)
    mac = {"ANSIBLE_CALLBACK_PLUGINS": str(tmp_path / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "as_on_a_mac"}
    for environment, way, asked in ({}, "FORK", "ASKED_BY='somebody"), (mac, "EXEC", "ASKED_BY='\"'\"'somebody"):
        run = run_playbook([play], {"all": {"hosts": {}}}, "-vvv", directory=tmp_path, environment=environment).ok
        here, packed = run.output.split("TASK [packed]")
        assert way in here and "run_module" in here and asked in here and "Using module file" not in here
        assert "Using module file" in packed and "run_module" not in packed


def documented_rules(end: str) -> str:
    page = (REPO / "docs" / "permissions.md").read_text()
    return " ".join(page.split(f"```acl-{end}\n")[1].split("```")[0].split())


@pytest.mark.parametrize(("strategy", "at_source", "at_target"), PERMISSIONS)
def test_documented_permissions_are_enough(
    strategy: str, at_source: str, at_target: str, redis_server: Any, tmp_path: Path
) -> None:
    reader = f"user reader on >r ~* {documented_rules('source')} +pttl {at_source}"
    writer = (
        f"user writer on >w ~* {documented_rules('target')} +pexpiretime +hpexpiretime +hpexpireat +hscan {at_target}"
    )
    source = redis_server("redis-6.2", acl_lines=[reader])
    target = redis_server("redis-8.2", acl_lines=[writer])
    dataset.fill(source.client, databases=(0, 1))
    hosts = one(source, target, redis_migration_strategy=strategy, redis_migration_prune=True)
    ends = hosts["redis_migrations"]["hosts"]["orders"]
    ends["redis_migration_source"] = {"url": source.url(username="reader", password="r")}
    ends["redis_migration_target"] = {"url": target.url(username="writer", password="w")}
    if strategy == "migrate":
        ends["redis_migration_target"]["backend"] = {"host": "127.0.0.1", "port": target.port}
    assert run_playbook("migrate", hosts, directory=tmp_path).ok.changed == 1
    assert run_playbook("migrate", hosts, directory=tmp_path).ok.changed == 0
    assert oracle.compare(source, target) == []


def test_a_backup_of_the_source_is_restored_into_the_target(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0, 3))
    # A name with a slash is a name of the inventory and none of a file.
    ends = {"redis_migration_source": {"url": source.url()}, "redis_migration_target": target.endpoint()}
    hosts = inventory({"shop/orders": {**ends, "redis_migration_backup_password": SENTINEL}})
    slowly = ("-vvv", "-e", "redis_migration_max_keys_per_second=150", "-e", "redis_migration_progress_seconds=1")
    saved = run_playbook("backup", hosts, *slowly, directory=tmp_path).ok
    assert re.search(r"^shop/orders: saving, \d+ %, \d+ of ~36\d keys, .*now ", saved.output, re.MULTILINE)
    assert "progress_path" not in saved.output.replace('"progress_path": null', ""), "nobody's business"
    restored = run_playbook("restore", hosts, directory=tmp_path).ok
    assert SENTINEL not in saved.output + restored.output
    assert "skipping:" not in saved.output + restored.output
    assert stat.S_IMODE((tmp_path / "redis-migration-backup" / "shop%2Forders.rdb.enc").stat().st_mode) == 0o600
    assert oracle.compare(source, target) == []
    assert run_playbook("backup", hosts, directory=tmp_path).ok.changed == 0
