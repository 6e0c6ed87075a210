# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module cf_service_binding does with its parameters."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cloud_foundry.bindings import AppBinding, Bindings, WantedBinding
from .._cloud_foundry.concurrently import for_each
from .._cloud_foundry.context import Context, open_context
from .._cloud_foundry.errors import CloudFoundryError
from .._cloud_foundry.isolation_record import IsolationRecord, RecordedBinding, merge
from .._cloud_foundry.lookup import find_apps, visible_apps
from .._cloud_foundry.resources import App, ServiceInstance


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
