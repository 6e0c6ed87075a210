# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong is said in a sentence with the next step, and nothing is half done: many mistakes in one run."""

from __future__ import annotations

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
    """The last words on each migration. All of them failed, and none with the words of a bug."""
    assert run.returncode == 2, run.output[-4000:]
    assert {name for name, counters in run.stats.items() if counters["failures"]} == set(hosts), run.output[-8000:]
    assert "Traceback" not in run.output
    assert "object has no attribute" not in run.output
    assert "undefined" not in run.output
    said = {}
    for name in hosts:
        lines = [line for line in run.output.splitlines() if line.startswith(f"fatal: [{name}]: FAILED! => ")]
        said[name] = lines[-1]
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
        "cutover": ["redis_migration_cutover", "need a service_instance"],
    }
    assert {name: [word for word in words if word not in said[name]] for name, words in expected.items()} == {
        name: [] for name in hosts
    }, "\n".join(said.values())
    assert [entry for entry in scene.sim.writes() if entry.status < 400] == []
    assert scene.bound() == (["app-0"], [])
    assert "SENTINEL" not in run.output
