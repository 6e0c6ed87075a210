# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers a run may concern."""

from __future__ import annotations

import dataclasses
from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.shard import Shard
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.slots import ALL_SLOTS
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.eligibility import mode_problem
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import Server


def server(version: str, flavor: str = "redis", **fields: Any) -> Server:
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(Server)}
    values["unknown_commands"] = frozenset()
    values.update(flavor=flavor, version=version, mode="standalone", role="master", databases={})
    return Server(**{**values, **fields})


def test_a_node_of_a_cluster_is_no_end_by_itself() -> None:
    endpoint, node = parse_endpoint({"host": "somewhere"}, "source"), server("7.0.0", mode="cluster")
    assert "node of a Redis Cluster" in str(mode_problem(endpoint, node))
    part = dataclasses.replace(endpoint, shard=Shard(ALL_SLOTS, "all slots"))
    assert mode_problem(part, node) is None
    assert mode_problem(endpoint, server("7.0.0")) is None
