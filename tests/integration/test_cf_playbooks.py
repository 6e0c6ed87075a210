# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole migrations by the names of service instances: apps that write, real servers, a simulated Cloud Foundry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import oracle
from tests.support.cf_sim import App, CloudFoundrySim, Instance, Space
from tests.support.run import PlaybookRun, run_playbook
from tests.support.servers import RedisServer

USER = "developer@example.org"
PASSWORD = "SENTINEL-developer-password"


@dataclass
class Scene:
    """`orders-old` and `orders-new` in the space `prod`, with apps bound to the old one that write to it."""

    sim: CloudFoundrySim
    space: Space
    old: Instance
    new: Instance
    source: RedisServer
    target: RedisServer
    directory: Path

    def apps(self, count: int) -> list[App]:
        made = [self.sim.add_app(self.space, f"app-{number}", writer=True, start_delay=0.02) for number in range(count)]
        for app in made:
            self.sim.bind(app, self.old)
            self.sim.start_app(app)
        return made

    def run(self, playbook: str = "migrate", *arguments: str, check: bool = False, **variables: Any) -> PlaybookRun:
        login = {"api_url": self.sim.api_url, "user": USER, "password": PASSWORD}
        host = {
            "redis_migration_source": {"service_instance": "orders-old"},
            "redis_migration_target": {"service_instance": "orders-new"},
            "redis_migration_cf": {**login, "organization": "acme", "space": "prod"},
            "redis_migration_isolate_quiet_seconds": 0.5,
            "redis_migration_isolate_timeout": 20,
            **variables,
        }
        inventory = {"redis_migrations": {"hosts": {"orders": host}}}
        return run_playbook(playbook, inventory, *arguments, check=check, directory=self.directory)

    def bound(self) -> tuple[list[str], list[str]]:
        """The apps of the old and of the new service instance."""
        return self.sim.bound_apps(self.old), self.sim.bound_apps(self.new)

    def writes(self) -> list[str]:
        """Requests that asked Cloud Foundry for a change."""
        return [f"{entry.method} {entry.path}" for entry in self.sim.writes() if "/oauth/" not in entry.path]


@pytest.fixture
def scene(redis_server: Callable[..., RedisServer], tmp_path: Path) -> Iterator[Scene]:
    source = redis_server("redis-6.2", password="SENTINEL-old-password")
    target = redis_server("redis-8.2", password="SENTINEL-new-password")
    with CloudFoundrySim(ssh=False, job_delay=0.02, staging_delay=0.02) as sim:
        space = sim.add_space(sim.add_org("acme"), "prod")
        sim.add_user(USER, PASSWORD, {"space_developer": [space]})
        old = sim.add_service_instance(space, "orders-old", endpoint=source.endpoint(), key_shape="a9s6")
        new = sim.add_service_instance(space, "orders-new", endpoint=target.endpoint(), key_shape="a9s7")
        yield Scene(sim, space, old, new, source, target, tmp_path)


def test_apps_leave_their_data_moves_and_they_go_over_and_back(scene: Scene) -> None:
    apps = scene.apps(2)
    everyone = ["app-0", "app-1"]

    planned = scene.run(check=True).ok
    assert "Would be unbound from orders-old, and recorded there: app-0, app-1" in planned.output
    assert scene.writes() == []
    assert scene.bound() == (everyone, [])

    first = scene.run("migrate", "-vvvv").ok
    assert "PROVED equal" in first.output
    assert "SENTINEL" not in first.output
    assert "ansible-playbook dataservices.redis_migration.rollback -i" in first.output
    assert scene.bound() == ([], [])
    written = [entry for app in apps for entry in app.written]
    assert written
    assert {entry.key for entry in written} <= {key.decode() for key in scene.target.client().scan_iter(count=1000)}
    assert oracle.compare(scene.source, scene.target) == []

    scene.sim.requests.clear()
    before = scene.source.write_calls(), scene.target.write_calls()
    assert scene.run().ok.changed == 0
    assert scene.writes() == []
    assert (scene.source.write_calls(), scene.target.write_calls()) == before

    assert scene.run(redis_migration_cutover=True).ok.changed > 0
    assert scene.bound() == ([], everyone)
    after = scene.run(redis_migration_cutover=True).ok
    assert after.changed == 0
    assert "nothing is moved any more" in after.output

    back = scene.run("rollback").ok
    assert back.changed > 0
    assert scene.bound() == (everyone, [])
    assert [app.state for app in apps] == ["STARTED", "STARTED"]
    assert not [name for name in scene.old.annotations if name.startswith("redis-migration.")]
    assert scene.run("rollback").ok.changed == 0
