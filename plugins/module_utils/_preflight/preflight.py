# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proves before anything is changed that a run can succeed: every finding at once, and the plan in numbers.

The table at the end has every check with its name and the ends it needs. To add one, write it and add its line.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._errors import RedisMigrationError, did_you_mean
from .._migrate.choose import choose
from .._server.clients import other_clients
from .._server.databases import database_pairs
from .checks import features, keys, memory, pair, permissions, sentinels, server, traffic
from .finding import FAIL, WARN, Finding, Verdict, accepted, failed, listed, plural
from .nodes import at_every_node
from .situation import Answered, Question, Side, Situation, answered, both_ends, both_servers, seen_of_keys


@dataclasses.dataclass
class Report:
    """All findings, the plan in numbers, and the checks that could not be made because an end did not answer."""

    findings: list[Finding]
    left_out: list[str]
    plan: dict[str, t.Any]

    @property
    def passed(self) -> bool:
        return not self._with(FAIL) and not self.left_out

    def _with(self, status: str) -> list[str]:
        return [finding.name for finding in self.findings if finding.verdict.status == status]

    @property
    def summary(self) -> str:
        """One sentence."""
        failures, warnings = self._with(FAIL), self._with(WARN)
        parts = [f"{plural(len(self.findings), 'check')}"]
        if failures:
            parts.append(f"{plural(len(failures), 'failure')} ({listed(failures, 10)})")
        if warnings:
            parts.append(f"{plural(len(warnings), 'warning')} ({listed(warnings, 10)})")
        if self.left_out:
            parts.append(f"{len(self.left_out)} left out because an end does not answer")
        return f"{parts[0]}: {', '.join(parts[1:]) or 'all is well'}."


def refuse_unknown(ignored: t.Iterable[str]) -> None:
    """Names of findings to ignore must be such, or one that is misspelt would fail the run much later."""
    unknown = sorted(set(ignored) - set(NAMES))
    if not unknown:
        return
    meant = "".join(did_you_mean(name, NAMES) for name in unknown)
    raise RedisMigrationError(
        f"There is no finding named {listed(unknown)} to ignore.{meant}", hint=f"The findings are {', '.join(NAMES)}."
    )


class _Check(t.NamedTuple):
    name: str
    needs: tuple[str, ...]
    look: t.Callable[[Situation], Verdict]


def preflight(question: Question) -> Report:
    """Make every check. Raises :class:`RedisMigrationError` only for options that make no sense."""
    refuse_unknown(question.ignore)
    with contextlib.ExitStack() as stack:
        situation = Situation(question, Side("source", question.source), Side("target", question.target))
        situation.source, situation.target = situation.source.look(stack), situation.target.look(stack)
        _work_out(situation)
        findings: list[Finding] = []
        left_out: list[str] = []
        for check in CHECKS:
            if all(_answers(situation, need) for need in check.needs):
                findings.append(Finding(check.name, _verdict_of(check, situation)))
            else:
                left_out.append(check.name)
        findings = [_with_left_out(finding, left_out) for finding in findings]
        plan = _plan(situation)
    return Report([accepted(one) if one.name in question.ignore else one for one in findings], left_out, plan)


def _answers(situation: Situation, need: str) -> bool:
    side = situation.source if need.startswith("source") else situation.target
    return side.endpoint is not None if need.endswith("endpoint") else isinstance(side, Answered)


def _verdict_of(check: _Check, situation: Situation) -> Verdict:
    try:
        return check.look(situation)
    except RedisMigrationError as exc:
        return failed(exc)


def _with_left_out(finding: Finding, left_out: list[str]) -> Finding:
    """An end that does not answer says which checks that costs."""
    if not finding.name.endswith("_reachable") or finding.verdict.status != FAIL:
        return finding
    role = finding.name.removesuffix("_reachable")
    lost = [check.name for check in CHECKS if check.name in left_out and role in check.needs]
    next_step = f"{finding.verdict.next_step} Not checked until then: {listed(lost, 3)}."
    return Finding(finding.name, finding.verdict._replace(next_step=next_step))


def _work_out(situation: Situation) -> None:
    """Which databases go where, and by which strategy."""
    question = situation.question
    source, target = situation.source, situation.target
    if not (isinstance(source, Answered) and isinstance(target, Answered)):
        return
    try:
        situation.pairs = database_pairs(question.selection, source.server, target.server, include_target=True)
    except RedisMigrationError as exc:
        situation.pairs_problem = exc
    try:
        ends = both_ends(situation)
        round_trip_ms = source.round_trip_ms + target.round_trip_ms
        situation.choice = choose(question.strategy, ends, round_trip_ms, eviction_data=question.eviction_data)
    except RedisMigrationError as exc:
        situation.choice_problem = exc


