# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook is killed and can end nothing any more: its modules end by themselves, here and on workers."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import (
    descendants,
    is_alive,
    process_identity,
)
from tests.conftest import soak
from tests.support import dataset
from tests.support.attempt import Watch, attempt, until
from tests.support.faultproxy import FaultProxy
from tests.support.run import StartedModule, run_module
from tests.support.servers import RedisServer
from tests.support.sshd import SshServer
from tests.support.started_playbook import started_playbook

Pair = tuple[RedisServer, RedisServer]

# They have 2 s to notice it; the rest is for a busy machine.
NOTICED_SECONDS = 5


@contextmanager
def no_worker(_directory: Path) -> Iterator[dict[str, Any]]:
    yield {}


@contextmanager
def worker_over_ssh(directory: Path) -> Iterator[dict[str, Any]]:
    with SshServer(directory) as server:
        yield {"redis_migration_workers": {"hosts": {"anna": server.inventory_host()}}}


@contextmanager
def worker_over_shared_ssh(directory: Path) -> Iterator[dict[str, Any]]:
    """As Ansible does by default: one connection for all tasks, which stays open for a while after the last of them."""
    with SshServer(directory) as server:
        host = server.inventory_host()
        sockets = directory / "cm"
        host["ansible_ssh_common_args"] = host["ansible_ssh_common_args"].replace(
            "ControlPath=none", f"ControlMaster=auto -o ControlPersist=60s -o ControlPath={sockets}"
        )
        try:
            yield {"redis_migration_workers": {"hosts": {"anna": host}}}
        finally:
            subprocess.run(
                ["ssh", "-O", "exit", "-o", f"ControlPath={sockets}", "anna"], check=False, capture_output=True
            )


@contextmanager
def worker_without_pipelining(directory: Path) -> Iterator[dict[str, Any]]:
    """There the module has a terminal."""
    with SshServer(directory) as server:
        host = {**server.inventory_host(), "ansible_pipelining": False}
        yield {"redis_migration_workers": {"hosts": {"anna": host}}}


def programs_of(pid: int) -> set[tuple[int, str]]:
    """What it has started that is written in Python: a playbook, and its modules here and behind an sshd."""
    found = {pid for pid in descendants(pid) if b"python" in Path(f"/proc/{pid}/cmdline").read_bytes()}
    return {(pid, identity) for pid in found if (identity := process_identity(pid))}


def writers(server: RedisServer) -> list[str]:
    with server.client() as client:
        return [found["name"] for found in client.client_list() if ":writes:" in found["name"]]


@pytest.mark.parametrize(
    "workers",
    [no_worker, soak(worker_over_ssh), worker_over_shared_ssh, soak(worker_without_pipelining)],
    ids=lambda way: way.__name__,
)
def test_a_migration_ends_with_its_playbook(workers: Any, server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    dataset.fill_benchmark(source.client(), "strings100", 2000)
    watch = Watch(source, target)
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    slowly = {"redis_migration_max_keys_per_second": 30, "redis_migration_progress_seconds": 120}
    (tmp_path / "play").mkdir()
    before = programs_of(os.getpid())
    with workers(tmp_path / "sshd") as group:
        inventory = {"redis_migrations": {"hosts": {"orders": {**ends, **slowly}}}, **group}
        with started_playbook("migrate", inventory, "--tags", "migrate", directory=tmp_path / "play") as process:
            until(lambda: writers(target) and target.client().dbsize() > 20, 60)
            programs = programs_of(os.getpid()) - before
            assert len(programs) >= 3
            process.kill()
            process.wait()
            killed = time.monotonic()
            again = attempt(source, target)
            assert not again.error, "the next run waits for it rather than refuse"
            until(lambda: not any(is_alive(*program) for program in programs), NOTICED_SECONDS)
            print(f"all gone {time.monotonic() - killed:.1f} s after the kill")
            assert not list((tmp_path / "play" / "tmp").glob("ansible-tmp-*")), "no module is left behind"
    watch.settle(again)


def slow_options(name: str, source: FaultProxy, target: FaultProxy, work: Path) -> dict[str, Any]:
    here, there = ({"host": "127.0.0.1", "port": proxy.port} for proxy in (source, target))
    return {
        "redis_migrate_keys": {"source": here, "target": there},
        "redis_key_diff": {"source": here, "target": here},
        "redis_backup": {"endpoint": here, "dest": str(work / "new.rdb")},
        "redis_restore": {"endpoint": there, "src": str(work / "dump.rdb")},
    }[name]


@pytest.mark.parametrize("name", ["redis_migrate_keys", "redis_key_diff", "redis_backup", "redis_restore"])
def test_a_module_whose_result_nobody_reads_ends(
    name: str, server_pair: Pair, fault_proxy: Callable[..., FaultProxy], tmp_path: Path
) -> None:
    source, target = server_pair
    dataset.fill_benchmark(source.client(), "strings10k", 200)
    run_module("redis_backup", endpoint=source.endpoint(), dest=str(tmp_path / "dump.rdb"))
    slow = [fault_proxy(server.port, bandwidth=20_000) for server in (source, target)]
    started = StartedModule(name, slow_options(name, slow[0], slow[1], tmp_path), unread=True)
    run = started.wait(60)
    assert run.seconds < 2 * NOTICED_SECONDS, "all of the data would take 100 s"
    assert "Broken pipe" in run.stderr, "it ended with a result that it could not give to anybody"
    assert not list(tmp_path.glob("*new.rdb*")), "nothing half is left"
