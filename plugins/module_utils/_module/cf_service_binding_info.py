# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module cf_service_binding_info does with its parameters."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cloud_foundry.bindings import Bindings
from .._cloud_foundry.context import open_context
from .._cloud_foundry.isolation_record import IsolationRecord
from .._cloud_foundry.lookup import visible_apps


def work(module: AnsibleModule) -> dict[str, t.Any]:
    context = open_context(module)
    instance = context.service_instance(module.params["service_instance"])
    manager = Bindings(context.session, instance, context.deadline())
    bindings = manager.all()
    if module.params["wait"]:
        bindings = manager.settled(binding.guid for binding in bindings)
    record = IsolationRecord(context.session, instance, context.place.developer, context.deadline())
    entries = record.read()
    return {
        "changed": False,
        "service_instance": {"guid": instance.guid, "name": instance.name},
        "bindings": [binding.as_result() for binding in bindings],
        "apps": [binding.app.name for binding in bindings],
        "record": [dataclasses.asdict(entry) for entry in entries],
        "app_guids": [app.guid for app in visible_apps(context.session, [entry.app_guid for entry in entries])],
        "moved_to": record.moved_to(),
    }
