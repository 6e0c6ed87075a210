# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole migrations through SSH tunnels: TLS to the real names, tunnels that die, that are refused, that are shared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import dataset, oracle
from tests.support.certs import Authority
from tests.support.cf_sim import App, CloudFoundrySim, Instance, Space
from tests.support.run import PlaybookRun, run_playbook
from tests.support.servers import RedisServer
from tests.support.tls_frontend import TlsFrontend

pytestmark = [pytest.mark.needs_program("ssh", "openssh-client"), pytest.mark.needs_program("ps", "procps")]

USER = "developer@example.org"
PASSWORD = "SENTINEL-developer-password"
OLD_HOST = "red140220-master.service.dc1.a9ssvc"
NEW_HOST = "red297348-master.service.dc1.a9ssvc"
PORT = 6379


@dataclass
class Scene:
    """`orders-old` and `orders-new` speak TLS under names that only apps resolve; `jumphost` is such an app."""

    sim: CloudFoundrySim
    space: Space
    old: Instance
    new: Instance
    jumphost: App
    source: RedisServer
    target: RedisServer
    frontends: list[TlsFrontend]
    directory: Path
    temporary: Path

    def run(self, *arguments: str, check: bool = False, **variables: Any) -> PlaybookRun:
        return self.run_hosts({"orders": self.host(**variables)}, *arguments, check=check)

    def host(self, **variables: Any) -> dict[str, Any]:
        login = {"api_url": self.sim.api_url, "user": USER, "password": PASSWORD}
        return {
            "redis_migration_source": {"service_instance": "orders-old", "tunnel": {"app": "jumphost"}},
            "redis_migration_target": {"service_instance": "orders-new", "tunnel": {"app": "jumphost"}},
            "redis_migration_cf": {**login, "organization": "acme", "space": "prod"},
            "redis_migration_isolate_quiet_seconds": 0.2,
            **variables,
        }

    def run_hosts(self, hosts: dict[str, Any], *arguments: str, check: bool = False, **environment: str) -> PlaybookRun:
        environment |= {"TMPDIR": str(self.temporary), "XDG_RUNTIME_DIR": str(self.temporary)}
        inventory = {"redis_migrations": {"hosts": hosts}}
        run = run_playbook(
            "migrate", inventory, *arguments, check=check, directory=self.directory, environment=environment
        )
        self.nothing_is_left()
        return run

    def report(self) -> dict[str, Any]:
        found = json.loads((self.directory / "redis-migration-report" / "report.json").read_text())
        migration: dict[str, Any] = found["migrations"][0]
        return migration

    def codes(self) -> list[str]:
        """The requests for one-time codes so far."""
        return [entry.path for entry in self.sim.requests if "/oauth/authorize" in entry.path]

    def tunnels(self) -> list[str]:
        """The processes of its tunnels, as `ps` shows them; their files are in its directory, others' are not."""
        listed = subprocess.run(["ps", "-axwwo", "pid,command"], capture_output=True, text=True, check=True).stdout
        return [
            line
            for line in listed.splitlines()
            if str(self.temporary) in line and (f":{OLD_HOST}:" in line or f":{NEW_HOST}:" in line)
        ]

    def nothing_is_left(self) -> None:
        """No process, no connection, no file of a tunnel."""
        assert list(self.temporary.iterdir()) == []
        assert self.tunnels() == []
        wait_for(lambda: not self.sim.ssh.connections, 5)


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def scene(
    redis_server: Callable[..., RedisServer],
    tls_frontend: Callable[..., TlsFrontend],
    authority: Authority,
    tmp_path: Path,
) -> Iterator[Scene]:
    source = redis_server("redis-6.2", password="SENTINEL-old-password")
    target = redis_server("redis-8.2", password="SENTINEL-new-password")
    frontends = [tls_frontend(source.port, names=(OLD_HOST,)), tls_frontend(target.port, names=(NEW_HOST,))]
    with CloudFoundrySim(job_delay=0.02, staging_delay=0.02) as sim:
        space = sim.add_space(sim.add_org("acme"), "prod")
        sim.add_user(USER, PASSWORD, {"space_developer": [space]})

        def instance(name: str, server: RedisServer, frontend: TlsFrontend, host: str, shape: str) -> Instance:
            endpoint = {**server.endpoint(), "port": frontend.port, "tls": True, "ca_cert_content": authority.ca_pem}
            return sim.add_service_instance(
                space, name, endpoint=endpoint, key_shape=shape, hostname=host, advertised_port=PORT
            )

        old = instance("orders-old", source, frontends[0], OLD_HOST, "a9s6")
        new = instance("orders-new", target, frontends[1], NEW_HOST, "a9s7")
        jumphost = sim.add_app(space, "jumphost", start_delay=0.0)
        (tmp_path / "runs").mkdir()
        (tmp_path / "temporary").mkdir(mode=0o700)
        yield Scene(
            sim, space, old, new, jumphost, source, target, frontends, tmp_path / "runs", tmp_path / "temporary"
        )


