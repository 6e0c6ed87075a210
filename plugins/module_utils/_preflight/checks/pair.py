# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of how the two ends fit together and with the run. Each takes the situation and gives a verdict."""

from __future__ import annotations

from ..._errors import CommandRefused, RedisMigrationError
from ..._server.claim import Claim
from ..._server.clients import other_clients
from ..._server.clocks import clocks_of
from ..._server.compatibility import can_restore, rdb_version
from ..._server.databases import check_databases, check_same_server
from ..._transfer import backend as _backend
from ..._transfer.strategies import STRATEGIES
from ..finding import Verdict, failed, ok, plural, warn
from ..situation import Situation, answered, both_endpoints, both_ends, both_servers, both_sides

# Clocks that differ by more shift expiry times noticeably, since these are absolute.


def same_server(situation: Situation) -> Verdict:
    try:
        one = check_same_server(situation.pairs, *both_endpoints(situation), *both_servers(situation))
    except RedisMigrationError as exc:
        return failed(exc)
    if one:
        return ok("Source and target are different databases of one server.")
    return ok("Source and target are two different servers.")


def formats(situation: Situation) -> Verdict:
    choice = situation.chosen
    source, target = both_servers(situation)
    how = f"Strategy '{choice.strategy}': {choice.reason}."
    if can_restore(source, target):
        return ok(
            f"{target.product} reads what {source.product} writes (format {rdb_version(source)} against"
            f" {rdb_version(target)})."
            f" {how}"
        )
    if not situation.strategy.sends_payloads:
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
    source, target = both_endpoints(situation)
    check_databases(situation.pairs, source, target)
    counts = [f"{side.role} has {count}" for side in both_sides(situation) if (count := side.config("databases"))]
    known = f" ({', '.join(counts)})" if counts else ""
    if not situation.pairs:
        return ok(f"No logical database holds keys{known}.")
    moved = ", ".join(str(here) if here == there else f"{here} to {there}" for here, there in situation.pairs)
    return ok(f"{plural(len(situation.pairs), 'logical database')} of the run exist at both ends: {moved}{known}.")


def other_runs(situation: Situation) -> Verdict:
    numbers = [there for _here, there in situation.pairs]
    for node in answered(situation.target).nodes:
        try:
            other_clients(node.client)
        except CommandRefused:
            return ok("Whether another run writes to the target cannot be asked (CLIENT LIST is not permitted).")
        Claim(node.endpoint, numbers, "preflight", situation.question.shard).check(node.client)
    return ok("No other run writes to these databases of the target.")


def backend(situation: Situation) -> Verdict:
    ends = both_ends(situation)
    target, told = ends.target, STRATEGIES.get(situation.question.strategy)
    where = _backend.backend_of(target)
    if told is not None:
        try:
            told.prepare(ends)
        except RedisMigrationError as exc:
            return failed(exc)
    if told is None or not told.uses_backend:
        if target.backend is None:
            return ok("The target names no backend for MIGRATE; none is needed for the other strategies.")
        try:
            _backend.check_backend(target, list(ends.databases))
        except RedisMigrationError as exc:
            unused = f"Strategy '{situation.strategy.name}' does not use it."
            return warn(f"{exc.message} {unused}", exc.hint or "Correct the backend.")
    return ok(f"The backend {where} is no exposed frontend, and its credentials and databases are valid at the target.")


def clocks(situation: Situation) -> Verdict:
    clocks = clocks_of(*both_servers(situation))
    if clocks.sentence:
        return warn(
            clocks.sentence, "Nothing, if that is meant; else have the clocks set right (NTP) long before the run."
        )
    return ok(f"The clocks of the two ends agree within {abs(clocks.apart_ms) + clocks.unsure_ms:.0f} ms.")
