# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module redis_live_sync does with its parameters."""

from __future__ import annotations

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._background.files import holder_of
from .._cluster.combined import primaries_of
from .._cluster.live_process import main
from .._connection.endpoint import parse_endpoint, refuse_replica
from .._errors import RedisMigrationError
from .._keys.selection import parse_selection
from .._live.feed import try_feed
from .._live.following import Following, ProcessFailed
from .._live.order import COUNTED, LiveState
from .._live.result import NotConverging, Status
from .._migrate.progress import Plan
from .common import around_keys, check_not_negative, max_source_latency, warn_unverified
from .run import Failed

_LOOK_SECONDS = 0.1

_NOTHING = Status(False, 0, 0, 0, 0.0, 0.0, 0.0)


def plan_of(params: t.Mapping[str, t.Any]) -> Plan:
    """The plan in the module's parameters. Raises :class:`RedisMigrationError`."""
    check_not_negative(
        params, "max_keys_per_second", "max_bytes_per_second", "ttl_tolerance_ms", "large_key_bytes", "timeout",
        "slice_seconds", "max_lag_seconds", "patience_seconds", "drain_seconds", "lease_seconds",
    )  # fmt: skip
    source = parse_endpoint(params["source"], "source")
    refuse_replica(source, "a source is followed at its primary, where applications write")
    return Plan(
        source=source,
        target=parse_endpoint(params["target"], "target"),
        selection=parse_selection(params),
        strategy=params["strategy"],
        prune=params["prune"],
        max_keys_per_second=params["max_keys_per_second"],
        max_bytes_per_second=params["max_bytes_per_second"],
        max_source_latency_ms=max_source_latency(params),
        timeout=params["timeout"],
        ttl_tolerance_ms=params["ttl_tolerance_ms"],
        large_key_bytes=params["large_key_bytes"],
    )


def work(module: AnsibleModule) -> dict[str, t.Any]:
    plan = plan_of(module.params)
    warn_unverified(module, plan.source, plan.target)
    following = Following(plan, holder_of(module.params["owner"]), main.__module__)
    call = _Call(module, plan, following)
    does = {"started": call.start, "caught_up": call.catch_up, "drained": call.drain, "stopped": call.stop}
    try:
        return does[module.params["state"]]()
    except ProcessFailed as exc:
        failed = exc
    finally:
        following.close()
    raise Failed(str(failed), {**_result(failed.state), **failed.state.result, "following": False, "changed": False})


class _Call:
    """One call of the module."""

    def __init__(self, module: AnsibleModule, plan: Plan, following: Following) -> None:
        self._module = module
        self._params = module.params
        self._plan = plan
        self._following = following

    def start(self) -> dict[str, t.Any]:
        if self._module.check_mode:
            runs = self._following.runs
            if not runs:
                for primary in primaries_of(self._plan.source):
                    try_feed(primary)
            return {"changed": not runs, **_result(None)}
        state, changed, before = self._following.start(self._params["log_path"], self._params["lease_seconds"])
        if before:
            self._module.warn(f"{before} It was started again, and compares everything.")
        because = _status(state).compares_in_drain
        if because:
            self._module.warn(f"All keys will be compared once more while the applications stand still: {because}.")
        return {"changed": changed, **_result(state)}

    def catch_up(self) -> dict[str, t.Any]:
        begin, slice_seconds = time.monotonic(), self._params["slice_seconds"]
        if self._only_planned:
            return {"changed": False, **_result(None)}
        self._following.renew()
        since = _since(self._params["resume"])
        while True:
            state = self._following.news(begin)
            status, now = _status(state), time.monotonic()
            if status.walked and status.lag_seconds <= self._params["max_lag_seconds"]:
                return {"changed": False, **_result(state)}
            if since is None and (status.walked or state.status["overflows"] or state.status["evictions"]):
                since = now
            if since is not None and now - since > self._params["patience_seconds"]:
                raise Failed(str(NotConverging(self._plan.source, status)), _result(state))
            if slice_seconds and now - begin > slice_seconds:
                resume = "" if since is None else repr(since)
                return {"changed": False, **_result(state), "finished": False, "resume": resume or "-"}
            time.sleep(_LOOK_SECONDS)

    def drain(self) -> dict[str, t.Any]:
        if self._only_planned:
            return {"changed": False, **_result(None)}
        self._following.renew()
        state = self._following.drain(self._params["drain_seconds"])
        result = {**_result(state), **state.result}
        result["changed"] = bool(result["totals"]["moved"] or result["totals"]["deleted"])
        if not result["proved"]:
            # Whether the process goes on is for who called: a playbook may end it.
            raise Failed(
                f"The target was not proved equal to the source: {result['reason']} {_next_step(result)}", result
            )
        self._following.stop()
        return {**result, **around_keys(self._plan.source, self._plan.target), "following": False}

    def stop(self) -> dict[str, t.Any]:
        changed = self._following.runs if self._module.check_mode else self._following.stop()
        return {"changed": changed, **_result(None)}

    @property
    def _only_planned(self) -> bool:
        """In check mode nothing was started that could be asked."""
        return self._module.check_mode and not self._following.runs


def _next_step(result: dict[str, t.Any]) -> str:
    if result["failures"]:
        return "See 'failures' for what to do about each, then drain again, or run the playbook again."
    if result["extra"]:
        return (
            "See 'extra'. If they may be deleted, such as those that an earlier run brought, end the process and start it"
            " with 'prune: true', which is redis_migration_prune in the playbooks."
        )
    return "See that the applications have stopped, then drain again, or run the playbook again."


def _since(resume: str) -> float | None:
    try:
        return None if resume in ("", "-") else float(resume)
    except ValueError:
        raise RedisMigrationError("The option 'resume' is not what an earlier slice returned.") from None


def _status(state: LiveState) -> Status:
    return Status(**{name: state.status[name] for name in Status.__dataclass_fields__})


def _result(state: LiveState | None) -> dict[str, t.Any]:
    status = _status(state) if state else _NOTHING
    return {
        "following": state is not None,
        "copied": status.walked,
        "compares_in_drain": status.compares_in_drain,
        "keys_done": status.keys_done,
        "keys_all": status.keys_all,
        "lag_keys": status.lag_keys,
        "lag_seconds": round(status.lag_seconds, 3),
        "changes_per_second": round(status.changes_per_second, 1),
        "carried_per_second": round(status.carried_per_second, 1),
        "failed_keys": status.failed_keys,
        "extra_keys": status.extra_keys,
        **{name: state.status[name] if state else 0 for name in COUNTED},
        "log": state.log if state else "",
        "finished": True,
    }
