# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tunnels of a migration lead, and its ends as they are reached through them."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._endpoint_address import endpoint_address

Data = dict[str, t.Any]
Fields = t.Mapping[str, t.Any]


def tunnel_addresses(tunnels: t.Sequence[Fields], source: Fields, target: Fields) -> list[Data]:
    """``tunnels``, each with the address of its end, which holds no secret."""
    ends = {"source": source, "target": target}
    return [{**tunnel, "endpoint": endpoint_address(ends[tunnel["end"]])} for tunnel in tunnels]


def through_tunnels(opened: t.Sequence[Fields], source: Fields, target: Fields) -> Data:
    """Both ends as modules reach them. ``opened``: the results of opening the tunnels.

    The source server itself reaches the target without a tunnel, at the ``backend``.
    """
    ends = {"source": dict(source), "target": dict(target)}
    for result in opened:
        tunnel = result["item"]
        if tunnel["end"] == "target":
            address = {name: tunnel["endpoint"][name] for name in ("host", "port")}
            ends["target"] = {"backend": address, **ends["target"]}
        ends[tunnel["end"]].update(result["endpoint"])
    return ends
