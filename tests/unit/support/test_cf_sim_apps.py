# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator's apps really run: they write to Redis, crash, roll, and are entered by ssh."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.certs import Authority
from tests.support.cf_sim import App, CloudFoundrySim, Instance, Space
from tests.support.cf_sim.raw import Cf, eventually, related, send
from tests.support.cf_sim.resp import Redis
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend

BACKEND = "red1-master.service.dc1.a9ssvc"


@dataclass
class There:
    sim: CloudFoundrySim
    space: Space
    instance: Instance
    cf: Cf
    server: RedisServer

    def stats(self, app: App) -> list[str]:
        rows = self.cf.get(f"/v3/processes/{app.processes[0].guid}/stats")["resources"]
        return [row["state"] for row in rows]


@pytest.fixture
def there(redis_server: Callable[..., RedisServer]) -> Iterator[There]:
    server = redis_server(password="old")
    with CloudFoundrySim(job_delay=0.02, staging_delay=0.05) as sim:
        space = sim.add_space(sim.add_org("acme"), "dev")
        sim.add_user("me", "secret", {"space_developer": [space]})
        instance = sim.add_service_instance(
            space, "orders", endpoint=server.endpoint(password="old"), hostname=BACKEND, user_per_binding=True
        )
        yield There(sim, space, instance, Cf(sim, "me", "secret"), server)


def test_a_writer_writes_with_the_credentials_of_its_last_start(there: There) -> None:
    app = there.sim.add_app(there.space, "shop", writer=True, write_interval=0.01, start_delay=0.05)
    binding = there.sim.bind(app, there.instance)
    eventually(lambda: there.stats(app) == ["RUNNING"])
    assert app.written == []  # bound, but not restarted since
    there.cf("POST", f"/v3/apps/{app.guid}/actions/restart")
    eventually(lambda: len(app.written) > 3)
    assert there.cf.wait(there.cf("DELETE", f"/v3/service_credential_bindings/{binding.guid}"))["state"] == "COMPLETE"
    eventually(lambda: app.write_errors)  # the user is gone from the server, and its connections with it
    before = len(app.written)
    time.sleep(0.1)
    assert len(app.written) == before
    there.cf("POST", f"/v3/apps/{app.guid}/actions/stop")
    stored = there.server.client(password="old")
    assert {key: stored.get(key).decode() for key in app.written_to("orders")} == app.written_to("orders")
    env = there.cf.get(f"/v3/apps/{app.guid}/env")["system_env_json"]["VCAP_SERVICES"]
    assert env == {}


def test_an_instance_wide_password_goes_on_working_after_unbind_until_the_app_stops(there: There) -> None:
    there.instance.user_per_binding = False
    app = there.sim.add_app(there.space, "shop", writer=True, write_interval=0.01, start_delay=0.02, started=False)
    app.stop_delay = 0.1
    binding = there.sim.bind(app, there.instance, name="main")
    there.sim.start_app(app)
    eventually(lambda: app.written)
    there.cf.wait(there.cf("DELETE", f"/v3/service_credential_bindings/{binding.guid}"))
    count = len(app.written)
    eventually(lambda: len(app.written) > count)
    there.cf("POST", f"/v3/apps/{app.guid}/actions/stop")
    count = len(app.written)
    eventually(lambda: len(app.written) > count)  # still on its way out
    time.sleep(0.2)
    count = len(app.written)
    time.sleep(0.1)
    assert len(app.written) == count


def test_instances_start_crash_and_come_back(there: There) -> None:
    app = there.sim.add_app(there.space, "shop", instances=2, start_delay=0.15, crash_on_start=1, started=False)
    assert there.stats(app) == ["DOWN", "DOWN"]
    seen = set()
    there.cf("POST", f"/v3/apps/{app.guid}/actions/start")
    for _poll in range(200):
        seen.add(there.stats(app)[0])
        if "CRASHED" in seen:
            break
        time.sleep(0.01)
    assert seen == {"DOWN", "STARTING", "CRASHED"}
    there.cf("POST", f"/v3/apps/{app.guid}/actions/restart")
    eventually(lambda: there.stats(app) == ["RUNNING", "RUNNING"])
    there.sim.crash_app(app)
    assert there.stats(app) == ["CRASHED", "CRASHED"]


