# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module redis_keyspace_info does with its parameters."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._connection.endpoint import parse_endpoint
from .._server.keyspace import keyspace_info
from .common import warn_unverified


def work(module: AnsibleModule) -> dict[str, t.Any]:
    endpoint = parse_endpoint(module.params["endpoint"], "endpoint")
    warn_unverified(module, endpoint)
    return {"changed": False, **keyspace_info(endpoint, module.params["sample"])}
