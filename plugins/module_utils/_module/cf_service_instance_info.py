# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module cf_service_instance_info does with its parameters."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cloud_foundry.context import open_context
from .._cloud_foundry.service_instances import describe_instance


def work(module: AnsibleModule) -> dict[str, t.Any]:
    context = open_context(module)
    instance = context.service_instance(module.params["service_instance"])
    return {"changed": False, "service_instance": describe_instance(context.session, instance, context.deadline())}
