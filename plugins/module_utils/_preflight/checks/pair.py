# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of how the two ends fit together and with the run. Each takes the situation and gives a verdict."""

from __future__ import annotations

import typing as t

from ..._connection.endpoint import Endpoint
from ..._errors import CommandRefused, RedisMigrationError
from ..._keys.name import printable
from ..._keys.selection import check_databases, check_same_server
from ..._preflight_sample import sampled_sizes
from ..._server.claim import Claim
from ..._server.clients import foreign_clients
from ..._server.compatibility import can_restore, rdb_version
from ..._server.dry_run import ask
from ..._server.eligibility import prune_problem
from ..._server.functions import clash_error, compare_libraries, find_clashes, supports_functions
from ..._server.info import Server
from ..._server.settings import SERIOUS, compare_settings
from ..._transfer import backend as _backend
from ..finding import Verdict, fail, failed, human, listed, ok, plural, warn
from ..permissions import Need
from ..situation import Situation
from ..target_names import compare_names

# Versions and allocators differ in what a key takes; so much more must be free for the run to be safe.
_HEADROOM = 0.25

# Clocks that differ by more shift expiry times noticeably, since these are absolute.
_CLOCKS_MS = 1000

# Modules that come with a server itself: there whether anybody uses them or not.
_BUILT_IN = {"vectorset", "lua"}

_LOAD = Need("FUNCTION LOAD", "functions", ("x",), writes=True)


def _servers(situation: Situation) -> tuple[Server, Server]:
    return t.cast(Server, situation.source.server), t.cast(Server, situation.target.server)


def _endpoints(situation: Situation) -> tuple[Endpoint, Endpoint]:
    return t.cast(Endpoint, situation.source.endpoint), t.cast(Endpoint, situation.target.endpoint)


def same_server(situation: Situation) -> Verdict:
    source, target = _servers(situation)
    try:
        check_same_server(situation.pairs, source, target)
    except RedisMigrationError as exc:
        return failed(exc)
    if source.run_id == target.run_id and source.run_id:
        return ok("Source and target are different databases of one server.")
    return ok("Source and target are two different servers.")


def formats(situation: Situation) -> Verdict:
    if situation.choice is None:
        return failed(t.cast(RedisMigrationError, situation.choice_problem))
    source, target = _servers(situation)
    choice = situation.choice
    how = f"Strategy '{choice.strategy}': {choice.reason}."
    if can_restore(source, target):
        return ok(
            f"{target.product} reads what {source.product} writes (format {rdb_version(source)} against"
            f" {rdb_version(target)})."
            f" {how}"
        )
    if choice.strategy == "rebuild":
        return ok(
            f"{target.product} does not read what {source.product} writes, so keys are rebuilt by commands. {how}"
        )
    return warn(
        f"{target.product} does not read what {source.product} writes (format {rdb_version(source)} against"
        f" {rdb_version(target)}), so strategy '{choice.strategy}' will fall back to rebuilding for most keys.",
        "Use strategy 'rebuild' (or 'auto'), which does not try in vain first.",
    )


def databases(situation: Situation) -> Verdict:
    if situation.pairs_problem:
        return failed(situation.pairs_problem)
    source, target = _endpoints(situation)
    check_databases(situation.pairs, source, target)
    counts = [
        f"{side.role} has {count}"
        for side in (situation.source, situation.target)
        if (count := side.config("databases"))
    ]
    known = f" ({', '.join(counts)})" if counts else ""
    if not situation.pairs:
        return ok(f"No logical database holds keys{known}.")
    moved = ", ".join(str(here) if here == there else f"{here} to {there}" for here, there in situation.pairs)
    return ok(f"{plural(len(situation.pairs), 'logical database')} of the run exist at both ends: {moved}{known}.")


def other_runs(situation: Situation) -> Verdict:
    target = _endpoints(situation)[1]
    try:
        foreign_clients(situation.target.client)
    except CommandRefused:
        return ok("Whether another run writes to the target cannot be asked (CLIENT LIST is not permitted).")
    Claim(target, [there for _here, there in situation.pairs], "preflight").check(situation.target.client)
    return ok("No other run writes to these databases of the target.")


