# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the options of redis_key_diff and its result stands one :class:`Run`."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._cluster.parts import Whole
from .._cluster.runs import comparison
from .._compare.diff_progress import DiffPlan, DiffProgress
from .._connection.endpoint import parse_endpoint
from .._keys.selection import parse_selection
from .common import (
    around_keys,
    check_not_negative,
    max_source_latency,
    per_second,
    processes,
    source_shard,
    warn_unverified,
)
from .resume import diff_state, diff_token


def plan_of(params: t.Mapping[str, t.Any]) -> DiffPlan:
    """The plan in a module's parameters. Raises :class:`RedisMigrationError`."""
    check_not_negative(params, "ttl_tolerance_ms", "max_differences", "timeout", "slice_seconds")
    return DiffPlan(
        source=parse_endpoint(params["source"], "source"),
        target=parse_endpoint(params["target"], "target"),
        selection=parse_selection(params),
        level=params["level"],
        ttl_tolerance_ms=params["ttl_tolerance_ms"],
        max_differences=params["max_differences"],
        max_source_latency_ms=max_source_latency(params),
        timeout=params["timeout"],
        processes=processes(params),
        shard=source_shard(params),
    )


def result_of(progress: DiffProgress, state: DiffProgress | Whole[DiffProgress] | None = None) -> dict[str, t.Any]:
    """The module's result. ``state``: for the next slice, if it is more than ``progress``."""
    totals = progress.totals
    places = dict(progress.pairs or [])
    result: dict[str, t.Any] = {
        "changed": False,
        "databases": {
            str(number): {**dataclasses.asdict(counts), "target_database": places[number]}
            for number, counts in progress.databases.items()
        },
        "totals": dataclasses.asdict(totals),
        "differences": [found.as_dict() for found in progress.differences],
        "differences_not_listed": totals.missing + totals.extra + totals.different - len(progress.differences),
        **({"parts": progress.parts} if progress.parts else {}),
        "progress_over_time": progress.samples,
        "source_latency_ms": progress.waits.as_dict(),
        "elapsed_seconds": round(progress.elapsed, 3),
        "keys_per_second": per_second(totals.source_keys, progress.elapsed),
        "clock_difference_ms": round(progress.clock_difference.apart_ms),
        "finished": progress.finished,
    }
    if progress.finished:
        result["identical"] = totals.identical
    else:
        result["step"] = _step(progress)
        result["resume"] = diff_token(state or progress)
    return result


def _step(progress: DiffProgress) -> str:
    if progress.reverse:
        return "looking from the target's side"
    return "comparing" if progress.again is None else "comparing the names once more"


def work(module: AnsibleModule) -> dict[str, t.Any]:
    plan = plan_of(module.params)
    warn_unverified(module, plan.source, plan.target)
    resume = module.params["resume"]
    run = comparison(plan, diff_state(resume) if resume else None)
    progress = run.run(module.params["slice_seconds"] or None)
    result = result_of(progress, run.state)
    if progress.finished:
        result.update(around_keys(plan.source, plan.target))
        if progress.clock_difference.sentence:
            module.warn(progress.clock_difference.sentence)
    return result
