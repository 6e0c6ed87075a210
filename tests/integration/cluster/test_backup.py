# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups of clusters: a file for each primary, all of which together have every slot and each key once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.backup_plan import BackupPlan
from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.files import BackupFiles
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cluster.backup import WholeBackup
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from tests.conftest import ServerFactory
from tests.integration.cluster.conftest import Clusters
from tests.integration.cluster.test_changes import equal, fill, move_slots
from tests.support import backups, dataset, report_schema
from tests.support.attempt import until
from tests.support.cluster import Cluster
from tests.support.run import ModuleRun, StartedModule, run_module, run_playbook

# So many keys a second: slow enough for the cluster to change meanwhile.
_SLOW = 1000
_KEYS = 1500

_LIBRARY = "#!lua name=lib\nredis.register_function('f', function(keys, args) return 1 end)"


def back_up(source: Any, dest: Path, **options: Any) -> ModuleRun:
    return run_module("redis_backup", endpoint=source.endpoint(), dest=str(dest), **options)


def restore(target: Any, src: Any, **options: Any) -> ModuleRun:
    src = [str(one) for one in src] if isinstance(src, list) else str(src)
    return run_module("redis_restore", endpoint=target.endpoint(), src=src, **options)


def parts(dest: Path, count: int) -> list[Path]:
    return [Path(f"{dest}.{number}-of-{count}") for number in range(1, count + 1)]


@pytest.fixture
def filled(shared: Clusters, redis_server: ServerFactory) -> tuple[Cluster, int]:
    """A cluster of three with keys of all types, large ones among them, and their number."""
    origin, source = redis_server("redis-8.2"), shared()
    dataset.fill(origin.client, databases=(0,))
    return source, source.load(origin)


@pytest.mark.parametrize("password", [None, "secret"], ids=["plain", "encrypted"])
def test_a_cluster_comes_back_into_one_of_another_shape(
    password: str | None, filled: tuple[Cluster, int], shared: Clusters, tmp_path: Path
) -> None:
    source, keys = filled
    target, dest = shared(shards=2, which="target"), tmp_path / "orders.rdb"
    options = {"large_key_bytes": 20_000, "encryption_password": password}

    planned = back_up(source, dest, check=True, **options).ok
    assert (planned["changed"], planned["totals"]["keys"], list(tmp_path.iterdir())) == (True, keys, [])

    done = back_up(source, dest, **options).ok
    files = parts(dest, 3)
    assert {path.name for path in tmp_path.iterdir()} == {
        name for path in files for name in (path.name, f"{path.name}.sha256")
    }
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.iterdir())
    assert (done["changed"], done["dest"], done["totals"]["keys"], done["checksum"]) == (True, str(dest), keys, "")
    assert [one["path"] for one in done["files"]] == [str(path) for path in files]
    assert [one["slots"] for one in done["files"]] == ["0-5460", "5461-10921", "10922-16383"]
    assert done["size"] == sum(one["size"] for one in done["files"]) == sum(path.stat().st_size for path in files)
    for path in files:
        checked = subprocess.run(
            ["sha256sum", "--strict", "--check", path.name + ".sha256"], cwd=tmp_path, capture_output=True, check=False
        )
        assert checked.returncode == 0, checked.stderr

    again = back_up(source, dest, **options).ok
    assert (again["changed"], again["files"]) == (False, done["files"])

    opens = {"encryption_password": password}
    planned = restore(target, dest, check=True, **opens).ok
    assert (planned["totals"]["restored"], sum(map(len, target.keys().values()))) == (keys, 0)
    came = restore(target, dest, **opens).ok
    assert came["totals"] == {"scanned": keys, "restored": keys, "skipped": 0, "expired": 0, "empty": 0, "failed": 0}
    assert came["backup"]["files"] == [str(path) for path in files]
    equal(source, target)
    assert "is not empty" in restore(target, dest, **opens).message
    again = restore(target, dest, existing_keys="skip", **opens).ok
    assert (again["changed"], again["totals"]["skipped"]) == (False, keys)


def test_all_parts_go_into_a_single_server_and_its_file_into_a_cluster(
    filled: tuple[Cluster, int], shared: Clusters, redis_server: ServerFactory, tmp_path: Path
) -> None:
    source, keys = filled
    server, other = redis_server("redis-8.2"), shared(shards=2, which="target")
    for node in source.primaries:
        with node.client() as client:
            client.function_load(_LIBRARY, replace=True)
    dest = tmp_path / "orders.rdb"
    assert back_up(source, dest).ok["functions"] == 1
    came = restore(server, list(reversed(parts(dest, 3))), database_map={"0": 3}).ok
    assert (came["totals"]["restored"], came["functions"]["loaded"]) == (keys, ["lib"])

    single = tmp_path / "single.rdb"
    assert back_up(server, single).ok["files"][0] == {
        "path": str(single),
        "size": single.stat().st_size,
        "checksum": Path(f"{single}.sha256").read_text().split()[0],
        "slots": "",
    }
    assert "a cluster has database 0 only" in restore(other, single).message
    came = restore(other, single, database_map={"3": 0}).ok
    assert (came["totals"]["restored"], came["functions"]["loaded"]) == (keys, ["lib"])
    equal(source, other)
    for cluster in (source, other):
        for node in cluster.primaries:
            with node.client() as client:
                client.function_delete("lib")