def source_keys(situation: Situation) -> Verdict:
    source, target = _servers(situation)
    if situation.question.prune:
        problem = prune_problem(*_endpoints(situation), source, target)
        if problem:
            return failed(problem)
    keys = situation.chosen_keys
    if not keys:
        return warn(
            f"The source holds no keys in the chosen databases (and {source.keys} in all).",
            "Check that this is the source you mean and that 'databases' is right.",
        )
    expires = sum(source.databases[here].expires for here, _there in situation.pairs if here in source.databases)
    return ok(
        f"The source holds {plural(keys, 'key')}, {expires} of them with an expiry time, in"
        f" {plural(len([here for here, _there in situation.pairs if here in source.databases]), 'database')};"
        f" about {human(situation.chosen_bytes)} of memory."
    )


def target_keys(situation: Situation) -> Verdict:
    source, target = _servers(situation)
    question = situation.question
    held = sum(target.databases[there].keys for _here, there in situation.pairs if there in target.databases)
    if not held:
        situation.names = None
        return ok("The target holds no keys in the databases of the run.")
    endpoints = _endpoints(situation)
    names = compare_names(
        (endpoints[0], source),
        (endpoints[1], target),
        situation.pairs,
        question.selection,
        seconds=question.scan_seconds,
        round_trip_ms=situation.source.round_trip_ms + situation.target.round_trip_ms,
    )
    situation.names = names
    looked = (
        "" if names.complete else f" (only {names.looked} of {held} could be looked at in {question.scan_seconds:g} s)"
    )
    if names.extra and not question.prune:
        return fail(
            f"The target holds {plural(names.extra, 'key')} that the source does not have{looked}, such as"
            f" {listed(names.examples)}.",
            "Check that this is the target you mean. Empty it, set prune to delete exactly these keys, or ignore this"
            " finding to keep them.",
        )
    if names.extra:
        return warn(
            f"prune will delete {plural(names.extra, 'key')} of the target that the source does not have{looked}, such"
            " as"
            f" {listed(names.examples)}.",
            "Check that these may go; redis_migrate_keys in check and diff mode lists them.",
        )
    if question.existing_keys == "fail" and names.both:
        return fail(
            f"{plural(names.both, 'key')} of the target bear names of keys of the source{looked}, and existing_keys is"
            " 'fail'.",
            "Empty the target, or set existing_keys to 'update'.",
        )
    if not names.complete:
        return warn(
            f"The keys of the target are, as far as looked at, keys of an earlier run{looked}.",
            "Raise scan_seconds to have all of them looked at.",
        )
    if question.existing_keys == "skip" and names.both:
        return warn(
            f"{plural(names.both, 'key')} of the target bear names of keys of the source and stay as they are, because"
            " existing_keys is 'skip'.",
            "Set existing_keys to 'update' to have those that differ written anew.",
        )
    if not names.looked:
        return ok(f"The target holds {plural(held, 'key')}, none of which the run concerns.")
    anew = "All of them are" if question.existing_keys == "replace" else "What differs is"
    return ok(
        f"The target holds {plural(names.both, 'key')}, all of which the source has: this continues an earlier run."
        f" {anew} written anew."
    )


def _missing_bytes(situation: Situation) -> int:
    """About how much memory the keys take that the target does not have yet."""
    chosen, keys = situation.chosen_bytes, situation.chosen_keys
    if not situation.names or not keys:
        return chosen
    return chosen * max(0, keys - situation.names.both) // keys


def target_memory(situation: Situation) -> Verdict:
    target = situation.target
    needed = _missing_bytes(situation)
    used = max(0, target.number("used_memory") - target.number("mem_not_counted_for_evict"))
    limit = target.number("maxmemory")
    what = f"About {human(needed)} of keys are to be moved"
    if not limit:
        total = target.number("total_system_memory")
        left = total - target.number("used_memory_rss", used)
        if total and needed > left:
            return warn(
                f"{what}; the target sets itself no limit, and the machine it runs on has about {human(left)} of"
                f" {human(total)} left.",
                "Make sure that the machine has the memory, and set maxmemory.",
            )
        return ok(f"{what}; the target sets itself no limit and uses {human(used)}.")
    free = limit - used
    numbers = (
        f"{what}; the target has {human(max(0, free))} free of {human(limit)} (maxmemory), {human(used)} being used"
    )
    if needed > free:
        return fail(
            f"{numbers}: {human(needed - free)} too little.",
            f"Use a larger plan or raise maxmemory to {human(used + needed * (1 + _HEADROOM))} or more, or move less.",
        )
    if needed * (1 + _HEADROOM) > free:
        return warn(
            f"{numbers}: it should just fit, with less than {_HEADROOM:.0%} to spare (keys may take more there than"
            " here).",
            "Use a larger plan or raise maxmemory to be safe.",
        )
    return ok(f"{numbers}.")