def disturb(scene: Scene, happened: list[str], over: threading.Event) -> None:
    """While keys move: kill one ssh, then cut all and let the SSH proxy take nobody for a while.

    However slow the machine is, keys are waited for as long as the run goes on, which ``over`` ends.
    """
    reader = scene.target.client()

    def more(keys: int) -> None:
        there = reader.dbsize() + keys
        while reader.dbsize() <= there:
            assert not over.is_set(), "the run ended before"
            time.sleep(0.02)

    more(300)
    (line,) = [line for line in scene.tunnels() if f":{OLD_HOST}:" in line]
    os.kill(int(line.split()[0]), signal.SIGKILL)
    happened.append("killed")
    more(300)
    scene.sim.ssh.refusing = True
    scene.sim.ssh.drop()
    time.sleep(3)
    scene.sim.ssh.refusing = False
    more(100)
    happened.append("refused for a while, and back")


def test_through_tunnels_that_die_and_come_back(scene: Scene) -> None:
    keys = 2000 + dataset.fill(scene.source.client, databases=(0, 3)).total
    dataset.fill_benchmark(scene.source.client(), "strings100", 2000)
    for instance in (scene.old, scene.new):
        scene.sim.create_key(instance, "redis-migration")

    planned = scene.run("--tags", "migrate", check=True).ok
    assert f"Would move {keys:,} keys" in planned.output
    assert scene.target.client().dbsize() == 0

    codes = len(scene.codes())
    happened: list[str] = []
    over = threading.Event()
    disturber = threading.Thread(target=disturb, args=(scene, happened, over))
    disturber.start()
    try:
        first = scene.run(redis_migration_max_keys_per_second=300)
    finally:
        over.set()
        disturber.join()
    assert first.ok
    assert happened == ["killed", "refused for a while, and back"]
    assert f"PROVED equal, {keys:,} keys" in first.ok.output
    assert scene.report()["migrate"]["reconnects"] >= 1
    assert len(scene.codes()) >= codes + 5, "a code opens one connection: two at first, one after the kill, two at last"
    assert oracle.compare(scene.source, scene.target) == []

    before = scene.source.write_calls(), scene.target.write_calls()
    again = scene.run(redis_migration_live=True).ok
    assert again.changed == 0 and "unchanged since" in again.output
    assert (scene.source.write_calls(), scene.target.write_calls()) == before

    # Nothing went to either server but through the jump host, and under the name that its certificate carries.
    for frontend, name in zip(scene.frontends, (OLD_HOST, NEW_HOST)):
        assert set(frontend.server_names) == {name}
    assert set(scene.sim.ssh.forwards) == {(OLD_HOST, PORT), (NEW_HOST, PORT)}


