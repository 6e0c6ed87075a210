# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tunnels lead, and both ends as they are reached through them."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._roles.tunnels import (
    through_tunnels,
    tunnel_addresses,
)

SOURCE = {"url": "rediss://user:SECRET@source.example.com:7000"}
TARGET = {"host": "target.example.com", "port": 7001, "password": "SECRET"}
TUNNELS = [{"end": "source", "tunnel": {"app": "a"}}, {"end": "target", "tunnel": {"app": "b"}}]
THROUGH = {"host": "127.0.0.1", "port": 5}


def opened(*ends: str) -> list[dict[str, object]]:
    tunnels = tunnel_addresses([tunnel for tunnel in TUNNELS if tunnel["end"] in ends], SOURCE, TARGET)
    return [{"item": tunnel, "endpoint": THROUGH} for tunnel in tunnels]


def test_a_tunnel_gets_the_address_of_its_end_without_secrets() -> None:
    tunnels = tunnel_addresses(TUNNELS, SOURCE, TARGET)
    assert [(tunnel["endpoint"]["host"], tunnel["endpoint"]["port"]) for tunnel in tunnels] == [
        ("source.example.com", 7000),
        ("target.example.com", 7001),
    ]
    assert [tunnel["tunnel"] for tunnel in tunnels] == [{"app": "a"}, {"app": "b"}]
    assert "SECRET" not in str(tunnels)


def test_a_tunnel_to_what_sentinels_name_is_refused_with_what_to_do() -> None:
    by_sentinel = {"sentinel": {"service_name": "m", "hosts": ["s"], "password": "SECRET"}, "password": "SECRET"}
    with pytest.raises(RedisMigrationError, match=r"through a tunnel.*run the modules on a worker") as raised:
        tunnel_addresses(TUNNELS, by_sentinel, TARGET)
    assert "SECRET" not in str(raised.value)


def test_the_source_server_reaches_the_target_without_the_tunnel() -> None:
    ends = through_tunnels(opened("source", "target"), SOURCE, TARGET)
    assert ends["source"] == {**SOURCE, **THROUGH}
    assert ends["target"] == {**TARGET, **THROUGH, "backend": {"host": "target.example.com", "port": 7001}}


def test_a_given_backend_stays() -> None:
    backend = {"host": "inside", "port": 6379}
    assert through_tunnels(opened("target"), SOURCE, {**TARGET, "backend": backend})["target"]["backend"] == backend


def test_an_end_without_a_tunnel_stays_as_it_is() -> None:
    assert through_tunnels(opened("source"), SOURCE, TARGET)["target"] == TARGET