def target_eviction(situation: Situation) -> Verdict:
    source, target = _servers(situation)
    policy = target.maxmemory_policy or "noeviction"
    if policy == "noeviction":
        return ok("The target evicts nothing when it is full (noeviction).")
    same = ", as does the source" if source.maxmemory_policy == policy else f"; the source: {source.maxmemory_policy}"
    if not target.maxmemory:
        return ok(f"The target would evict keys when full ({policy}{same}); it sets itself no limit, so it will not.")
    which = "keys that have an expiry time" if policy.startswith("volatile-") else "any keys"
    used = max(0, situation.target.number("used_memory") - situation.target.number("mem_not_counted_for_evict"))
    message = f"The target evicts {which} when it is full ({policy}{same})"
    if _missing_bytes(situation) * (1 + _HEADROOM) > target.maxmemory - used:
        return fail(
            f"{message}, and its memory is tight: keys that were moved could disappear without a word.",
            "Give the target more memory, or set maxmemory-policy to noeviction for the time of the migration.",
        )
    return warn(
        f"{message}; there is enough memory now, but what is evicted later is gone without a word.",
        "Set maxmemory-policy to noeviction at least until the migration is verified.",
    )


def modules(situation: Situation) -> Verdict:
    source, target = situation.source.modules, situation.target.modules
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
    source, target = _endpoints(situation)
    server, target_server = _servers(situation)
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
    answer = ask(situation.target.client, target, [_LOAD] if written else [], [b""]).get(_LOAD)
    if answer and answer.permitted is False:
        return fail(
            f"Functions are to be moved ({_names(written)}), and user '{target.user}' of the target may not use"
            f" FUNCTION LOAD. The server's words: {answer.words}.",
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
    found = situation.settings = compare_settings(*_endpoints(situation))
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


def backend(situation: Situation) -> Verdict:
    _source, target = _endpoints(situation)
    where = _backend.backend_of(target)
    wanted = situation.question.strategy
    if wanted != "migrate" and target.backend is None:
        return ok("The target names no backend for MIGRATE; none is needed for the other strategies.")
    try:
        _backend.check_backend(target, [there for _here, there in situation.pairs])
    except RedisMigrationError as exc:
        if wanted == "migrate":
            return failed(exc)
        return warn(
            f"{exc.message} Strategy '{situation.strategy}' does not use it.", exc.hint or "Correct the backend."
        )
    return ok(f"The backend {where} is no exposed frontend, and its credentials and databases are valid at the target.")


def clocks(situation: Situation) -> Verdict:
    source, target = situation.source, situation.target
    apart = target.clock_ahead_ms - source.clock_ahead_ms
    unsure = (source.round_trip_ms + target.round_trip_ms) / 2
    if abs(apart) - unsure > _CLOCKS_MS:
        which, effect = ("ahead of", "sooner") if apart > 0 else ("behind", "later")
        return warn(
            f"The target's clock is {abs(apart) / 1000:.1f} s {which} the source's: keys expire that much {effect}"
            " there.",
            "Have the clocks set right (NTP) before the run.",
        )
    return ok(f"The clocks of the two ends agree within {abs(apart) + unsure:.0f} ms.")


def large_keys(situation: Situation) -> Verdict:
    sizes = sampled_sizes(situation)
    if not sizes:
        return ok("There are no keys to be large.")
    size, database, name = max(sizes)
    largest = f"takes {human(size)}: '{printable(name)}' in database {database}"
    limit = situation.question.large_key_bytes
    large = len([one for one in sizes if limit and one[0] > limit])
    pieces = f"; {large} above {human(limit)} (large_key_bytes) will move in pieces" if large else ""
    return ok(f"The largest of {plural(len(sizes), 'sampled key')} {largest}{pieces}.")
