# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of every module are run as they stand, in plays made around them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.integration.documents.world import PASSWORD, USER, World
from tests.support.servers import HOST
from tests.support.shown import examples
from tests.support.terminal import at_terminal

_EMPTY = {
    "name": "Empty the target",
    "ansible.builtin.command": "{{ python }} {{ playbook_dir }}/empty.py",
    "changed_when": False,
}
_DOWNLOAD = {
    "name": "Have the encrypted backup as a download",
    "ansible.builtin.shell": "cp /srv/backups/orders-*.rdb.enc /srv/downloads/orders-backup",
    "changed_when": False,
}
_BEFORE = {"redis_restore": [_EMPTY, _DOWNLOAD], "redis_migrate_keys": [_EMPTY]}
"""Before each task of the examples of these modules: they are about a target that is empty."""

_LEARNED = {
    "cf_app": {"isolated": {"record": [{"app_guid": "{{ checkout }}"}]}},
    "cf_ssh_tunnel": {"source_key": {"endpoint": {"host": HOST, "port": "{{ source }}", "password": PASSWORD}}},
}
"""What examples say that other tasks have registered."""


def play_of(module: str, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": module,
        "hosts": "redis_migrations",
        "gather_facts": False,
        "vars": _LEARNED.get(module, {}),
        "tasks": [step for task in tasks for step in (*_BEFORE.get(module, []), task)],
    }


def prepare(world: World, directory: Path) -> None:
    """What examples find on a machine: folders, a command that stops applications, a file that says go."""
    client = {"host": HOST, "port": world.target.port, "username": USER, "password": PASSWORD}
    (directory / "empty.py").write_text(f"import redis\nredis.Redis(**{client!r}).flushall()\n")
    (directory / "go").touch()
    for folder in ("srv/backups", "srv/downloads", "usr/local/bin"):
        (world.root / folder).mkdir(parents=True, exist_ok=True)
    stop = world.root / "usr/local/bin/stop-applications"
    stop.write_text("#!/bin/sh\n")
    stop.chmod(0o755)


def inventory(world: World, secrets: dict[str, str]) -> dict[str, Any]:
    python = {"ansible_connection": "local", "ansible_python_interpreter": str(world.python)}
    migration = {
        **python,
        **secrets,
        "python": str(world.python),
        "checkout": world.apps[0].guid,
        "source": world.source.port,
        "redis_migration_source": {"host": "old.example.com", "password": PASSWORD},
        "redis_migration_target": {"host": "new.example.com", "password": PASSWORD},
    }
    return {
        "redis_migrations": {"hosts": {"orders": migration}},
        "redis_migration_workers": {"hosts": {"worker1": python}},
    }


def test_the_examples_of_every_module_are_run(world: World, tmp_path: Path) -> None:
    world.empty_target()
    world.bind_apps()
    prepare(world, tmp_path)
    shown = examples()
    assert len(shown) > 20
    text = yaml.safe_dump([play_of(module, tasks) for module, tasks in shown.items()], sort_keys=False)
    # The source sends there by itself, and knows no other names than the machine's.
    text, count = re.subn(r"(host: )[\w.-]+\.a9ssvc(\s+port: )6379", rf"\g<1>{HOST}\g<2>{world.target.port}", text)
    assert count == 1
    (tmp_path / "play.yml").write_text(world.here(text))
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory(world, world.secrets(text))))
    code, output = at_terminal("ansible-playbook play.yml -i inventory.yml", tmp_path, world.with_collection, {})
    assert code == 0, output[-6000:]
    assert set(re.findall(r"^PLAY \[(\w+)\]", output, re.M)) == set(shown)
