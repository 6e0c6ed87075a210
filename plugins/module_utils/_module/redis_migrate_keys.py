# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the options of redis_migrate_keys and its result stands one :class:`Run`."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cluster.parts import Whole
from .._cluster.runs import Run, migration
from .._connection.endpoint import parse_endpoint
from .._connection.identity import Identity
from .._errors import RedisMigrationError
from .._keys.name import printable
from .._keys.selection import parse_selection
from .._migrate.counters import Change
from .._migrate.progress import Plan, Progress
from .._migrate.usage import warning
from .._server.activity import Drift
from .common import check_not_negative, max_source_latency, per_second, processes, source_shard, warn_unverified
from .resume import migration_state, migration_token
from .run import Failed


def plan_of(params: t.Mapping[str, t.Any], *, check_mode: bool) -> Plan:
    """The plan in a module's parameters. Raises :class:`RedisMigrationError`."""
    check_not_negative(
        params,
        "max_keys_per_second",
        "max_bytes_per_second",
        "max_failures",
        "ttl_tolerance_ms",
        "large_key_bytes",
        "timeout",
        "slice_seconds",
    )
    if not 0 <= params["prune_limit"] <= 1:
        raise RedisMigrationError(f"prune_limit is {params['prune_limit']}; it is a share, between 0 and 1.")
    return Plan(
        source=parse_endpoint(params["source"], "source"),
        target=parse_endpoint(params["target"], "target"),
        selection=parse_selection(params),
        strategy=params["strategy"],
        existing_keys=params["existing_keys"],
        prune=params["prune"],
        prune_limit=params["prune_limit"],
        max_keys_per_second=params["max_keys_per_second"],
        max_bytes_per_second=params["max_bytes_per_second"],
        max_source_latency_ms=max_source_latency(params),
        timeout=params["timeout"],
        processes=processes(params),
        shard=source_shard(params),
        ttl_tolerance_ms=params["ttl_tolerance_ms"],
        large_key_bytes=params["large_key_bytes"],
        eviction_data=params["eviction_data"],
        check_mode=check_mode,
    )


def result_of(progress: Progress, state: Progress | Whole[Progress] | None = None) -> dict[str, t.Any]:
    """The module's result. ``state``: for the next slice, if it is more than ``progress``."""
    totals = progress.totals
    places = dict(progress.pairs)
    result: dict[str, t.Any] = {
        "changed": totals.written > 0 or progress.in_doubt > 0,
        "strategy": progress.choice.strategy if progress.choice else "",
        "strategy_reason": progress.choice.reason if progress.choice else "",
        "databases": {
            str(number): {**counters.as_dict(), "target_database": places[number]}
            for number, counters in progress.counters.items()
        },
        "totals": totals.as_dict(),
        "failures": [failure.as_dict() for failure in progress.failures],
        "failures_not_listed": totals.failed - len(progress.failures),
        **({"parts": progress.parts} if progress.parts else {}),
        "progress_over_time": progress.samples,
        "source_latency_ms": progress.waits.as_dict(),
        "elapsed_seconds": round(progress.elapsed, 3),
        "keys_per_second": per_second(totals.scanned, progress.elapsed),
        "bytes_per_second": per_second(totals.bytes, progress.elapsed),
        "in_doubt": progress.in_doubt,
        "reconnects": progress.reconnects,
        "restarts": progress.restarts,
        "source_writes": progress.source_writes,
        "drift": progress.drift,
        "clock_difference_ms": round(progress.clock_difference.apart_ms),
        "eviction_data": progress.eviction_data,
        "finished": progress.finished,
    }
    if not progress.finished:
        result["step"] = "looking from the target's side" if progress.pruning else "moving"
        result["resume"] = migration_token(state or progress)
    return result


def diff_of(changes: t.Sequence[Change]) -> dict[str, str]:
    """Ansible's diff: the keys of the target that are not there before, or not there any more, or written anew."""

    def lines(wanted: t.Mapping[str, str]) -> str:
        return "".join(
            f"database {change.database}: {change.key}{wanted[change.action]}\n"
            for change in changes
            if change.action in wanted
        )

    return {
        "before_header": "keys of the target",
        "after_header": "keys of the target",
        "before": lines({"updated": "", "pruned": ""}),
        "after": lines({"copied": "", "updated": " (new value)"}),
    }


def work(module: AnsibleModule) -> dict[str, t.Any]:
    run: Run[Progress] | None = None
    try:
        plan = plan_of(module.params, check_mode=module.check_mode)
        warn_unverified(module, plan.source, plan.target)
        resume = module.params["resume"]
        run = migration(plan, migration_state(resume) if resume else None)
        progress = run.run(module.params["slice_seconds"] or None)
    except RedisMigrationError as exc:
        partial = result_of(run.progress, run.state) if run else {}
        doubt = partial.get("in_doubt")
        more = f" Under way then: {doubt} keys, which may have arrived or not; the next run finds out." if doubt else ""
        raise Failed(f"{exc}{more}", partial) from None
    result = result_of(progress, run.state)
    if module._diff:
        result["diff"] = diff_of(progress.changes)
    drift = Drift(progress.source_writes, progress.drift).sentence
    if drift:
        module.warn(
            "The source was written to meanwhile, so the numbers of this check have changed since."
            if module.check_mode
            else drift
        )
    if progress.finished and progress.restarts:
        module.warn(
            f"An end was restarted or replaced in the middle of the run (times: {progress.restarts}); all keys were looked "
            "at anew. If it came back without its data, see that it keeps them."
        )
    if progress.finished and progress.clock_difference.sentence:
        module.warn(progress.clock_difference.sentence)
    unused = warning(progress)
    if progress.finished and unused:
        module.warn(unused)
    if progress.finished and progress.held and progress.lost > progress.held.tolerated(plan.prune_limit):
        module.warn(
            f"{progress.lost} keys of the source were deleted while it was read, by commands and not by expiry. If nobody should"
            " have done that, look there before you go on."
        )
    for role, met in progress.met.items():
        if progress.finished and not Identity(**met[-1]).known:
            module.warn(
                f"The {role} does not say who it is (INFO has no run id, process or port). Had another server taken its place"
                " during the run, that could not be seen."
            )
    if progress.blind:
        module.warn(
            f"Whether another run writes to the same target cannot be seen. {progress.blind} Make sure that none does."
        )
    failed = progress.totals.failed
    if progress.finished and failed > module.params["max_failures"]:
        first = progress.failures[0] if progress.failures else None
        example = (
            f" The first: '{printable(first.key)}' in database {first.database}: {first.reason.rstrip('.')}."
            if first
            else ""
        )
        raise Failed(
            f"{failed} of {progress.totals.scanned} keys could not be moved; the others were.{example} See 'failures'"
            + (f", which lists {len(progress.failures)} of them." if len(progress.failures) < failed else ".")
            + (f" {first.hint}" if first and first.hint else ""),
            result,
        )
    return result
