# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workers: other machines that the modules run on, reached by real SSH."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.told import reader
from tests.support import dataset, oracle
from tests.support.run import run_playbook
from tests.support.servers import RedisServer
from tests.support.sshd import SshServer

Pair = tuple[RedisServer, RedisServer]


def test_migrations_run_on_workers_behind_ssh(server_pair: Pair, tmp_path: Path) -> None:
    source, target = server_pair
    dataset.fill(source.client, databases=(0, 1))
    ends = {"redis_migration_source": source.endpoint(), "redis_migration_target": target.endpoint()}
    backups = tmp_path / "backups"
    variables = {**ends, "redis_migration_backup_dir": str(backups), "redis_migration_progress_seconds": 1}
    hosts = {f"m{number}": {"redis_migration_databases": [number]} for number in (0, 1)}
    with SshServer(tmp_path / "sshd") as server:
        inventory = {
            "redis_migrations": {"hosts": hosts, "vars": variables},
            "redis_migration_workers": {"hosts": {"anna": server.inventory_host()}},
        }
        first = run_playbook("migrate", inventory, directory=tmp_path).ok
        assert "[m0 -> anna(127.0.0.1)]" in first.output and "[m1 -> anna(127.0.0.1)]" in first.output
        assert oracle.compare(source, target) == []
        assert len(list(backups.glob("*.rdb"))) == 2
        # Live, too, where the playbook cannot be seen by the process that follows.
        live = ("--skip-tags", "backup", "-e", "redis_migration_live=true")
        second = run_playbook("migrate", inventory, *live, directory=tmp_path).ok
        assert second.changed == 0
        assert second.output.count("PROVED equal") == 2 and "compared while applications wrote" in second.output
        server.stop()
        lost = run_playbook("migrate", inventory, "--limit", "m0", directory=tmp_path)
    assert lost.returncode == 2
    assert "The worker anna cannot be reached" in lost.output and "Connection refused. See that" in lost.output
    report = json.loads((tmp_path / "redis-migration-report" / "report.json").read_text())
    assert [migration["status"] for migration in report["migrations"]] == ["failed"], "told in the report too"


def test_the_progress_of_a_module_on_a_worker_is_read_while_its_connection_waits(tmp_path: Path) -> None:
    progress, over = tmp_path / "progress", tmp_path / "over"
    with SshServer(tmp_path / "sshd") as server:
        connection = connection_loader.get("ssh", PlayContext())
        at = server.inventory_host()
        named = {"host": "host", "port": "port", "remote_user": "user", "private_key_file": "ssh_private_key_file"}
        direct = {option: at[f"ansible_{name}"] for option, name in named.items()}
        direct["ssh_common_args"] = at["ansible_ssh_common_args"]
        connection.set_options(direct=direct)
        command = f"echo '{{\"step\": 1}}' > {progress}; until test -e {over}; do sleep 0.05; done"
        ended: list[int] = []
        module = threading.Thread(target=lambda: ended.append(connection.exec_command(command)[0]))
        module.start()
        while module.is_alive() and not (progress.exists() and progress.read_text()):
            time.sleep(0.02)
        told = reader(connection, str(progress))()
        assert not ended
        over.touch()
        module.join()
    assert (json.loads(told), ended) == ({"step": 1}, [0])