@pytest.mark.parametrize("name", ["redis-6.2", "valkey-8", "valkey-9"])
def test_a_cluster_of_other_servers_comes_back(
    name: str, shared: Clusters, redis_server: ServerFactory, tmp_path: Path
) -> None:
    origin, source, target = redis_server(name), shared(name), shared(name, shards=2, which="target")
    dataset.fill(origin.client, databases=(0,))
    keys = source.load(origin)
    back_up(source, tmp_path / "orders.rdb", large_key_bytes=20_000)
    assert restore(target, tmp_path / "orders.rdb").ok["totals"]["restored"] == keys
    equal(source, target)


def test_a_server_loads_a_part(filled: tuple[Cluster, int], redis_server: ServerFactory, tmp_path: Path) -> None:
    source, _keys = filled
    back_up(source, tmp_path / "orders.rdb")
    loaded = backups.load(redis_server("redis-8.2"), parts(tmp_path / "orders.rdb", 3)[0])
    with source.primaries[0].client() as mine, loaded.client() as there:
        assert set(there.scan_iter(count=1000)) == set(mine.scan_iter(count=1000))


def test_what_does_not_belong_together_is_no_backup(
    shared: Clusters, redis_server: ServerFactory, tmp_path: Path
) -> None:
    source, server = shared(), redis_server("redis-8.2")
    fill(source, 100)
    dest, other = tmp_path / "orders.rdb", tmp_path / "other.rdb"
    back_up(source, dest)
    back_up(source, other)
    first, second, third = parts(dest, 3)
    refused = restore(server, [first, third]).message
    assert "slots 5461-10921 of it are missing" in refused
    assert "do not belong together" in restore(server, [first, parts(other, 3)[1], third]).message
    parts(other, 3)[1].rename(second)
    # The checksum beside it is that of the other one.
    assert "damaged or changed" in back_up(source, dest).message
    Path(f"{second}.sha256").unlink()
    assert "do not belong together" in back_up(source, dest).message
    assert "do not belong together" in restore(server, dest).message
    second.unlink()
    assert "orders.rdb.2-of-3 is missing" in restore(server, dest).message
    assert "orders.rdb.2-of-3 is missing" in back_up(source, dest).message
    assert server.client().dbsize() == 0
    assert back_up(source, dest, force=True).ok["changed"]
    assert restore(server, dest).ok["totals"]["restored"] == 200


def test_a_new_backup_leaves_no_file_of_an_older_one(
    own: Clusters, shared: Clusters, redis_server: ServerFactory, tmp_path: Path
) -> None:
    dest = tmp_path / "orders.rdb"
    for source, files in ((shared(), 3), (shared(shards=2, which="target"), 2), (redis_server("redis-8.2"), 0)):
        assert back_up(source, dest, force=True).ok["changed"]
        names = [path.name for path in parts(dest, files)] if files else [dest.name]
        assert {path.name for path in tmp_path.iterdir()} == {name for one in names for name in (one, f"{one}.sha256")}
    dest.rename(tmp_path / "kept")
    back_up(shared(), dest, force=True)
    (tmp_path / "kept").rename(dest)
    assert "several backups called" in restore(redis_server("redis-8.2"), dest).message


class Running:
    """A backup in a thread of its own; `wait()` for its end, or its error."""

    def __init__(self, source: Cluster, dest: Path, **options: Any) -> None:
        endpoint = parse_endpoint(source.endpoint(), "endpoint")
        self.files = BackupFiles(str(dest), replace=False)
        self.backup = WholeBackup(BackupPlan(endpoint, Selection(), max_keys_per_second=_SLOW, **options), self.files)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self.backup.run()
            self.backup.commit(beside=True)
        except BaseException as exc:
            self.error = exc
        finally:
            self.files.abandon()

    def saved(self, parts: int) -> bool:
        """Whether the file of so many primaries is through, and another one begun."""
        assert self._thread.is_alive(), self.error or "it was over too soon"
        done = self.backup.parts
        return len(done) > parts and done[parts].backup.result.totals.keys > 0

    def wait(self) -> None:
        self._thread.join(120)
        if self.error:
            raise self.error


