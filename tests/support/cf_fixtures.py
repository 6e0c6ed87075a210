# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small Cloud Foundry for the tests of the modules, and a way to run them as its developer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.cf_modules import ModuleRunner
from tests.support.cf_sim import App, CloudFoundrySim, Instance, Org, Space

USER = "developer@example.org"
PASSWORD = "SENTINEL-developer-password"
REDIS_PASSWORD = "SENTINEL-redis-password"


@dataclass
class Installation:
    """An organization `acme` with the space `prod`, where a developer and the service instance `orders` are."""

    sim: CloudFoundrySim
    org: Org
    space: Space
    instance: Instance
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a module sees beside its options: a home without a session, a temporary directory of its own."""
        return {"HOME": str(self.home), "TMPDIR": str(self.home), "CF_ORGANIZATION": "acme", "CF_SPACE": "prod"}

    def apps(self, count: int, *, bound: bool = True) -> list[App]:
        """Apps `app-0`, `app-1`, …, which run and (unless `bound` is false) are bound to `orders`."""
        made = [self.sim.add_app(self.space, f"app-{number}", start_delay=0.02) for number in range(count)]
        for app in made:
            if bound:
                self.sim.bind(app, self.instance)
        return made


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with CloudFoundrySim(job_delay=0.02, staging_delay=0.02) as sim:
        org = sim.add_org("acme")
        space = sim.add_space(org, "prod")
        sim.add_user(USER, PASSWORD, {"space_developer": [space]})
        instance = sim.add_service_instance(
            space,
            "orders",
            endpoint={"host": "127.0.0.1", "port": 6379, "password": REDIS_PASSWORD},
            key_shape="a9s6",
            hostname="red1-master.service.dc1.a9ssvc",
            parameters_readable=True,
        )
        yield Installation(sim, org, space, instance, tmp_path)


@pytest.fixture
def cf(installation: Installation) -> ModuleRunner:
    """Runs a module as the developer: cf("cf_service_key", service_instance="orders")."""
    login = {"api_url": installation.sim.api_url, "user": USER, "password": PASSWORD}
    return ModuleRunner(login, installation.environment)