def test_restage_builds_a_droplet_and_a_rolling_restart_replaces_the_process(there: There) -> None:
    app = there.sim.add_app(there.space, "shop", start_delay=0.05)
    package = there.cf.get(f"/v3/apps/{app.guid}/packages?states=READY&order_by=-created_at")["resources"][0]
    build = there.cf("POST", "/v3/builds", {"package": {"guid": package["guid"]}})
    assert (build.status, build.json["state"]) == (201, "STAGING")
    eventually(lambda: there.cf.get(f"/v3/builds/{build.json['guid']}")["state"] == "STAGED")
    droplet = there.cf.get(f"/v3/builds/{build.json['guid']}")["droplet"]
    path = f"/v3/apps/{app.guid}/relationships/current_droplet"
    assert there.cf("PATCH", path, {"data": droplet}).json["data"] == droplet
    app.staging_fails = True
    build = there.cf("POST", "/v3/builds", {"package": {"guid": package["guid"]}})
    eventually(lambda: there.cf.get(f"/v3/builds/{build.json['guid']}")["state"] == "FAILED")

    before = app.processes[0].guid
    body = {"strategy": "rolling", "relationships": related(app=app.guid)}
    deployment = there.cf("POST", "/v3/deployments", body)
    assert (deployment.status, deployment.json["status"]["value"]) == (201, "ACTIVE")
    url = f"/v3/deployments/{deployment.json['guid']}"
    eventually(lambda: there.cf.get(url)["status"]["value"] == "FINALIZED")
    processes = there.cf.get(f"/v3/apps/{app.guid}/processes")["resources"]
    assert [row["guid"] for row in processes] != [before] and len(processes) == 1
    assert there.stats(app) == ["RUNNING"]


def test_ssh_is_refused_for_the_reason_that_cloud_foundry_gives(there: There) -> None:
    app = there.sim.add_app(there.space, "shop", start_delay=0.01)
    url = f"/v3/apps/{app.guid}/ssh_enabled"
    assert there.cf.get(url) == {"enabled": True, "reason": ""}
    app.ssh = False
    assert there.cf.get(url)["reason"] == "ssh is disabled for app"
    there.space.ssh = False
    assert there.cf.get(url)["reason"] == "ssh is disabled for space 'dev'"
    there.sim.state.ssh_enabled = False
    assert there.cf.get(url) == {"enabled": False, "reason": "ssh is disabled globally"}


def _code(there: There) -> str:
    ask = f"{there.sim.uaa_url}/oauth/authorize?response_type=code&client_id=ssh-proxy"
    return there.cf("GET", ask).headers["Location"].partition("?code=")[2]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _tunnel(
    there: There, app: App, target: str, directory: Path, code: str
) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """OpenSSH with the one-time code as its password; yields the local port once it listens, or is dead."""
    ask = directory / "askpass"
    ask.write_text(f"#!/bin/sh\necho '{code}'\n")
    ask.chmod(0o700)
    port = _free_port()
    host, _colon, ssh_port = there.sim.api.ssh_address.partition(":")
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ExitOnForwardFailure=yes"]
    command = ["ssh", "-N", "-p", ssh_port, "-L", f"127.0.0.1:{port}:{target}", "-F", "none"]
    for option in (*options, "NumberOfPasswordPrompts=1"):
        command += ["-o", option]
    environment = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
    process = subprocess.Popen(
        [*command, f"cf:{app.processes[0].guid}/0@{host}"], env=environment, stderr=subprocess.PIPE, text=True
    )

    def listens() -> bool:
        if process.poll() is not None:
            return True
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        eventually(listens)
        yield port, process
    finally:
        process.kill()
        process.communicate(timeout=10)


