#!/usr/bin/python
# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binds apps to a Cloud Foundry service instance, or unbinds them with a record that lets them be bound again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cf_service_binding
short_description: Bind apps to a Cloud Foundry service instance, or unbind them
version_added: 1.0.0
description:
  - Does what C(cf bind-service) and C(cf unbind-service) do for one, several or all apps of a service instance, apps
    of other spaces that it is shared into included.
  - With O(record=true) what is unbound is first recorded on the service instance itself, as annotations, so that it
    can be bound again from any other machine at any later time, to this or to another service instance.
  - An app only sees the change once it is restarted, and an app that is unbound can go on using what it knows until
    then. Restart or stop it with M(dataservices.redis_migration.cf_app).
  - When some of several apps fail, the others are done all the same, and the error names those that failed.
author:
  - dataservices.redis_migration contributors (@dataservices)
extends_documentation_fragment:
  - dataservices.redis_migration.attributes
  - dataservices.redis_migration.cloud_foundry
  - dataservices.redis_migration.cloud_foundry.wait
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  service_instance:
    description: The name (case-sensitive) or GUID of the service instance to bind to or unbind from.
    type: str
    required: true
  state:
    description: Whether the apps must be bound.
    type: str
    choices: [present, absent]
    default: present
  apps:
    description:
      - Names or GUIDs of the apps.
      - With O(state=absent), when neither this nor O(bindings) is given, all apps that are bound.
      - With O(state=present) and O(record=true), when it is not given, all apps of the record.
    type: list
    elements: str
  exclude:
    description:
      - Names or GUIDs of apps that stay bound with O(state=absent), when all the others are unbound.
    type: list
    elements: str
  bindings:
    description:
      - Apps together with how they are to be bound. They count in addition to O(apps), and what they say wins over
        what is recorded.
    type: list
    elements: dict
    suboptions:
      app:
        description: The name or GUID of the app.
        type: str
        required: true
      name:
        description: The name of the binding, which some apps look for.
        type: str
      parameters:
        description: Parameters for the service broker.
        type: dict
  record:
    description:
      - With O(state=absent), record the bindings on the service instance before the first of them is taken away.
        What an earlier run recorded is kept.
      - With O(state=present), bind with the names and parameters that are recorded.
    type: bool
    default: false
  record_instance:
    description:
      - The name or GUID of the service instance that has the record, where it is not O(service_instance) - to bind to
        the target what was unbound from the source. That this was done is noted there as well, until the apps are
        bound to it again.
    type: str
  record_parameters:
    description:
      - Whether O(record) includes the parameters of the bindings, as far as the broker gives them back.
      - Everyone who can see the service instance can read the record, so set this to V(false) where parameters are
        secret, and give them with O(bindings) when the apps are bound again.
    type: bool
    default: true
  clear_record:
    description: With O(state=present), delete the record once all the apps are bound.
    type: bool
    default: false
  concurrency:
    description: How many apps to bind or unbind at the same time.
    type: int
    default: 8
"""

EXAMPLES = r"""
- name: Unbind every app from the source, with a record of what was bound
  dataservices.redis_migration.cf_service_binding:
    service_instance: orders-redis6
    state: absent
    record: true

- name: Bind the recorded apps to the target
  dataservices.redis_migration.cf_service_binding:
    service_instance: orders-redis7
    record: true
    record_instance: orders-redis6

- name: Put every app back as it was
  dataservices.redis_migration.cf_service_binding:
    service_instance: orders-redis6
    record: true

- name: Bind an app with parameters
  dataservices.redis_migration.cf_service_binding:
    service_instance: orders-redis7
    bindings:
      - app: checkout
        name: cache
        parameters: {role: writer}
"""

RETURN = r"""
bindings:
  description: The bindings that were made or taken away (in check mode, that would be).
  returned: success
  type: list
  elements: dict
  contains:
    guid:
      description: The GUID of the binding; null when it was only just asked for.
      type: str
      returned: always
    name:
      description: The name of the binding, often empty.
      type: str
      returned: always
    app:
      description: The app, with C(guid), C(name), C(state), C(space_guid) and C(space_name).
      type: dict
      returned: always
    operation:
      description: The last operation on the binding, V(create) or V(delete).
      type: str
      returned: always
    state:
      description: Its state, V(succeeded), V(failed) or V(in progress).
      type: str
      returned: always
apps:
  description: The names of these apps.
  returned: success
  type: list
  elements: str
