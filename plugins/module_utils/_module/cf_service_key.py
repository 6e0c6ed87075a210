# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module cf_service_key does with its parameters."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cloud_foundry.context import Context, open_context
from .._cloud_foundry.credentials import endpoint_from_credentials, secrets_in
from .._cloud_foundry.resources import ServiceInstance
from .._cloud_foundry.secrets import register_secrets
from .._cloud_foundry.service_keys import ServiceKeys, user_provided_credentials


def work(module: AnsibleModule) -> dict[str, t.Any]:
    context = open_context(module)
    instance = context.service_instance(module.params["service_instance"])
    if not instance.managed:
        return _user_provided(module, context, instance)
    keys = ServiceKeys(context.session, instance, context.place.developer, context.deadline())
    name = module.params["name"]
    before = keys.find(name)
    if module.params["state"] == "absent":
        changed = before is not None if module.check_mode else keys.remove(name)
        return _result(changed, before, None, instance)
    if module.check_mode:
        return _foreseen(module, keys, before, instance)
    key, changed = keys.ensure(name, module.params["parameters"])
    credentials = keys.credentials(key)
    return _result(changed, before, key, instance) | _mapped(module, credentials)


def _foreseen(
    module: AnsibleModule, keys: ServiceKeys, key: dict[str, t.Any] | None, instance: ServiceInstance
) -> dict[str, t.Any]:
    plan = keys.plan(key)
    if key is not None and plan == "keep":
        return _result(False, key, key, instance) | _mapped(module, keys.credentials(key))
    planned = {"guid": None, "name": module.params["name"], "created_at": None}
    return _result(plan != "wait", key, planned, instance)


def _mapped(module: AnsibleModule, credentials: dict[str, t.Any]) -> dict[str, t.Any]:
    register_secrets(secrets_in(credentials))
    endpoint = endpoint_from_credentials(
        credentials, module.params["endpoint_query"], module.warn, use_sentinel=module.params["use_sentinel"]
    )
    return {"credentials": credentials, "endpoint": endpoint}


def _user_provided(module: AnsibleModule, context: Context, instance: ServiceInstance) -> dict[str, t.Any]:
    result = _result(False, None, None, instance)
    if module.params["state"] == "present":
        result |= _mapped(module, user_provided_credentials(context.session, instance, context.place.developer))
    return result


def _result(
    changed: bool, before: dict[str, t.Any] | None, after: dict[str, t.Any] | None, instance: ServiceInstance
) -> dict[str, t.Any]:
    return {
        "changed": changed,
        "credentials": None,
        "endpoint": None,
        "service_key": _described(after, instance),
        "diff": {
            "before": {"service_key": _described(before, instance)},
            "after": {"service_key": _described(after, instance)},
        },
    }


def _described(key: dict[str, t.Any] | None, instance: ServiceInstance) -> dict[str, t.Any] | None:
    if key is None:
        return None
    return {
        "guid": key["guid"],
        "name": key["name"],
        "created_at": key.get("created_at"),
        "service_instance": instance.name,
        "service_instance_guid": instance.guid,
    }
