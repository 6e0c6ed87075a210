# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module cf_service_instance does with its parameters."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cloud_foundry.context import open_context
from .._cloud_foundry.service_instances import Provisioning, describe_instance


def work(module: AnsibleModule) -> dict[str, t.Any]:
    context = open_context(module)
    params = module.params
    name = params["service_instance"]
    provisioning = Provisioning(context.session, context.place, context.deadline())
    instance = provisioning.existing(name)
    changed = instance is None
    planned = {"name": name, "offering": params["offering"], "plan": params["plan"]}
    if instance is None:
        plan_guid = provisioning.find_plan(params["offering"], params["plan"], params["broker"])
        if module.check_mode:
            return {"changed": True, "service_instance": planned, "diff": {"before": {}, "after": planned}}
        instance = provisioning.create(name, plan_guid, params["parameters"], params["tags"])
    elif not module.check_mode:
        instance = provisioning.ready(instance)
    described = describe_instance(context.session, instance, context.deadline())
    there = {key: described[key] for key in planned}
    if instance.managed and not _same(there, planned):
        module.warn(
            f'The service instance "{name}" is there with the plan "{there["plan"]}" of "{there["offering"]}", not '
            f'with "{planned["plan"]}" of "{planned["offering"]}", and is left as it is.'
        )
    return {
        "changed": changed,
        "service_instance": described,
        "diff": {"before": {} if changed else there, "after": there},
    }


def _same(there: dict[str, t.Any], planned: dict[str, t.Any]) -> bool:
    """Cloud Foundry does not tell upper and lower case in names of offerings and plans apart."""
    return all(there[key] is None or there[key].lower() == planned[key].lower() for key in ("offering", "plan"))