@pytest.mark.parametrize("through", [0, 1, 2])
def test_slots_move_in_the_middle(through: int, own: Clusters, redis_server: ServerFactory, tmp_path: Path) -> None:
    source, server = own(), redis_server("redis-8.2")
    keys = fill(source, _KEYS)
    run = Running(source, tmp_path / "orders.rdb")
    until(lambda: run.saved(through))
    move_slots(source, 20)
    run.wait()
    assert run.backup.result.totals.keys == keys
    assert restore(server, tmp_path / "orders.rdb").ok["totals"]["restored"] == keys
    equal(source, server)


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "by command"])
def test_a_primary_fails_over_in_the_middle(
    kill: bool, own: Clusters, redis_server: ServerFactory, tmp_path: Path
) -> None:
    source, server = own(replicas=1), redis_server("redis-8.2")
    keys = fill(source, _KEYS)
    run = Running(source, tmp_path / "orders.rdb")
    until(lambda: run.saved(1))
    source.fail_over(source.primaries[1], kill=kill)
    run.wait()
    assert restore(server, tmp_path / "orders.rdb").ok["totals"]["restored"] == keys
    equal(source, server)


def test_a_slot_that_stays_open_leaves_no_backup(own: Clusters, tmp_path: Path) -> None:
    source = own()
    fill(source, _KEYS)
    run = Running(source, tmp_path / "orders.rdb", timeout=1)
    until(lambda: run.saved(0))
    source.open_slot(5061, source.primaries[-1])
    with pytest.raises(RedisMigrationError, match=r"slot 5061 .*Nothing has changed there for 1 s.*--cluster fix"):
        run.wait()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["slots move", "fails over"])
def test_a_cluster_that_changes_while_it_is_restored_is_named(how: str, own: Clusters, tmp_path: Path) -> None:
    source, target = own(), own(replicas=1)
    keys = fill(source, 20_000)
    back_up(source, tmp_path / "orders.rdb")
    run = StartedModule("redis_restore", {"src": [str(tmp_path / "orders.rdb")], "endpoint": target.endpoint()})
    until(lambda: sum(node.client().dbsize() for node in target.primaries) > 100)
    # However fast the machine is, it is in the middle.
    os.kill(run.pid, signal.SIGSTOP)
    try:
        if how == "slots move":
            move_slots(target, 3)
        else:
            target.fail_over(target.primaries[0], kill=False)
    finally:
        os.kill(run.pid, signal.SIGCONT)
    assert "existing_keys 'skip'" in run.wait().message
    assert restore(target, tmp_path / "orders.rdb", existing_keys="skip").ok["totals"]["scanned"] == keys
    equal(source, target)


def test_playbooks_bring_a_cluster_back(own: Clusters, tmp_path: Path) -> None:
    source, target = own(), own(shards=2)
    keys = fill(source, 100)
    ends = {
        "redis_migration_source": source.endpoint(),
        "redis_migration_target": target.endpoint(),
        "redis_migration_backup_dir": str(tmp_path / "backups"),
        "redis_migration_backup_password": "secret",
    }
    inventory = {"redis_migrations": {"hosts": {"orders": ends}}}
    saved = run_playbook("backup", inventory, directory=tmp_path).ok
    assert "orders.rdb.enc.1-of-3 to .3-of-3" in saved.output
    assert len(list((tmp_path / "backups").iterdir())) == 6
    assert run_playbook("backup", inventory, directory=tmp_path).ok.changed == 0
    run_playbook("restore", inventory, directory=tmp_path).ok  # noqa: B018
    assert sum(map(len, target.keys().values())) == keys
    equal(source, target)
    named = [str(path) for path in parts(tmp_path / "backups" / "orders.rdb.enc", 3)]
    listed = {**ends, "redis_migration_restore_src": named, "redis_migration_restore_existing_keys": "skip"}
    again = run_playbook("restore", {"redis_migrations": {"hosts": {"orders": listed}}}, directory=tmp_path).ok
    assert again.changed == 0
    reports = list(tmp_path.glob("redis-migration-report/**/report.json"))
    assert reports
    for report in reports:
        report_schema.check("report", json.loads(report.read_text()))
    command = run_module(
        "redis_backup", endpoint=source.endpoint(), dest=str(tmp_path / "it's.rdb"), encryption_password="secret"
    ).ok["decrypt_command"]
    (tmp_path / "password").write_text("secret\n")
    opened = command.replace("; done", f" -pass file:{tmp_path}/password; done")
    subprocess.run(["sh", "-c", opened], check=True)
    assert len(list(tmp_path.glob("it's.rdb.*.plain"))) == 3
