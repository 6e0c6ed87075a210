# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what the source uses and the target must have: modules, functions, settings."""

from __future__ import annotations

import typing as t

from ..._keys.name import printable
from ..._server.dry_run import Need, ask
from ..._server.functions import clash_error, compare_libraries, find_clashes, supports_functions
from ..._server.settings import SERIOUS, compare_settings
from ..finding import Verdict, fail, failed, listed, ok, plural, warn
from ..situation import Situation, answered, both_endpoints, both_servers, both_sides

# Modules that come with a server itself: there whether anybody uses them or not.
_BUILT_IN = {"vectorset", "lua"}

_LOAD = Need("FUNCTION LOAD", "functions", ("x",), writes=True)


def modules(situation: Situation) -> Verdict:
    source, target = (side.modules for side in both_sides(situation))
    missing = sorted(set(source) - set(target))
    if not source:
        return ok("The source has no modules loaded.")
    serious = [name for name in missing if name not in _BUILT_IN]
    if serious:
        return fail(
            f"The source has modules loaded that the target lacks: {listed(serious)}.",
            "Use a target with these modules, or, if no key is of their types, ignore this finding: a key that the"
            " target"
            " cannot hold is reported by name and never dropped.",
        )
    older = sorted(name for name in source if name in target and target[name] < source[name])
    if older:
        return warn(
            f"The target has older versions of modules of the source: {listed(older)}.",
            "Their keys may not be readable there; such keys are reported by name.",
        )
    if missing:
        return ok(
            f"The source comes with {listed(missing)}, which the target lacks; a key of such a type, if there is one,"
            " is"
            " reported by name."
        )
    return ok(f"The target has every module of the source: {listed(sorted(source))}.")


def functions(situation: Situation) -> Verdict:
    source, target = both_endpoints(situation)
    server, target_server = both_servers(situation)
    policy = situation.question.functions
    if not supports_functions(server):
        return ok(f"{server.product} has no functions.")
    found = situation.functions = compare_libraries(source, target)
    if found.source is None:
        return (
            warn(
                f"Whether the source has functions (scripts for FCALL) cannot be asked; if it has, they do not move."
                f" {found.refusal}",
                "Permit FUNCTION LIST at the source, or set functions to 'none' if there are none.",
            )
            if policy != "none"
            else ok("Functions of the source, if there are any, are left out.")
        )
    if not found.source:
        return ok("The source has no functions.")
    names = _names(found.source)
    if policy == "none":
        return warn(
            f"The source has functions ({names}), and they are left out.",
            "Make sure that no application calls them at the target, or let them move.",
        )
    if not supports_functions(target_server):
        return fail(
            f"The source has functions ({names}), and {target_server.product} knows none.",
            "Use a target of version 7.0 or newer, or set functions to 'none' if no application calls them.",
        )
    if found.refusal:
        return fail(
            f"The source has functions ({names}), and the target's cannot be asked. {found.refusal}",
            "Permit FUNCTION LIST and FUNCTION LOAD at the target, or set functions to 'none' to leave them out.",
        )
    if found.different and policy == "fail":
        return fail(
            f"The target has functions of the same name with other code: {_names(found.different)}.",
            "Delete them there (FUNCTION DELETE), or set functions to 'update' (replace them) or 'skip' (keep them).",
        )
    written = sorted([*found.missing, *(found.different if policy == "update" else [])])
    clashes = find_clashes(written, *found.registered)
    if clashes:
        return failed(clash_error(target, clashes))
    answer = ask(answered(situation.target).client, target, [_LOAD] if written else [], [b""]).get(_LOAD)
    if answer and answer.permitted is False:
        return fail(
            f"Functions are to be moved ({_names(written)}), and user '{target.user}' of the target may not use"
            f" FUNCTION LOAD. The server says: {answer.error}.",
            f"Give this user {_LOAD.acl_rule}, or set functions to 'none' to leave them out.",
        )
    if found.different:
        becomes = "will be replaced" if policy == "update" else "stay as they are"
        return warn(
            f"The target has functions of the same name with other code, which {becomes}: {_names(found.different)}.",
            "Check that this is meant; the option functions decides it.",
        )
    if found.missing:
        return ok(f"Functions of the source that will be loaded at the target: {_names(found.missing)}.")
    return ok(f"The target has every function of the source: {names}.")


def _names(libraries: t.Sequence[bytes]) -> str:
    return listed([printable(name) for name in libraries])


def settings(situation: Situation) -> Verdict:
    if not situation.question.config_compare:
        return ok("Settings are not compared, as told.")
    found = situation.settings = compare_settings(*both_endpoints(situation))
    if not found["comparable"]:
        return warn(
            f"Settings cannot be compared. {' '.join(found['refusals'])}",
            "Permit CONFIG GET (+config|get) where it is refused, or compare the settings of both services by hand.",
        )
    differences = found["differences"]
    if not differences:
        return ok("No setting that changes behaviour differs.")
    serious = [one for one in differences if one["setting"] in SERIOUS]
    if serious:
        told = [f"{one['setting']} '{one['source']}' becomes '{one['target']}'" for one in serious]
        return warn(
            f"Settings differ that applications may notice: {listed(told, len(SERIOUS))}."
            f"{_others(len(differences) - len(serious))}",
            "Have the target's changed where that matters: a migration moves no settings. The report lists them all.",
        )
    return ok(
        f"{plural(len(differences), 'setting')} differ, which applications hardly notice:"
        f" {listed([one['setting'] for one in differences])}."
    )


def _others(count: int) -> str:
    if not count:
        return ""
    return " 1 other differs as well." if count == 1 else f" {count} others differ as well."