def _plan(situation: Situation) -> dict[str, t.Any]:
    plan: dict[str, t.Any] = {}
    for side in (situation.source, situation.target):
        if isinstance(side, Answered):
            plan[side.role] = {
                "address": side.endpoint.address,
                "product": side.server.product,
                "role": side.server.role,
                "keys": side.server.keys,
                "used_memory": side.server.used_memory,
                "maxmemory": side.server.maxmemory,
                "round_trip_ms": round(side.round_trip_ms, 3),
                "clients": _client_dicts(side),
            }
    if not (isinstance(situation.source, Answered) and isinstance(situation.target, Answered)):
        return plan
    source, target = both_servers(situation)
    plan.update(
        strategy=situation.choice.strategy if situation.choice else "",
        strategy_reason=situation.choice.reason if situation.choice else "",
        databases=[
            {
                "source": here,
                "target": there,
                "keys": source.databases[here].keys if here in source.databases else 0,
                "expires": source.databases[here].expires if here in source.databases else 0,
                "target_keys": target.databases[there].keys if there in target.databases else 0,
            }
            for here, there in situation.pairs
        ],
        keys=situation.chosen_keys,
        expires=situation.chosen_expires,
        bytes=situation.chosen_bytes,
    )
    if (sample := seen_of_keys(situation)) is not None:
        plan["sample"] = sample
    if situation.functions:
        plan["functions"] = situation.functions.as_dict()
    if situation.settings:
        plan["settings"] = situation.settings
    if situation.names:
        plan["target_names"] = {
            "looked_at": situation.names.looked,
            "also_at_source": situation.names.both,
            "only_at_target": situation.names.extra,
            "complete": situation.names.complete,
        }
    return plan


def _client_dicts(side: Answered) -> list[dict[str, t.Any]] | None:
    try:
        return [client.as_dict() for client in other_clients(side.client)]
    except RedisMigrationError:
        return None


def _of_source(look: t.Callable[[Situation, Answered], Verdict]) -> t.Callable[[Situation], Verdict]:
    return lambda situation: at_every_node(look, situation, answered(situation.source))


def _of_target(look: t.Callable[[Situation, Answered], Verdict]) -> t.Callable[[Situation], Verdict]:
    return lambda situation: at_every_node(look, situation, answered(situation.target))


_BOTH = ("source", "target")

CHECKS: tuple[_Check, ...] = (
    _Check("source_reachable", (), lambda situation: server.reachable(situation, situation.source)),
    _Check("target_reachable", (), lambda situation: server.reachable(situation, situation.target)),
    _Check(
        "source_certificate", ("source_endpoint",), lambda situation: server.certificate(situation, situation.source)
    ),
    _Check(
        "target_certificate", ("target_endpoint",), lambda situation: server.certificate(situation, situation.target)
    ),
    _Check(
        "source_sentinels", ("source_endpoint",), lambda situation: sentinels.sentinels(situation, situation.source)
    ),
    _Check(
        "target_sentinels", ("target_endpoint",), lambda situation: sentinels.sentinels(situation, situation.target)
    ),
    _Check("source_version", ("source",), _of_source(server.version)),
    _Check("target_version", ("target",), _of_target(server.version)),
    _Check("source_mode", ("source",), lambda situation: server.mode(situation, answered(situation.source))),
    _Check("target_mode", ("target",), lambda situation: server.mode(situation, answered(situation.target))),
    _Check("source_role", ("source",), _of_source(server.role)),
    _Check("target_role", ("target",), _of_target(server.role)),
    _Check("source_state", ("source",), _of_source(server.state)),
    _Check("target_state", ("target",), _of_target(server.state)),
    _Check("target_writable", ("target",), _of_target(traffic.writable)),
    _Check("same_server", _BOTH, pair.same_server),
    _Check("formats", _BOTH, pair.formats),
    _Check("databases", _BOTH, pair.databases),
    _Check("source_permissions", ("source",), _of_source(permissions.permissions)),
    _Check("target_permissions", ("target",), _of_target(permissions.permissions)),
    _Check("source_keys", _BOTH, keys.source_keys),
    _Check("other_runs", _BOTH, pair.other_runs),
    _Check("key_names", _BOTH, keys.key_names),
    _Check("target_keys", _BOTH, keys.target_keys),
    _Check("large_keys", _BOTH, keys.large_keys),
    _Check("target_memory", _BOTH, memory.target_memory),
    _Check("target_eviction", _BOTH, memory.target_eviction),
    _Check("modules", _BOTH, features.modules),
    _Check("functions", _BOTH, features.functions),
    _Check("settings", _BOTH, features.settings),
    _Check("backend", _BOTH, pair.backend),
    _Check("clocks", _BOTH, pair.clocks),
    _Check("source_clients", ("source",), _of_source(traffic.clients)),
    _Check("source_connections", ("source",), _of_source(server.connections)),
    _Check("target_connections", ("target",), _of_target(server.connections)),
    _Check("target_replicas", ("target",), _of_target(server.replicas)),
    _Check("source_writes", ("source",), _of_source(traffic.writes)),
    _Check("target_writes", ("target",), _of_target(traffic.target_writes)),
    _Check("change_feed", ("source",), _of_source(traffic.change_feed)),
)

NAMES: tuple[str, ...] = tuple(check.name for check in CHECKS)