def test_migrations_share_tunnels_and_bad_ones_say_what_is_wrong(
    scene: Scene, redis_server: Callable[..., RedisServer], unused_port: int
) -> None:
    """All in one run, in which each goes its own way: two share a tunnel, and the first does not close it on the other."""
    sim, space = scene.sim, scene.space
    dataset.fill_benchmark(scene.source.client(), "strings100", 1500)
    slow, fast, untouched = redis_server("redis-8.2"), redis_server("redis-8.2"), scene.target
    busy = redis_server("redis-6.2")
    closed = sim.add_space(sim.state.orgs[space.org.guid], "closed", ssh=False)
    sim.add_user("other@example.org", PASSWORD, {"space_developer": [closed]})
    elsewhere = sim.add_service_instance(closed, "orders-closed", endpoint=busy.endpoint(), key_shape="a9s6")
    in_use = sim.add_service_instance(space, "orders-busy", endpoint=busy.endpoint(), key_shape="a9s6")
    for instance in (scene.old, elsewhere, in_use):
        sim.create_key(instance, "redis-migration")
    sim.add_app(closed, "in-closed")
    sim.add_app(space, "no-ssh", ssh=False)
    sim.add_app(space, "stopped", started=False)
    sim.crash_app(sim.add_app(space, "crashed"))
    sim.add_app(space, "second")
    writer = sim.add_app(space, "writer", writer=True, started=False)
    sim.bind(writer, in_use)
    sim.start_app(writer)

    def through(app: str, target: RedisServer = untouched, **source: Any) -> dict[str, Any]:
        end = {"service_instance": "orders-old", **source, "tunnel": {"app": app, **source.get("tunnel", {})}}
        return scene.host(
            redis_migration_source={name: value for name, value in end.items() if value is not None},
            redis_migration_target={"url": target.url()},
        )

    with CloudFoundrySim() as without_ssh:
        there = without_ssh.add_space(without_ssh.add_org("acme"), "prod")
        without_ssh.add_user(USER, PASSWORD, {"space_developer": [there]})
        without_ssh.state.ssh_enabled = False
        without_ssh.add_app(there, "jumphost")
        nowhere = through("jumphost", service_instance=None, host=OLD_HOST, port=PORT)
        nowhere["redis_migration_cf"] = {**nowhere["redis_migration_cf"], "api_url": without_ssh.api_url}
        in_closed = through("in-closed", service_instance="orders-closed", space="closed")
        in_closed["redis_migration_cf"] = {**in_closed["redis_migration_cf"], "user": "other@example.org"}
        hosts = {
            "slow": {**through("jumphost", slow), "redis_migration_max_keys_per_second": 100},
            "fast": through("jumphost", fast),
            "platform": nowhere,
            "space": in_closed,
            "app": through("no-ssh"),
            "stopped": through("stopped"),
            "crashed": through("crashed"),
            "key": through("second", tunnel={"host_key_fingerprint": "x" * 43}),
            "unreachable": through("second", service_instance=None, host="gone.service", port=unused_port),
            "busy": {**through("writer", service_instance="orders-busy"), "redis_migration_isolate_timeout": 2},
        }
        run = scene.run_hosts(hosts, "--forks", "10", ANSIBLE_STRATEGY="free")
        assert without_ssh.ssh.forwards == []

    assert {name for name, stats in run.stats.items() if not stats["failures"]} == {"slow", "fast"}
    sentences = {
        "platform": 'SSH to the app "jumphost" is disabled on the whole platform',
        "space": 'SSH to the app "in-closed" is disabled in its space',
        "app": "'cf enable-ssh no-ssh' enables it",
        "stopped": 'The app "stopped" is stopped, so there is no tunnel through it',
        "crashed": "does not run; there is: web 0 CRASHED",
        "key": "has another host key than Cloud Foundry says",
        "unreachable": f"No Redis answers at gone.service:{unused_port} through the app",
        "busy": "is not isolated after 2 s: 1 client of others connected",
    }
    failures = [line for line in run.output.splitlines() if ": FAILED in " in line]
    for name, sentence in sentences.items():
        # As the result shows it: in JSON.
        shown = json.dumps(sentence)[1:-1]
        assert any(f"{name}: FAILED in" in line and shown in line for line in failures), name
    assert (slow.client().dbsize(), fast.client().dbsize(), untouched.client().dbsize()) == (1500, 1500, 0)
    assert scene.sim.ssh.forwards.count((OLD_HOST, PORT)) >= 2
    assert [entry.path for entry in sim.writes() if "/oauth/" not in entry.path] == []
    assert sim.bound_apps(in_use) == ["writer"]
    assert "writer: bound to orders-busy and neither unbound nor stopped" in run.output
    assert len(scene.codes()) == 3, "one for the tunnel that two share, one for the unreachable, one for the busy one"
