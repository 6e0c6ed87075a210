# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""cf_ssh_tunnel through a real SSH server to a real Redis: proved, pinned, re-opened, never two, nothing left."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._process import process_identity
from tests.support.certs import Authority
from tests.support.cf_fixtures import PASSWORD, USER, Installation
from tests.support.cf_modules import ModuleFailed, ModuleRunner
from tests.support.cf_sim import App, CloudFoundrySim
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend

pytestmark = [pytest.mark.needs_program("ssh", "openssh-client"), pytest.mark.needs_program("ps", "procps")]

HOST = "red1-master.service.dc1.a9ssvc"
REDIS_PASSWORD = "SENTINEL-redis-password"


@dataclass
class Scene:
    sim: CloudFoundrySim
    there: Installation
    app: App
    redis: RedisServer
    run: ModuleRunner
    endpoint: dict[str, Any]

    def open(self, **options: Any) -> dict[str, Any]:
        return self.run("cf_ssh_tunnel", **{"app": "jumphost", "endpoint": self.endpoint, **options})

    def close(self, **options: Any) -> dict[str, Any]:
        return self.open(state="absent", **options)

    @property
    def directory(self) -> Path:
        return self.there.home / f"redis-migration-tunnels-{os.getuid()}"

    def state(self) -> dict[str, Any]:
        (path,) = self.directory.glob("*.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def processes() -> list[str]:
    """All running tunnels of this test and the processes behind them, as `ps` shows them to anyone."""
    listed = subprocess.run(["ps", "-axwwo", "pid,command"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if "_tunnel.supervisor" in line or "ssh -F" in line]


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Whether it runs; one that has ended and waits to be collected does not."""
    return process_identity(pid) is not None


@pytest.fixture
def scene(tmp_path: Path, redis_server: Callable[..., RedisServer]) -> Iterator[Scene]:
    redis = redis_server("redis-7.0", password=REDIS_PASSWORD)
    with CloudFoundrySim() as sim:
        org = sim.add_org("acme")
        space = sim.add_space(org, "prod")
        sim.add_user(USER, PASSWORD, {"space_developer": [space]})
        instance = sim.add_service_instance(
            space, "orders", endpoint=redis.endpoint(), key_shape="a9s6", hostname=HOST, advertised_port=6379
        )
        app = sim.add_app(space, "jumphost", start_delay=0.0)
        wait_for(lambda: sim.core.containers.of(app.processes[0])[0].state == "RUNNING")
        there = Installation(sim, org, space, instance, tmp_path)
        run = ModuleRunner({"api_url": sim.api_url, "user": USER, "password": PASSWORD}, there.environment)
        made = Scene(sim, there, app, redis, run, {"host": HOST, "port": 6379, "password": REDIS_PASSWORD})
        yield made
        with contextlib.suppress(ModuleFailed):
            made.close()
        assert not made.directory.exists(), list(made.directory.iterdir())


def get(redis: RedisServer, port: int) -> Any:
    """The value of the key `where`, read through the tunnel."""
    import redis as redis_py

    with redis_py.Redis("127.0.0.1", port, password=redis.password, socket_timeout=5) as client:
        return client.get("where")


def test_open_use_and_close(scene: Scene) -> None:
    scene.redis.client().set("where", "inside")
    planned = scene.open(check=True)
    assert (planned["changed"], planned["endpoint"]) == (True, None)
    assert not scene.directory.exists() or not list(scene.directory.iterdir())

    opened = scene.open()
    assert opened["changed"]
    assert opened["endpoint"]["host"] == "127.0.0.1"
    assert REDIS_PASSWORD not in str(opened["endpoint"])
    assert get(scene.redis, opened["endpoint"]["port"]) == b"inside"

    for check in (False, True):
        again = scene.open(check=check)
        assert not again["changed"]
        assert again["endpoint"] == opened["endpoint"]
    assert len(scene.sim.ssh.connections) == 1

    state = scene.state()
    assert scene.close(check=True)["changed"]
    assert alive(state["pid"])
    assert scene.close()["changed"]
    assert not alive(state["pid"])
    assert not alive(state["ssh_pid"])
    assert not scene.close()["changed"]
    wait_for(lambda: not scene.sim.ssh.connections)


def test_what_it_leaves_on_the_machine_is_private_and_without_secrets(scene: Scene) -> None:
    scene.open()
    assert scene.directory.stat().st_mode & 0o777 == 0o700
    left = list(scene.directory.iterdir())
    assert sorted(path.suffix for path in left) == [".holders", ".json"]
    assert {path.stat().st_mode & 0o777 for path in left} == {0o600}
    mine = [line for line in processes() if str(scene.state()["pid"]) in line or str(scene.state()["ssh_pid"]) in line]
    assert len(mine) == 2
    environments = []
    for pid in (scene.state()["pid"], scene.state()["ssh_pid"]):
        with contextlib.suppress(FileNotFoundError):
            environments.append(Path(f"/proc/{pid}/environ").read_bytes().decode())
    seen = "".join(path.read_text() for path in left) + "".join(mine) + "".join(environments)
    assert "SENTINEL" not in seen
    assert "eyJ" not in seen


def test_through_tls_to_the_real_name(
    scene: Scene, authority: Authority, tls_frontend: Callable[..., TlsFrontend]
) -> None:
    frontend = tls_frontend(scene.redis.port, names=(HOST,))
    scene.sim.resolve(HOST, "127.0.0.1", frontend.port, seen_port=6380)
    endpoint = {"host": HOST, "port": 6380, "tls": True, "ca_cert_content": authority.ca_pem}
    opened = scene.open(endpoint=endpoint)
    assert opened["endpoint"]["server_name"] == HOST
    assert not scene.open(endpoint=endpoint)["changed"]
    scene.close(endpoint=endpoint)
    url = {**endpoint, "host": None, "port": None, "tls": None, "url": f"rediss://{HOST}:6380"}
    assert scene.open(endpoint=url)["endpoint"]["server_name"] == HOST
    scene.close(endpoint=url)
    with pytest.raises(ModuleFailed, match="its certificate is not trusted"):
        scene.open(endpoint={**endpoint, "ca_cert_content": None})
    with pytest.raises(ModuleFailed, match="its certificate is not trusted"):
        scene.open(endpoint={**endpoint, "server_name": "other.example"})
    with pytest.raises(ModuleFailed, match=r"what answers is not a Redis|closed without an answer|no answer"):
        scene.open(endpoint={"host": HOST, "port": 6380, "password": REDIS_PASSWORD})


def test_it_comes_back_with_a_new_code_on_the_same_port(scene: Scene) -> None:
    scene.redis.client().set("where", "inside")
    opened = scene.open()
    port = opened["endpoint"]["port"]
    for dropped in range(1, 3):
        scene.sim.ssh.drop()
        wait_for(lambda count=dropped: scene.state()["reopened"] == count and scene.state()["status"] == "open")
        assert get(scene.redis, port) == b"inside"
    again = scene.open()
    assert not again["changed"]
    assert again["endpoint"] == opened["endpoint"]
    assert again["reopened"] == 2


def test_a_second_call_waits_for_a_tunnel_that_is_coming_back(scene: Scene) -> None:
    opened = scene.open()
    scene.sim.faults.http_error(503, times=3, path="/ssh_enabled")
    scene.sim.ssh.drop()
    wait_for(lambda: scene.state()["status"] == "broken")
    again = scene.open()
    assert not again["changed"]
    assert again["endpoint"] == opened["endpoint"]


def test_it_comes_back_after_the_app_restarted(scene: Scene) -> None:
    scene.open()
    scene.run("cf_app", apps=["jumphost"], state="rolling")
    wait_for(lambda: scene.state()["reopened"] >= 1 and scene.state()["status"] == "open", 40)
    assert not scene.open()["changed"]


def test_an_expired_token_does_not_keep_it_from_coming_back(scene: Scene) -> None:
    scene.open()
    scene.sim.faults.expire_tokens_after(0)
    scene.sim.ssh.drop()
    wait_for(lambda: scene.state()["reopened"] == 1 and scene.state()["status"] == "open")


def test_a_login_that_is_over_ends_it(scene: Scene) -> None:
    scene.open()
    pid = scene.state()["pid"]
    for principal in scene.sim.state.principals.values():
        principal.secret = "changed meanwhile"
    scene.sim.faults.expire_tokens_after(0)
    scene.sim.ssh.drop()
    wait_for(lambda: not alive(pid))
    assert not scene.directory.exists()
    attempts = [entry for entry in scene.sim.requests if "/oauth/token" in entry.path]
    assert len(attempts) == 3  # the module's, the supervisor's first, and one that was refused


def test_a_killed_supervisor_is_replaced_and_leaves_no_second_tunnel(scene: Scene) -> None:
    scene.open()
    before = scene.state()
    os.kill(before["pid"], signal.SIGKILL)
    wait_for(lambda: not alive(before["pid"]))
    assert scene.open()["changed"]
    assert not alive(before["ssh_pid"])
    wait_for(lambda: len(scene.sim.ssh.connections) == 1)
    os.kill(scene.state()["pid"], signal.SIGKILL)
    ssh_pid = scene.state()["ssh_pid"]
    scene.close()
    assert not alive(ssh_pid)


def test_somebody_elses_process_is_not_killed(scene: Scene) -> None:
    scene.open()
    scene.close()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:
        scene.open()
        (path,) = scene.directory.glob("*.json")
        true_state = scene.state()
        path.write_text(json.dumps({**true_state, "pid": innocent.pid, "ssh_pid": innocent.pid}))
        scene.close()
        assert innocent.poll() is None
        innocent.communicate(b"\n")
        os.kill(true_state["pid"], signal.SIGTERM)
        wait_for(lambda: not alive(true_state["pid"]))


def test_never_two_to_one_destination(scene: Scene) -> None:
    with ThreadPoolExecutor(5) as pool:
        results = list(pool.map(lambda _number: scene.open(), range(5)))
    assert sorted(result["changed"] for result in results) == [False] * 4 + [True]
    assert len({result["endpoint"]["port"] for result in results}) == 1
    assert len(scene.sim.ssh.connections) == 1


def test_one_that_others_use_stays_until_the_last_has_closed_it(scene: Scene) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as run:
        owners = [{"pid": run.pid, "identity": process_identity(run.pid), "name": name} for name in ("a", "b")]
        opened = [scene.open(owner=owner) for owner in (*owners, None)]
        assert [result["changed"] for result in opened] == [True, False, False]
        pid = scene.state()["pid"]
        assert not scene.close(owner=owners[0])["changed"]
        assert not scene.close(owner=owners[0])["changed"]
        assert not scene.close(check=True)["changed"]

        # Whose supervisor is killed gets the tunnel back where the others know it.
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not alive(pid))
        assert scene.open()["endpoint"] == opened[0]["endpoint"]
        pid = scene.state()["pid"]
        assert not scene.close()["changed"]
        assert alive(pid)
        run.communicate(b"\n")
    wait_for(lambda: not alive(pid))
    assert not scene.directory.exists()


def test_tunnels_to_different_places_stand_side_by_side(scene: Scene, redis_server: Callable[..., RedisServer]) -> None:
    other = redis_server("redis-6.2")
    scene.sim.resolve("other.service", "127.0.0.1", other.port)
    there = {"host": "other.service", "port": other.port}
    first, second = scene.open(), scene.open(endpoint=there)
    assert first["endpoint"]["port"] != second["endpoint"]["port"]
    scene.close()
    assert not scene.open(endpoint=there)["changed"]
    scene.close(endpoint=there)


def test_it_ends_with_its_owner_and_with_its_lifetime(scene: Scene) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        scene.open(owner={"pid": owner.pid, "identity": process_identity(owner.pid)})
        state = scene.state()
        time.sleep(1.5)
        assert alive(state["pid"])
        owner.communicate(b"\n")
    wait_for(lambda: not alive(state["pid"]) and not alive(state["ssh_pid"]))
    scene.open(owner={"pid": os.getpid(), "identity": "of another machine"}, max_lifetime=2)
    state = scene.state()
    time.sleep(1)
    assert alive(state["pid"])
    wait_for(lambda: not alive(state["pid"]) and not alive(state["ssh_pid"]))
    assert not scene.directory.exists()


@pytest.mark.parametrize("kind", ["sha256", "sha256-hex", "sha1", "md5"])
def test_every_kind_of_fingerprint(scene: Scene, kind: str) -> None:
    scene.sim.api.fingerprint = scene.sim.ssh.fingerprint(kind)
    assert scene.open()["changed"]


def test_a_wrong_host_key_is_refused(scene: Scene) -> None:
    scene.sim.ssh.change_host_key()
    with pytest.raises(ModuleFailed) as caught:
        scene.open()
    assert "another host key than Cloud Foundry says" in str(caught.value)
    assert "The connection was refused" in str(caught.value)
    assert scene.sim.ssh.forwards == []
    scene.sim.api.fingerprint = ""
    with pytest.raises(ModuleFailed, match="does not publish the host key"):
        scene.open()


def test_a_host_key_that_changes_meanwhile_is_refused_too(scene: Scene) -> None:
    scene.open()
    forwards = len(scene.sim.ssh.forwards)
    scene.sim.ssh.change_host_key()
    scene.sim.ssh.drop()
    wait_for(lambda: "another host key" in scene.state()["last_error"])
    assert len(scene.sim.ssh.forwards) == forwards


def test_a_fingerprint_of_ones_own(scene: Scene) -> None:
    right = scene.sim.ssh.fingerprint()
    scene.sim.api.fingerprint = ""
    assert scene.open(host_key_fingerprint=f"SHA256:{right}")["changed"]
    scene.close()
    with pytest.raises(ModuleFailed, match="another host key"):
        scene.open(host_key_fingerprint="x" * 43)


def test_ssh_disabled_at_every_level(scene: Scene) -> None:
    scene.app.ssh = False
    for check in (False, True):
        with pytest.raises(ModuleFailed, match=r"disabled for this app .*cf enable-ssh jumphost"):
            scene.open(check=check)
    scene.app.ssh = True
    scene.there.space.ssh = False
    with pytest.raises(ModuleFailed, match=r"disabled in its space .*cf allow-space-ssh"):
        scene.open()
    scene.there.space.ssh = True
    scene.sim.state.ssh_enabled = False
    with pytest.raises(ModuleFailed, match="disabled on the whole platform"):
        scene.open()


def test_an_app_that_does_not_run(scene: Scene) -> None:
    scene.run("cf_app", apps=["jumphost"], state="stopped")
    with pytest.raises(ModuleFailed, match="is stopped, so there is no tunnel through it"):
        scene.open()
    scene.run("cf_app", apps=["jumphost"], state="started")
    with pytest.raises(ModuleFailed, match=r"instance 3 of the process web .* does not run; there is: web 0 RUNNING"):
        scene.open(instance=3)
    with pytest.raises(ModuleFailed, match='no app "jumphorst"'):
        scene.open(app="jumphorst")


def test_a_destination_that_does_not_answer(scene: Scene) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    scene.sim.resolve("gone.service", "127.0.0.1", port)
    for host in ("gone.service", "unknown.service"):
        with pytest.raises(ModuleFailed) as caught:
            scene.open(endpoint={"host": host, "port": port})
        assert f"No Redis answers at {host}:{port} through the app" in str(caught.value)
        assert "open failed" in str(caught.value)
    assert not [line for line in processes() if "gone.service" in line or "unknown.service" in line]


def test_something_else_answers(scene: Scene) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def greet() -> None:
            connection, _peer = listener.accept()
            with connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        port = listener.getsockname()[1]
        scene.sim.resolve("mail.service", "127.0.0.1", port)
        with pytest.raises(ModuleFailed, match="what answers is not a Redis"):
            scene.open(endpoint={"host": "mail.service", "port": port})
        thread.join()


def test_nothing_is_needed_to_close(scene: Scene) -> None:
    """An expired login must not keep a tunnel open."""
    scene.open()
    requests = len(scene.sim.requests)
    assert scene.close(password="wrong by now")["changed"]
    assert len(scene.sim.requests) == requests