@pytest.mark.needs_program("ssh", "openssh-client")
def test_openssh_forwards_to_a_backend_name_until_the_proxy_drops_it(
    there: There, tls_frontend: Callable[..., TlsFrontend], authority: Authority, tmp_path: Path
) -> None:
    app = there.sim.add_app(there.space, "shop", start_delay=0.01)
    eventually(lambda: there.stats(app) == ["RUNNING"])
    frontend = tls_frontend(there.server.port, names=(BACKEND,))
    there.sim.resolve(BACKEND, "127.0.0.1", frontend.port, seen_port=6380)
    code = _code(there)
    with _tunnel(there, app, f"{BACKEND}:6380", tmp_path, code) as (port, process):
        with Redis("127.0.0.1", port, password="old", ca_pem=authority.ca_pem, server_name=BACKEND) as redis:
            assert redis.call("PING") == b"PONG"
        assert set(there.sim.ssh.forwards) == {(BACKEND, 6380)}
        there.sim.ssh.drop()
        process.wait(timeout=10)
    with _tunnel(there, app, f"{BACKEND}:6380", tmp_path, code) as (port, process):  # a code works once
        assert process.wait(timeout=10) == 255
    with _tunnel(there, app, "nowhere.example:6379", tmp_path, _code(there)) as (port, process):
        with pytest.raises(OSError), Redis("127.0.0.1", port) as redis:
            redis.call("PING")
        there.cf("POST", f"/v3/apps/{app.guid}/actions/stop")  # the container goes, and the tunnel with it
        process.wait(timeout=10)


@pytest.mark.parametrize("shape", ["a9s6", "a9s7", "a9s-keyvalue", "exposed", "tanzu", "csb", "csb-hostname", "uri"])
def test_apps_understand_every_key_shape_over_tls(
    there: There, tls_frontend: Callable[..., TlsFrontend], authority: Authority, shape: str
) -> None:
    frontend = tls_frontend(there.server.port, names=(BACKEND,))
    endpoint = {"host": "127.0.0.1", "port": frontend.port, "password": "old", "tls": True}
    instance = there.sim.add_service_instance(
        there.space,
        "secure",
        endpoint={**endpoint, "ca_cert_content": authority.ca_pem},
        key_shape=shape,
        hostname=BACKEND,
        advertised_port=6380,
    )
    app = there.sim.add_app(there.space, "shop", writer=True, write_interval=0.01, start_delay=0, started=False)
    there.sim.bind(app, instance)
    there.sim.start_app(app)
    eventually(lambda: app.written or app.write_errors)
    assert (app.write_errors, frontend.server_names[0]) == ([], BACKEND)


@pytest.mark.parametrize(("kind", "length"), [("sha256", 43), ("sha256-hex", 64), ("sha1", 59), ("md5", 47)])
def test_the_fingerprint_is_announced_in_each_of_its_forms(kind: str, length: int) -> None:
    with CloudFoundrySim(fingerprint_kind=kind) as sim:
        meta = send("GET", sim.api_url).json["links"]["app_ssh"]["meta"]
        assert len(meta["host_key_fingerprint"]) == length


@pytest.mark.needs_program("ssh-keyscan", "openssh-client")
def test_the_host_key_is_the_announced_one_until_it_is_changed(there: There) -> None:
    def seen() -> str:
        scan = ["ssh-keyscan", "-p", str(there.sim.ssh.port), "127.0.0.1"]
        line = subprocess.run(scan, capture_output=True, text=True, check=True, timeout=30).stdout
        digest = hashlib.sha256(base64.b64decode(line.split()[-1])).digest()
        return base64.b64encode(digest).decode().rstrip("=")

    assert seen() == there.sim.api.fingerprint
    there.sim.ssh.change_host_key()
    assert seen() != there.sim.api.fingerprint
