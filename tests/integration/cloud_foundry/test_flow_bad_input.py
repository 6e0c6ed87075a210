# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong is said in a sentence with the next step, and nothing is half done: many mistakes in one run."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.support.cf_scene import PASSWORD, Scene, scene
from tests.support.run import PlaybookRun

__all__ = ["scene"]

NAMES = {"redis_migration_source": {"service_instance": "orders-old"}}


@pytest.fixture
def web_page() -> Iterator[str]:
    """The address of something that is no Cloud Foundry."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>Welcome</html>")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def failures(run: PlaybookRun, hosts: dict[str, Any]) -> dict[str, str]:
    """The result of each migration. All of them failed, and none by a bug."""
    assert run.returncode == 2, run.output[-4000:]
    assert {name for name, counters in run.stats.items() if counters["failures"]} == set(hosts), run.output[-8000:]
    assert "Traceback" not in run.output
    assert "object has no attribute" not in run.output
    assert "undefined" not in run.output
    said = {}
    for name in hosts:
        # Its line, and those of the same migration behind it.
        (said[name],) = re.findall(rf'^ +"{name}: FAILED in .*(?:\n +"  .*)*', run.output, re.MULTILINE)
    return said


def test_mistakes_in_the_inventory_change_nothing(scene: Scene, web_page: str, unused_port: int) -> None:
    scene.apps(1)
    elsewhere = scene.sim.add_space(scene.sim.add_org("other"), "prod")
    for _twice in range(2):
        scene.sim.add_service_instance(scene.space, "twin", endpoint=scene.source.endpoint())
    scene.sim.add_service_instance(elsewhere, "hidden", endpoint=scene.source.endpoint())
    scene.sim.add_user("auditor@example.org", PASSWORD, {"space_auditor": [scene.space]})
    home = scene.directory / "home"
    (home / ".cf").mkdir(parents=True)
    (home / ".cf" / "config.json").write_text(
        f'{{"Target": "{scene.sim.api_url}", "AccessToken": "bearer old", "RefreshToken": "revoked"}}'
    )
    login = scene.host()["redis_migration_cf"]
    cf: dict[str, dict[str, Any]] = {
        "nobody_there": {**login, "api_url": f"http://127.0.0.1:{unused_port}"},
        "no_cf": {**login, "api_url": web_page},
        "wrong_password": {**login, "password": "SENTINEL-wrong"},
        "revoked_session": {"cf_home": str(home), "organization": "acme", "space": "prod"},
        "old_token": {"api_url": scene.sim.api_url, "access_token": "bearer SENTINEL", "organization": "acme"},
        "no_org": {**login, "organization": "acmee"},
        "no_space": {**login, "space": "production"},
        "role": {**login, "user": "auditor@example.org"},
    }
    hosts = {name: scene.host(redis_migration_cf=value) for name, value in cf.items()}
    for name, instance in {"misspelt_source": "orders-odl", "twins": "twin", "elsewhere": "hidden"}.items():
        hosts[name] = scene.host(redis_migration_source={"service_instance": instance})
    for name, target in {
        "misspelt_target": {"service_instance": "orders_new"},
        "misspelt_backend": {"service_instance": "orders-new", "backend_service_instance": "orders-new-intern"},
        "no_offering": {"service_instance": "orders-made", "offering": "a9s-redis77", "plan": "redis-single-small"},
        "no_plan": {"service_instance": "orders-made", "offering": "a9s-redis7", "plan": "redis-single-smal"},
    }.items():
        hosts[name] = scene.host(redis_migration_target=target)
    hosts["cutover"] = scene.host(redis_migration_target=scene.target.endpoint(), redis_migration_cutover=True)

    run = scene.run(hosts=hosts)
    said = failures(run, hosts)
    expected = {
        "nobody_there": ["No answer from http://127.0.0.1", "Check api_url"],
        "no_cf": ["answers, but not as a Cloud Foundry with API v3", "'cf api' prints it"],
        "wrong_password": ["Could not log in as developer@example.org", "Check user, password and origin"],
        "revoked_session": ["has expired or was revoked", f"run 'cf login -a {scene.sim.api_url}'"],
        "old_token": ["access_token", "'cf oauth-token' prints a fresh one"],
        "no_org": ['no organization \\"acmee\\"', 'nearest is \\"acme\\"'],
        "no_space": ['no space \\"production\\" in the organization \\"acme\\"', 'nearest is \\"prod\\"'],
        "role": ["Space Developer", 'space \\"prod\\"'],
        "misspelt_source": ['no service instance \\"orders-odl\\" in the space \\"prod\\"', '\\"orders-old\\"'],
        "twins": ['There are 2 service instances \\"twin\\"', "give the GUID"],
        "elsewhere": ['no service instance \\"hidden\\" in the space \\"prod\\" of the organization \\"acme\\"'],
        "misspelt_target": ['no service instance \\"orders_new\\"', '\\"orders-new\\"'],
        "misspelt_backend": ['no service instance \\"orders-new-intern\\"', '\\"orders-new\\"'],
        "no_offering": ['no service offering \\"a9s-redis77\\"', 'nearest is \\"a9s-redis7\\"', "cf marketplace"],
        "no_plan": [
            'plan \\"redis-single-smal\\"',
            'nearest is \\"redis-single-small\\"',
            "cf marketplace -e a9s-redis7",
        ],
        "cutover": ["redis_migration_cutover", "need a service_instance"],
    }
    assert {name: [part for part in parts if part not in said[name]] for name, parts in expected.items()} == {
        name: [] for name in hosts
    }, "\n".join(said.values())
    assert [entry for entry in scene.sim.writes() if entry.status < 400] == []
    assert scene.bound() == (["app-0"], [])
    assert "SENTINEL" not in run.output


def test_what_shows_only_on_the_way_is_told_and_the_next_run_goes_on(scene: Scene) -> None:
    apps = scene.apps(2)
    apps[0].crash_on_start = 1
    stranger = scene.sim.add_space(scene.sim.add_org("other"), "theirs")
    shared = scene.sim.add_service_instance(scene.space, "shared", endpoint=scene.source.endpoint())
    scene.sim.share(shared, stranger)
    scene.sim.bind(scene.sim.add_app(stranger, "not-ours"), shared)
    scene.sim.bind(scene.sim.add_app(scene.space, "ours"), shared)
    odd = scene.sim.add_service_instance(
        scene.space,
        "odd",
        endpoint=scene.source.endpoint(),
        key_shape=lambda view: {"servers": [view["host"]], "auth": {"secret": "SENTINEL-odd"}},
    )
    broken = scene.sim.add_service_instance(scene.space, "broken", endpoint=scene.source.endpoint())
    for instance in (scene.old, scene.new, shared, odd):
        scene.sim.create_key(instance, "redis-migration")
    scene.sim.faults.fail_broker("bind", times=2, message="Service broker error: no room for a key")

    hosts = {
        "crash": scene.host(redis_migration_cutover=True),
        "hidden": scene.host(redis_migration_source={"service_instance": "shared"}),
        "shape": scene.host(redis_migration_source={"service_instance": "odd"}),
        "broker": scene.host(redis_migration_source={"service_instance": "broken"}),
    }
    run = scene.run("migrate", "--skip-tags", "preflight", hosts=hosts)
    said = failures(run, hosts)
    expected = {
        "crash": ['app \\"app-0\\" does not come up: web 0 CRASHED', "Exited with status 1", "cf logs app-0 --recent"],
        "hidden": [f"shared into the space {stranger.guid}, where 1 app is bound", "needs the role Space Developer"],
        "shape": ["auth", "secret", "servers", "endpoint_query"],
        "broker": ["no room for a key", 'create the service key \\"redis-migration\\"', "Nothing is left behind"],
    }
    assert {name: [part for part in parts if part not in said[name]] for name, parts in expected.items()} == {
        name: [] for name in hosts
    }, "\n".join(said.values())
    assert "SENTINEL" not in run.output
    assert "run again" in said["crash"]
    assert "dataservices.redis_migration.rollback" in said["crash"]
    assert "--limit crash" in said["crash"]
    assert "rollback" not in said["hidden"] + said["shape"] + said["broker"]
    assert scene.sim.bound_apps(shared) == ["not-ours", "ours"]
    assert not shared.annotations
    assert scene.bound() == ([], ["app-0", "app-1"])
    assert [binding for binding in scene.sim.state.bindings.values() if binding.instance is broken] == []

    # What was wrong is right now; a leftover of a key is repaired.
    scene.sim.start_app(apps[0])
    leftover = scene.sim.create_key(broken, "redis-migration", state="failed")
    del hosts["hidden"], hosts["shape"]
    assert scene.run("migrate", "--tags", "cutover", hosts=hosts).ok
    keys = [binding for binding in scene.sim.state.bindings.values() if binding.instance is broken]
    assert [key.operation.state for key in keys] == ["succeeded"]
    assert keys != [leftover]
