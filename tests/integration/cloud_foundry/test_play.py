# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Cloud Foundry modules in a real play: by full names, as an action group, with secrets looked for at -vvvv."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import process_identity
from tests.support.cf_fixtures import PASSWORD, USER, Installation, installation
from tests.support.cf_sim import App
from tests.support.paths import REPO
from tests.support.servers import RedisServer

__all__ = ["installation"]

COLLECTIONS = REPO / ".collections"
SECRET_VARS = {"CF_PASSWORD": PASSWORD, "CF_CLIENT_SECRET": "SENTINEL-client-secret"}

PLAY = """
- name: Every module of the group
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/dataservices.redis_migration.cf:
      api_url: "{{ lookup('env', 'SIM') }}"
      user: %(user)s
      password: %(password)s
      organization: acme
      space: prod
  tasks:
    - name: Key
      dataservices.redis_migration.cf_service_key:
        service_instance: orders
      register: key
      no_log: true
    - name: Instance
      dataservices.redis_migration.cf_service_instance_info:
        service_instance: orders
    - name: Unbind
      dataservices.redis_migration.cf_service_binding:
        service_instance: orders
        state: absent
        record: true
    - name: Record
      dataservices.redis_migration.cf_service_binding_info:
        service_instance: orders
      register: bindings
    - name: Stop
      dataservices.redis_migration.cf_app:
        apps: "{{ bindings.record | map(attribute='app_guid') }}"
        state: stopped
    - name: Tunnel
      when: not ansible_check_mode
      dataservices.redis_migration.cf_ssh_tunnel:
        app: jumphost
        endpoint: "{{ key.endpoint }}"
      register: tunnel
      no_log: true
    - name: Second tunnel
      when: not ansible_check_mode
      dataservices.redis_migration.cf_ssh_tunnel:
        app: jumphost
        endpoint: "{{ key.endpoint }}"
      register: again
      no_log: true
    - name: One tunnel
      when: not ansible_check_mode
      ansible.builtin.assert:
        that: [tunnel is changed, again is not changed, again.endpoint == tunnel.endpoint]
    - name: Wait
      ansible.builtin.pause:
        seconds: 1
    - name: End
      ansible.builtin.fail:
        msg: the play fails here
"""


@pytest.fixture
def jumphost(installation: Installation) -> App:
    return installation.sim.add_app(installation.space, "jumphost", start_delay=0.0)


def play(
    there: Installation, *arguments: str, text: str = PLAY, watch: Callable[[], None] = lambda: None
) -> subprocess.CompletedProcess[str]:
    path = there.home / "play.yml"
    path.write_text(text % {"user": USER, "password": PASSWORD})
    environment = {
        "PATH": os.environ["PATH"],
        **there.environment,
        "SIM": there.sim.api_url,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "ANSIBLE_NOCOLOR": "1",
        **SECRET_VARS,
    }
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(0.05):
            watch()

    watcher = threading.Thread(target=sample)
    watcher.start()
    try:
        command = [sys.executable, "-m", "ansible", "playbook", str(path), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=170)
    finally:
        ended.set()
        watcher.join()


def listed() -> str:
    return subprocess.run(["ps", "-axwwo", "pid,command"], capture_output=True, text=True, check=True).stdout


@pytest.mark.needs_program("ssh", "openssh-client")
def test_a_play_leaves_no_secret_and_no_tunnel(
    installation: Installation, jumphost: App, redis_server: Callable[..., RedisServer]
) -> None:
    redis = redis_server("redis-6.2", password="SENTINEL-redis-password")
    installation.instance.endpoint = redis.endpoint()
    installation.instance.advertised_port = 6379
    installation.sim.resolve(installation.instance.hostname, "127.0.0.1", redis.port, seen_port=6379)
    installation.apps(2)
    seen: set[str] = set()
    tunnels: set[int] = set()

    def watch() -> None:
        lines = [line for line in listed().splitlines() if "ansible" in line or "ssh -F" in line]
        seen.update(lines)
        directory = installation.home / f"redis-migration-tunnels-{os.getuid()}"
        for path in directory.glob("*.json"):
            tunnels.update((json.loads(path.read_text())["pid"], json.loads(path.read_text())["ssh_pid"]))

    finished = play(installation, "-vvvv", watch=watch)
    assert "the play fails here" in finished.stdout, finished.stdout + finished.stderr
    assert "failed=1" in finished.stdout
    assert installation.sim.bound_apps(installation.instance) == []
    assert len(tunnels) == 2
    assert any("_tunnel.supervisor" in line for line in seen)

    ends = time.monotonic() + 15
    while any(process_identity(pid) for pid in tunnels) and time.monotonic() < ends:
        time.sleep(0.1)
    assert not any(process_identity(pid) for pid in tunnels), "the tunnel outlived its play"

    assert "SENTINEL" not in finished.stdout + finished.stderr
    assert "SENTINEL" not in "\n".join(seen)
    (installation.home / "play.yml").unlink()
    left = {
        str(path): path.read_bytes()
        for path in installation.home.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert [path for path, content in left.items() if b"SENTINEL" in content or b"eyJ" in content] == []
    assert not list(installation.home.glob("redis-migration-tunnels*"))


def test_check_mode_changes_nothing(installation: Installation, jumphost: App) -> None:
    installation.apps(2)
    installation.sim.create_key(installation.instance, "redis-migration")
    finished = play(installation, "--check", "--diff")
    assert "the play fails here" in finished.stdout, finished.stdout + finished.stderr
    assert [entry for entry in installation.sim.writes() if "/oauth/" not in entry.path] == []
    assert installation.sim.bound_apps(installation.instance) == ["app-0", "app-1"]


def test_an_error_is_a_sentence_and_no_traceback(installation: Installation) -> None:
    text = PLAY.replace("service_instance: orders", "service_instance: oders", 1).replace("no_log: true", "", 1)
    finished = play(installation, text=text)
    assert 'There is no service instance "oders"' in finished.stdout + finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr
    assert "SENTINEL" not in finished.stdout + finished.stderr
