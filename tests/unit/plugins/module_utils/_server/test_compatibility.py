# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which payloads go from where to where, by the table of versions."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.compatibility import (
    can_restore,
    oldest_readers,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import Server


def server(flavor: str, version: str) -> Server:
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(Server)}
    return Server(**{**values, "flavor": flavor, "version": version})


@pytest.mark.parametrize(
    ("source", "target", "possible"),
    [
        ("redis 6.2.14", "redis 6.2.0", True),
        ("redis 6.2.14", "redis 8.2.0", True),
        ("redis 7.2.4", "redis 6.2.14", False),
        ("redis 7.4.0", "redis 7.2.4", False),
        ("redis 7.2.4", "valkey 8.0.0", True),
        ("valkey 8.0.0", "redis 7.2.4", True),
        ("redis 7.4.0", "valkey 9.0.0", False),
        ("valkey 9.0.0", "redis 8.2.0", False),
        ("valkey 9.0.0", "valkey 8.0.0", False),
        ("valkey 8.0.0", "valkey 9.0.0", True),
        ("redis 3.2.0", "redis 4.0.0", True),
    ],
)
def test_who_reads_whose_payloads(source: str, target: str, possible: bool) -> None:
    assert can_restore(server(*source.split()), server(*target.split())) is possible


@pytest.mark.parametrize(
    ("source", "redis", "valkey"),
    [
        ("redis 6.2.14", "5.0", "7.2"),
        ("redis 7.0.15", "7.0", "7.2"),
        ("redis 8.2.0", "7.4", None),
        ("valkey 8.0.0", "7.2", "7.2"),
        ("valkey 9.0.0", None, "9.0"),
    ],
)
def test_the_oldest_that_read_payloads(source: str, redis: str | None, valkey: str | None) -> None:
    assert oldest_readers(server(*source.split())) == {"redis": redis, "valkey": valkey}
