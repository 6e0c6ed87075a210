# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module redis_keyspace_info does with its parameters."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._analyse.sampler import Wanted, sampled
from .._cluster.combined import combined, read_all
from .._connection.endpoint import Endpoint, parse_endpoint
from .._connection.patience import at_first
from .._keys.selection import parse_selection
from .._server.keyspace import described
from .common import check_not_negative, warn_unverified


def wanted_of(params: t.Mapping[str, t.Any]) -> Wanted:
    """The sample that a module's parameters ask for. Raises :class:`RedisMigrationError`."""
    check_not_negative(params, "sample", "sample_seconds", "large_key_bytes", "max_keys_per_second")
    return Wanted(
        keys=params["sample"],
        selection=parse_selection(params),
        seconds=params["sample_seconds"],
        large_bytes=params["large_key_bytes"],
        keys_per_second=params["max_keys_per_second"],
    )


def keyspace(endpoint: Endpoint, wanted: Wanted) -> dict[str, t.Any]:
    """What the server or cluster at ``endpoint`` holds. Raises :class:`RedisMigrationError`."""
    servers = read_all(endpoint)
    found = described(combined([server for _endpoint, server in servers]))
    if wanted.keys:
        found["sample"] = sampled(servers, wanted)
    return found


def work(module: AnsibleModule) -> dict[str, t.Any]:
    endpoint = parse_endpoint(module.params["endpoint"], "endpoint")
    wanted = wanted_of(module.params)
    warn_unverified(module, endpoint)
    return {"changed": False, **at_first(lambda: keyspace(endpoint, wanted))}