record:
  description:
    - What is recorded on the service instance, as in
      RV(dataservices.redis_migration.cf_service_binding_info#module:record).
  returned: with O(record=true)
  type: list
  elements: dict
app_guids:
  description: The GUIDs of the recorded apps that are there.
  returned: with O(record=true)
  type: list
  elements: str
missing_apps:
  description: The names of recorded apps that are not there any more, or that the login cannot see.
  returned: with O(record=true) and O(state=present)
  type: list
  elements: str
"""

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.argspec import (
    cloud_foundry_spec,
    wait_spec,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.bindings import (
    AppBinding,
    Bindings,
    WantedBinding,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.concurrently import for_each
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.context import (
    Context,
    open_context,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.errors import (
    CloudFoundryError,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.isolation_record import (
    IsolationRecord,
    RecordedBinding,
    merge,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.lookup import (
    find_apps,
    visible_apps,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._cloud_foundry.resources import (
    App,
    ServiceInstance,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._module.common import run


def work(module: AnsibleModule) -> dict[str, t.Any]:
    context = open_context(module)
    instance = context.service_instance(module.params["service_instance"])
    bound = Bindings(context.session, instance, context.deadline()).all()
    if module.params["state"] == "absent":
        return _unbind(module, context, instance, bound)
    return _bind(module, context, instance, bound)


def _unbind(
    module: AnsibleModule, context: Context, instance: ServiceInstance, bound: list[AppBinding]
) -> dict[str, t.Any]:
    given = _given(module)
    leaving = _chosen(context, bound, given) if given else bound
    if not given:
        Bindings(context.session, instance, context.deadline()).require_all_visible(bound)
    staying = module.params["exclude"] or []
    leaving = [binding for binding in leaving if not {binding.app.name, binding.app.guid}.intersection(staying)]
    result = _result(module, bound, leaving, [binding for binding in bound if binding not in leaving])
    if module.params["record"]:
        result["record"] = _recorded(module, context, instance, leaving)
        apps = visible_apps(context.session, [entry["app_guid"] for entry in result["record"]])
        result["app_guids"] = [app.guid for app in apps]
    if not module.check_mode:
        outcome = for_each(
            leaving,
            lambda binding: Bindings(context.session, instance, context.deadline()).unbind(binding),
            module.params["concurrency"],
        )
        outcome.raise_errors(f"{len(outcome.results)} of {len(leaving)} apps were unbound")
    return result


def _recorded(
    module: AnsibleModule, context: Context, instance: ServiceInstance, leaving: list[AppBinding]
) -> list[dict[str, t.Any]]:
    """Write the record (not in check mode) and return it."""
    manager = Bindings(context.session, instance, context.deadline())
    outcome = for_each(leaving, manager.recorded, module.params["concurrency"])
    outcome.raise_errors("no app was unbound")
    entries = outcome.results
    if not module.params["record_parameters"]:
        entries = [
            dataclasses.replace(
                entry, parameters=None, parameters_unreadable=entry.parameters_unreadable or bool(entry.parameters)
            )
            for entry in entries
        ]
    unreadable = [entry.app_name for entry in entries if entry.parameters_unreadable]
    if unreadable:
        module.warn(
            f"The parameters with which {_listed(unreadable)} {'was' if len(unreadable) == 1 else 'were'} bound to "
            f'"{instance.name}" are not recorded (the broker does not give them back, or they are not to be kept). '
            "If there were any, give them in bindings when the apps are bound again."
        )
    record = IsolationRecord(context.session, instance, context.place.developer, context.deadline())
    everything = merge(record.read(), entries) if module.check_mode else record.add(entries)[0]
    return [dataclasses.asdict(entry) for entry in everything]


def _bind(
    module: AnsibleModule, context: Context, instance: ServiceInstance, bound: list[AppBinding]
) -> dict[str, t.Any]:
    if not (_given(module) or module.params["record"] or module.params["clear_record"]):
        raise CloudFoundryError(
            f"It is not said which apps are to be bound to {instance}.",
            hint="Give apps or bindings, or record: true to bind what was unbound.",
        )
    carrier = instance
    if module.params["record_instance"]:
        carrier = context.service_instance(module.params["record_instance"])
    record = IsolationRecord(context.session, carrier, context.place.developer, context.deadline())
    entries = record.read() if module.params["record"] else []
    wanted, missing = _wanted(module, context, entries)
    there = {binding.app.guid for binding in bound if binding.state == "succeeded" and binding.operation != "delete"}
    joining = [one for one in wanted if one.app.guid not in there]
    new = [
        AppBinding(guid="", name=one.name, app=one.app, space_name="", operation="create", state="succeeded")
        for one in joining
    ]
    result = _result(module, bound, new, [*bound, *new])
    if entries:
        # Before the first app is bound: from then on this is where it writes.
        goal = None if carrier.guid == instance.guid else instance.guid
        noted = record.moved_to() != goal if module.check_mode else record.move_to(goal, there)
        result["changed"] = result["changed"] or noted
    if not module.check_mode:
        outcome = for_each(
            joining,
            lambda one: Bindings(context.session, instance, context.deadline()).bind(one),
            module.params["concurrency"],
        )
        outcome.raise_errors(f"{len(outcome.results)} of {len(joining)} apps were bound")
    if module.params["record"]:
        result["record"] = [dataclasses.asdict(entry) for entry in entries]
        recorded = {entry.app_guid for entry in entries}
        result["app_guids"] = [one.app.guid for one in wanted if one.app.guid in recorded]
        result["missing_apps"] = missing
        if missing:
            module.warn(f"Recorded apps that are not there any more and so cannot be bound: {_listed(missing)}.")
    if module.params["clear_record"]:
        cleared = bool(record.read()) if module.check_mode else record.clear()
        result["changed"] = result["changed"] or cleared
    return result


def _wanted(
    module: AnsibleModule, context: Context, entries: list[RecordedBinding]
) -> tuple[list[WantedBinding], list[str]]:
    """The bindings that are to be there, and the names of recorded apps that are gone."""
    recorded = {entry.app_guid: entry for entry in entries}
    by_name = {entry.app_name: entry.app_guid for entry in entries}
    details = {by_name.get(name, name): detail for name, detail in _given(module).items()}
    apps = find_apps(context.session, context.place, details)
    wanted = [
        _from_record(app, recorded.get(app.guid), detail) for app, detail in zip(apps, details.values(), strict=True)
    ]
    if module.params["apps"]:
        return wanted, []
    others = [guid for guid in recorded if guid not in {app.guid for app in apps}]
    there = visible_apps(context.session, others)
    missing = [recorded[guid].app_name for guid in others if guid not in {app.guid for app in there}]
    return [*wanted, *(_from_record(app, recorded[app.guid], None) for app in there)], missing


def _from_record(app: App, entry: RecordedBinding | None, given: dict[str, t.Any] | None) -> WantedBinding:
    name = (given or {}).get("name") or (entry.binding_name if entry else "")
    parameters = (given or {}).get("parameters") or (entry.parameters if entry else None)
    return WantedBinding(app, name, parameters)


def _given(module: AnsibleModule) -> dict[str, dict[str, t.Any] | None]:
    """The apps that were named, each with its entry in bindings if it has one."""
    given: dict[str, dict[str, t.Any] | None] = dict.fromkeys(module.params["apps"] or [])
    given.update((entry["app"], entry) for entry in module.params["bindings"] or [])
    return given


def _chosen(context: Context, bound: list[AppBinding], given: t.Iterable[str]) -> list[AppBinding]:
    """The bindings of the named apps. A name that is not bound must at least be an app's, or it is misspelt."""
    chosen: list[AppBinding] = []
    unbound: list[str] = []
    for name in given:
        matches = [binding for binding in bound if name in (binding.app.name, binding.app.guid)]
        chosen.extend(binding for binding in matches if binding not in chosen)
        if not matches:
            unbound.append(name)
    find_apps(context.session, context.place, unbound)
    return chosen


def _result(
    module: AnsibleModule, before: list[AppBinding], changing: list[AppBinding], after: list[AppBinding]
) -> dict[str, t.Any]:
    return {
        "changed": bool(changing),
        "bindings": [{**binding.as_result(), "guid": binding.guid or None} for binding in changing],
        "apps": [binding.app.name for binding in changing],
        "diff": {
            "before": {"apps": sorted(binding.app.name for binding in before)},
            "after": {"apps": sorted(binding.app.name for binding in after)},
        },
    }


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


def main() -> None:
    spec = cloud_foundry_spec() | wait_spec()
    spec |= {
        "service_instance": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "apps": {"type": "list", "elements": "str"},
        "exclude": {"type": "list", "elements": "str"},
        "bindings": {
            "type": "list",
            "elements": "dict",
            "options": {
                "app": {"type": "str", "required": True},
                "name": {"type": "str"},
                "parameters": {"type": "dict"},
            },
        },
        "record": {"type": "bool", "default": False},
        "record_instance": {"type": "str"},
        "record_parameters": {"type": "bool", "default": True},
        "clear_record": {"type": "bool", "default": False},
        "concurrency": {"type": "int", "default": 8},
    }
    run(AnsibleModule(spec, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
