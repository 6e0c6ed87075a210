# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module cf_service_binding does with its parameters."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cloud_foundry.bindings import AppBinding, Bindings, WantedBinding, bound_apps, missing
from .._cloud_foundry.concurrently import Completed, for_each
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
    if not given:
        Bindings(context.session, instance, context.deadline()).require_all_visible(bound)
    leaving = _leaving(module, context, bound)
    if module.params["record"] and any(binding.busy for binding in leaving):
        bound = _settled(module, context, instance, leaving)
        leaving = _leaving(module, context, bound)
    # No app has seen the credentials of one that failed to be made, so there is nothing to put back.
    leftovers = [binding for binding in leaving if binding.failed_creation]
    leaving = [binding for binding in leaving if not binding.failed_creation]
    result = _result(
        module, bound, [*leaving, *leftovers], [binding for binding in bound if binding not in [*leaving, *leftovers]]
    )
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
        cleared = for_each(
            leftovers,
            lambda binding: Bindings(context.session, instance, context.deadline()).unbind(binding),
            module.params["concurrency"],
        )
        for error in cleared.errors:
            module.warn(f"What is left of a binding that failed to be made stays: {error.message}")
        outcome.raise_errors(f"{len(outcome.results)} of {len(leaving)} apps were unbound")
    return result


def _leaving(module: AnsibleModule, context: Context, bound: list[AppBinding]) -> list[AppBinding]:
    given = _given(module)
    leaving = _chosen(context, bound, given) if given else bound
    staying = module.params["exclude"] or []
    return [binding for binding in leaving if not {binding.app.name, binding.app.guid}.intersection(staying)]


def _settled(
    module: AnsibleModule, context: Context, instance: ServiceInstance, leaving: list[AppBinding]
) -> list[AppBinding]:
    """All bindings, once nothing is going on with those that are to leave. Before the first of them does, so that one
    that is stuck holds back nobody."""
    manager = Bindings(context.session, instance, context.deadline())
    if module.check_mode:
        busy = sorted({binding.app.name for binding in leaving if binding.busy})
        module.warn(
            f'A binding to "{instance.name}" is being made or taken away, and would be waited for: {_listed(busy)}.'
        )
        return manager.all()
    bound = manager.settled(binding.guid for binding in leaving)
    busy_for_good = [binding for binding in _leaving(module, context, bound) if binding.busy]
    stuck: Completed[None] = Completed(errors=[manager.still_busy(binding) for binding in busy_for_good])
    stuck.raise_errors("nothing was unbound")
    return bound


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
    wanted, gone = _wanted(module, context, entries)
    there = {binding.app.guid for binding in bound if binding.usable}
    joining = [one for group in wanted for one in missing(group, _of(bound, group[0].app))]
    new = [
        AppBinding(guid="", name=one.name, app=one.app, space_name="", operation="create", state="succeeded")
        for one in joining
    ]
    result = _result(module, bound, new, [*bound, *new])
    goal = None if carrier.guid == instance.guid else instance.guid
    if entries and goal is not None:
        # Before the first app is bound: from then on this is where it writes.
        result["changed"] = _noted(module, record, goal, there) or result["changed"]
    if not module.check_mode:
        groups = [group for group in wanted if missing(group, _of(bound, group[0].app))]
        outcome = for_each(
            groups,
            lambda group: Bindings(context.session, instance, context.deadline()).bind(group[0].app, group),
            module.params["concurrency"],
        )
        outcome.raise_errors(f"{len(outcome.results)} of {len(groups)} apps were bound")
    if entries and goal is None and not _left_elsewhere(context, record.moved_to(), entries):
        result["changed"] = _noted(module, record, goal, there) or result["changed"]
    if module.params["record"]:
        result["record"] = [dataclasses.asdict(entry) for entry in entries]
        recorded = {entry.app_guid for entry in entries}
        result["app_guids"] = [group[0].app.guid for group in wanted if group[0].app.guid in recorded]
        result["missing_apps"] = gone
        if gone:
            module.warn(f"Recorded apps that are not there any more and so cannot be bound: {_listed(gone)}.")
    if module.params["clear_record"]:
        cleared = bool(record.read()) if module.check_mode else record.clear()
        result["changed"] = result["changed"] or cleared
    return result


def _left_elsewhere(context: Context, moved_to: str | None, entries: list[RecordedBinding]) -> bool:
    """Whether a recorded app is still bound to where it was moved, so that somebody must still unbind it there."""
    moved = {entry.app_guid for entry in entries if not entry.bound_to_target}
    return moved_to is not None and not moved.isdisjoint(bound_apps(context.session, moved_to))


def _noted(module: AnsibleModule, record: IsolationRecord, goal: str | None, there: set[str]) -> bool:
    return record.moved_to() != goal if module.check_mode else record.move_to(goal, there)


def _of(bound: list[AppBinding], app: App) -> list[AppBinding]:
    return [binding for binding in bound if binding.app.guid == app.guid]


def _wanted(
    module: AnsibleModule, context: Context, entries: list[RecordedBinding]
) -> tuple[list[list[WantedBinding]], list[str]]:
    """The bindings that are to be there, app by app, and the names of recorded apps that are gone."""
    recorded: dict[str, list[RecordedBinding]] = {}
    for entry in entries:
        recorded.setdefault(entry.app_guid, []).append(entry)
    by_name = {entry.app_name: entry.app_guid for entry in entries}
    details = {by_name.get(name, name): detail for name, detail in _given(module).items()}
    apps = find_apps(context.session, context.place, details)
    wanted = [
        _of_app(app, recorded.get(app.guid, []), detail) for app, detail in zip(apps, details.values(), strict=True)
    ]
    if module.params["apps"]:
        return wanted, []
    others = [guid for guid in recorded if guid not in {app.guid for app in apps}]
    there = visible_apps(context.session, others)
    gone = [recorded[guid][0].app_name for guid in others if guid not in {app.guid for app in there}]
    return [*wanted, *(_of_app(app, recorded[app.guid], []) for app in there)], gone


def _of_app(app: App, entries: list[RecordedBinding], given: list[dict[str, t.Any]]) -> list[WantedBinding]:
    """As many bindings as are recorded, what is given for one of them winning; at least one."""
    rest = list(entries)
    wanted = []
    for detail in given:
        entry = next((one for one in rest if one.binding_name == detail.get("name")), rest[0] if rest else None)
        if entry is not None:
            rest.remove(entry)
        wanted.append(_from_record(app, entry, detail))
    return [*wanted, *(_from_record(app, entry, {}) for entry in rest)] or [WantedBinding(app)]


def _from_record(app: App, entry: RecordedBinding | None, given: dict[str, t.Any]) -> WantedBinding:
    name = given.get("name") or (entry.binding_name if entry else "")
    parameters = given.get("parameters") or (entry.parameters if entry else None)
    return WantedBinding(app, name, parameters)


def _given(module: AnsibleModule) -> dict[str, list[dict[str, t.Any]]]:
    """The apps that were named, each with its entries in bindings."""
    given: dict[str, list[dict[str, t.Any]]] = {name: [] for name in module.params["apps"] or []}
    for entry in module.params["bindings"] or []:
        given.setdefault(entry["app"], []).append(entry)
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
