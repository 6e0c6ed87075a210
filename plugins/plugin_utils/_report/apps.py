# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The apps that a migration took off its source: where they are, and the command that puts them back."""

from __future__ import annotations

import shlex
import typing as t

from ansible import context

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import count

Data = dict[str, t.Any]
Variables = t.Mapping[str, t.Any]

_NAMED = 10


def apps_of(variables: Variables) -> Data:
    """Names of the apps that a migration concerns, by where they are at the end of a run.

    ``on_source``: put back. ``on_target``: moved there. ``between``: unbound and recorded, or on the way to the target
    when it failed.
    """
    looked = variables.get("__redis_migration_bound", {})
    unbound = variables.get("__redis_migration_unbound", {})
    cutover = variables.get("__redis_migration_cutover_bound", {})
    restored: set[str] = set()
    if "record" in unbound:
        recorded = _names(unbound)
    elif "bindings" in (back := variables.get("__redis_migration_back", {})):
        # Apps were put back, each that could be.
        restored = _names(variables.get("__redis_migration_restored", {})) or _bound(back, back)
        recorded = _left(back)
    else:
        recorded = _left(looked)
        if "msg" in unbound:
            # It failed, maybe after some were unbound.
            recorded |= {str(binding["app"]["name"]) for binding in looked.get("bindings", [])}
    moved = _names(cutover) - set(cutover.get("missing_apps", []))
    if "bindings" in (there := variables.get("__redis_migration_cutover_there", {})) and "record" not in cutover:
        moved = _bound(unbound if "record" in unbound else looked, there)
    if variables.get("__redis_migration_moved") and not cutover:
        # A cutover that was interrupted has not brought everybody there.
        moved = _bound(looked, variables.get("__redis_migration_bound_to_target", {}))
    return {
        "on_source": sorted(restored),
        "on_target": sorted(moved),
        "between": sorted(recorded - moved - restored),
    }


def _names(result: Variables) -> set[str]:
    return {str(entry["app_name"]) for entry in result.get("record") or []}


def _left(result: Variables) -> set[str]:
    """Apps in the record that are not bound any more (or yet again). One that failed to be unbound is not sound."""
    return _names(result) - _bound(result, result)


def _bound(recorded: Variables, result: Variables) -> set[str]:
    """Apps in the record that have a sound binding."""
    sound = {
        binding["app"]["guid"]
        for binding in result.get("bindings") or []
        if binding["operation"] != "delete" and binding.get("state", "succeeded") == "succeeded"
    }
    return {str(entry["app_name"]) for entry in recorded.get("record") or [] if entry["app_guid"] in sound}


def off_source(apps: Data) -> bool:
    """Whether there are apps to be put back."""
    return bool(apps["between"] or apps["on_target"])


def apps_sentences(apps: Data, *, failed: bool, planned: bool) -> list[str]:
    """The same in sentences. ``planned``: nothing of it was done."""
    sentences = []
    if apps["on_source"]:
        sentences.append(f"{_are(apps['on_source'])} {'to go back' if planned else 'back'} on the source.")
    if apps["between"] and planned:
        sentences.append(f"{_are(apps['between'])} to be unbound from the source.")
    elif apps["between"]:
        sentences.append(f"{_are(apps['between'])} unbound from the source, and recorded there.")
        sentences.append(
            "When what is wrong is right, run again to go on."
            if failed
            else "To bind them to the target, run again with redis_migration_cutover: true."
        )
    if apps["on_target"]:
        sentences.append(f"{_are(apps['on_target'])} on the target.")
    return sentences


def _are(names: t.Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    more = f" and {count(len(names) - _NAMED)} more" if len(names) > _NAMED else ""
    noun, verb = ("app", "is") if len(names) == 1 else ("apps", "are")
    return f"{count(len(names))} {noun} ({shown}{more}) {verb}"


def rollback_command(host: str, inventories: t.Sequence[str]) -> str:
    """What to type where this run was started. Variables of its command line are left out unless they are files."""
    arguments = ["ansible-playbook", "dataservices.redis_migration.rollback"]
    for path in inventories:
        arguments += ["-i", path]
    given = context.CLIARGS
    for value in given.get("extra_vars") or ():
        if value.startswith("@"):
            arguments += ["-e", value]
    for value in given.get("vault_password_files") or ():
        arguments += ["--vault-password-file", value]
    for value in given.get("vault_ids") or ():
        arguments += ["--vault-id", value]
    if given.get("ask_vault_pass"):
        arguments.append("--ask-vault-pass")
    return shlex.join([*arguments, "--limit", host])
