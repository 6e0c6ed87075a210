# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two service instances in front of real servers, apps that write, and the playbooks as a developer runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.cf_sim import App, CloudFoundrySim, Instance, Space
from tests.support.faultproxy import FaultProxy
from tests.support.run import PlaybookRun, run_playbook
from tests.support.servers import RedisServer

USER = "developer@example.org"
PASSWORD = "SENTINEL-developer-password"


@dataclass
class Scene:
    """`orders-old` and `orders-new` in the space `prod`, with apps bound to the old one that write to it.

    Everybody reaches the servers by way of `to_source` and `to_target`.
    """

    sim: CloudFoundrySim
    space: Space
    old: Instance
    new: Instance
    source: RedisServer
    target: RedisServer
    to_source: FaultProxy
    to_target: FaultProxy
    directory: Path
    variables: dict[str, Any] = field(default_factory=dict)
    """Of every run, beside those that it gives."""

    def apps(self, count: int, **options: Any) -> list[App]:
        """Apps `app-0`, `app-1`, …, bound to the source, which run and write to it."""
        options = {"writer": True, "start_delay": 0.02, **options}
        made = [self.sim.add_app(self.space, f"app-{number}", **options) for number in range(count)]
        for app in made:
            self.sim.bind(app, self.old)
            self.sim.start_app(app)
        return made

    def host(self, **variables: Any) -> dict[str, Any]:
        """The variables of one migration."""
        login = {"api_url": self.sim.api_url, "user": USER, "password": PASSWORD}
        return {
            "redis_migration_source": {"service_instance": "orders-old"},
            "redis_migration_target": {"service_instance": "orders-new"},
            "redis_migration_cf": {**login, "organization": "acme", "space": "prod"},
            "redis_migration_isolate_quiet_seconds": 0.3,
            "redis_migration_isolate_timeout": 20,
            **self.variables,
            **variables,
        }

    def run(
        self,
        playbook: str = "migrate",
        *arguments: str,
        check: bool = False,
        hosts: Mapping[str, Mapping[str, Any]] | None = None,
        started: Callable[[int], None] | None = None,
        environment: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> PlaybookRun:
        """A run of the migration `orders`, or of `hosts`, with these variables."""
        inventory = {"redis_migrations": {"hosts": hosts or {"orders": self.host(**variables)}}}
        return run_playbook(
            playbook,
            inventory,
            *arguments,
            check=check,
            directory=self.directory,
            started=started,
            environment=environment,
        )

    def bound(self) -> tuple[list[str], list[str]]:
        """The apps of the old and of the new service instance."""
        return self.sim.bound_apps(self.old), self.sim.bound_apps(self.new)

    def recorded(self) -> list[str]:
        """The names of the apps in the record on the old service instance."""
        found = [str(text) for name, text in self.old.annotations.items() if "/isolation-" in name]
        return sorted(entry["name"] for text in found for entry in json.loads(text))

    def writes(self) -> list[str]:
        """Requests that asked Cloud Foundry for a change."""
        return [f"{entry.method} {entry.path}" for entry in self.sim.writes() if "/oauth/" not in entry.path]


class Interruption:
    """Ends a playbook at the moment at which it is called: `scene.run(started=end.started)`."""

    def __init__(self, how: signal.Signals) -> None:
        self.how = how
        self.happened = False
        self._pid = 0

    def started(self, pid: int) -> None:
        self._pid = pid

    def __call__(self) -> None:
        """SIGKILL is the machine's death: whatever the playbook started goes too. All else is typed at a terminal."""
        self.happened = True
        if self.how != signal.SIGKILL:
            os.killpg(self._pid, self.how)
            return
        for pid in [self._pid, *_descendants(self._pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [(int(child), int(parent)) for child, parent in (line.split() for line in listed.splitlines())]
    found = [pid]
    for parent in found:
        found += [child for child, of in pairs if of == parent]
    return found[1:]


@pytest.fixture
def scene(redis_server: Callable[..., RedisServer], tmp_path: Path) -> Iterator[Scene]:
    source = redis_server("redis-6.2", password="SENTINEL-old-password")
    target = redis_server("redis-8.2", password="SENTINEL-new-password")
    with (
        FaultProxy(source.port, redis=True) as to_source,
        FaultProxy(target.port, redis=True) as to_target,
        CloudFoundrySim(ssh=False, job_delay=0.02, staging_delay=0.02) as sim,
    ):
        space = sim.add_space(sim.add_org("acme"), "prod")
        sim.add_user(USER, PASSWORD, {"space_developer": [space]})
        old = sim.add_service_instance(
            space, "orders-old", endpoint={**source.endpoint(), "port": to_source.port}, key_shape="a9s6"
        )
        new = sim.add_service_instance(
            space, "orders-new", endpoint={**target.endpoint(), "port": to_target.port}, key_shape="a9s7"
        )
        yield Scene(sim, space, old, new, source, target, to_source, to_target, tmp_path)
