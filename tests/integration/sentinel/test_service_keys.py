# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of Cloud Foundry that name Sentinels, from the service instance to the moved keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ServerFactory
from tests.support import dataset
from tests.support.cf_fixtures import PASSWORD, USER, Installation, cf, installation
from tests.support.cf_modules import ModuleFailed, ModuleRunner
from tests.support.oracle import compare, report
from tests.support.run import run_playbook
from tests.support.sentinels import NAME, Service
from tests.support.servers import HOST

__all__ = ["cf", "installation"]

Services = Callable[..., Service]

SERVERS_SECRET, SENTINELS_SECRET = "s3cret-of-the-servers", "s3cret-of-the-sentinels"


@pytest.fixture
def guarded(service: Services) -> Service:
    return service("redis-8.2", password=SERVERS_SECRET, sentinel_options={"password": SENTINELS_SECRET})


def credentials(watched: Service, **more: Any) -> dict[str, Any]:
    """As a9s gives them, but that here each Sentinel has a port of its own."""
    hosts = [{"host": HOST, "port": one.port} for one in watched.sentinels]
    return {
        "host": HOST,
        "redis": {"username": "default", "password": SERVERS_SECRET, "port": watched.primary.port},
        "sentinel": {"master_name": NAME, "password": SENTINELS_SECRET, "port": 26379, "hosts": hosts},
        **more,
    }


def test_the_address_of_a_key_goes_first(guarded: Service, installation: Installation, cf: ModuleRunner) -> None:
    installation.sim.add_user_provided(installation.space, "mine", credentials(guarded))
    plain = cf("cf_service_key", service_instance="mine")["endpoint"]
    assert (plain["host"], plain["port"]) == (HOST, guarded.primary.port)
    assert "sentinel" not in plain
    asked = cf("cf_service_key", service_instance="mine", use_sentinel=True)["endpoint"]
    assert "host" not in asked and "port" not in asked
    assert asked["sentinel"] == {
        "service_name": NAME,
        "hosts": [f"{HOST}:{one.port}" for one in guarded.sentinels],
        "password": SENTINELS_SECRET,
    }
    without = {name: value for name, value in credentials(guarded).items() if name != "host"}
    installation.sim.add_user_provided(installation.space, "hostless", without)
    assert cf("cf_service_key", service_instance="hostless")["endpoint"] == asked
    with pytest.raises(ModuleFailed, match="names no Sentinels"):
        cf("cf_service_key", service_instance="orders", use_sentinel=True)


def inventory(installation: Installation, source: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    login = {"api_url": installation.sim.api_url, "user": USER, "password": PASSWORD}
    return {
        "redis_migrations": {
            "hosts": {
                "orders": {
                    "redis_migration_source": source,
                    "redis_migration_target": target,
                    "redis_migration_cf": {**login, "organization": "acme", "space": "prod"},
                    "redis_migration_isolate": "none",
                }
            }
        }
    }


@pytest.mark.parametrize("prefer_replica", [False, True])
def test_a_migration_of_an_instance_by_its_sentinels(
    prefer_replica: bool, guarded: Service, installation: Installation, redis_server: ServerFactory, tmp_path: Path
) -> None:
    dataset.fill(guarded.primary.client, databases=(0,))
    target = redis_server("redis-8.2")
    installation.sim.add_user_provided(installation.space, "mine", credentials(guarded))
    source = {"service_instance": "mine", **({"prefer_replica": True} if prefer_replica else {"use_sentinel": True})}
    run = run_playbook(
        "migrate",
        inventory(installation, source, target.endpoint()),
        directory=tmp_path,
        environment=installation.environment,
    )
    assert not run.returncode, run.output[-4000:]
    found = compare(guarded.client, target)
    assert not found, report(found)
    made = (tmp_path / "redis-migration-report" / "report.json").read_text()
    shown = guarded.replicas[0] if prefer_replica else guarded.primary
    assert json.loads(made)["migrations"][0]["source"]["address"] == f"{HOST}:{shown.port} (service {NAME})"
    for text in (run.output, made):
        assert SERVERS_SECRET not in text and SENTINELS_SECRET not in text


def test_a_tunnel_by_default_does_not_lead_to_sentinels(
    guarded: Service, installation: Installation, redis_server: ServerFactory, tmp_path: Path
) -> None:
    installation.sim.add_user_provided(installation.space, "mine", credentials(guarded))
    source = {"service_instance": "mine", "use_sentinel": True}
    given = inventory(installation, source, redis_server("redis-8.2").endpoint())
    given["redis_migrations"]["hosts"]["orders"]["redis_migration_tunnel_app"] = "jumphost"
    run = run_playbook("migrate", given, directory=tmp_path, environment=installation.environment)
    assert run.returncode
    assert "named by Sentinels and is to be reached through a tunnel" in run.output
    assert SERVERS_SECRET not in run.output and SENTINELS_SECRET not in run.output
