# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run as data: what the phases of every migration registered, picked field by field, never a secret."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import (
    Endpoint,
    parse_endpoint,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis import (
    analysis_in,
    analysis_sentence,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.apps import (
    apps_of,
    apps_sentences,
    off_source,
    rollback_command,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.downtime import (
    downtime_of,
    downtime_sentence,
    stop_of,
    waiting_of,
    waiting_sentence,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import keys
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.live import live_of
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.rollback import turned_round
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.sentences import (
    file_sentences,
    migration_summary,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.shards import proved_in_part
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.summary import moved_of
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.timeline import timeline_of
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.verification import (
    findings_failure,
    keys_of,
)

Data = dict[str, t.Any]

# Of the form of a report. Fields may be added to it; whoever removes one or gives it another meaning raises the version.
REPORT_VERSION = 1

# Phases in the order in which they run, and what each registers.
_PHASES = (
    ("credentials", "__redis_migration_variables"),
    ("analyse", "__redis_migration_analysis"),
    ("analyse", "__redis_migration_fit"),
    ("preflight", "__redis_migration_preflight"),
    ("follow", "__redis_migration_started"),
    ("follow", "__redis_migration_caught_up"),
    ("wait", "__redis_migration_waited"),
    ("migrate", "__redis_migration_migrate"),
    ("migrate", "__redis_migration_functions"),
    ("drain", "__redis_migration_drained"),
    ("verify", "__redis_migration_comparison"),
    ("isolate", "__redis_migration_unbound"),
    ("isolate", "__redis_migration_stopped"),
    ("isolate", "__redis_migration_isolate_result"),
    ("backup", "__redis_migration_backup"),
    ("cutover", "__redis_migration_cutover_bound"),
    ("cutover", "__redis_migration_cutover_started"),
    ("restore", "__redis_migration_restore"),
)

_BACKUP_FIELDS = ("dest", "size", "checksum", "files", "totals")
_FOLLOWED_FIELDS = ("keys_all", "lag_keys", "lag_seconds", "changes_per_second")
_RESTORE_FIELDS = ("totals", "databases", "functions")

_MIGRATE_FIELDS = (
    "changed",
    "strategy",
    "strategy_reason",
    "databases",
    "totals",
    "failures",
    "elapsed_seconds",
    "keys_per_second",
    "bytes_per_second",
    "reconnects",
    "drift",
    "source_writes",
    "source_latency_ms",
    "parts",
    "progress_over_time",
)
_COMPARISON_FIELDS = (
    "identical",
    "databases",
    "totals",
    "differences",
    "functions",
    "elapsed_seconds",
    "keys_per_second",
    "source_latency_ms",
    "parts",
    "progress_over_time",
)


def build_report(
    hosts: t.Mapping[str, t.Mapping[str, t.Any]],
    *,
    check_mode: bool,
    finished: float,
    playbook: str = "migrate",
    inventories: t.Sequence[str] = (),
) -> Data:
    """The report about ``hosts`` (the variables of each). ``finished``: when the run ended, in seconds since 1970."""
    migrations = [_migration(name, variables, check_mode, inventories, finished) for name, variables in hosts.items()]
    began = min((_began(variables, finished) for variables in hosts.values()), default=finished)
    states = [migration["status"] for migration in migrations]
    moved = [moved_of(migration) for migration in migrations]
    return {
        "schema": "dataservices.redis_migration/report",
        "version": REPORT_VERSION,
        "playbook": playbook,
        "started": _iso(min(began, finished)),
        "finished": _iso(finished),
        "elapsed_seconds": round(max(0.0, finished - began), 1),
        "check_mode": check_mode,
        "summary": {
            "migrations": len(migrations),
            **{status: states.count(status) for status in ("proved", "done", "planned", "failed", "not_run")},
            "keys_moved": sum(keys_moved for keys_moved, _bytes in moved),
            "bytes_moved": sum(bytes_moved for _keys, bytes_moved in moved),
            "keys_proved": sum(
                migration["verify"]["totals"]["source_keys"]
                for migration in migrations
                if migration["status"] == "proved"
            ),
            "proved_in_part": proved_in_part(migrations),
        },
        "migrations": migrations,
    }


def _began(variables: t.Mapping[str, t.Any], finished: float) -> float:
    """When the first task of the run began for this migration."""
    return float(variables.get("__redis_migration_variables", {}).get("began", finished))


def report_lines(report: t.Mapping[str, t.Any]) -> list[str]:
    """The report in short: of each migration a line for each sentence; the failed ones last, with cause and next step."""
    lines = []
    for migration in sorted(report["migrations"], key=lambda migration: migration["status"] == "failed"):
        first, *others = _sentences(migration)
        lines += [f"{migration['name']}: {first}", *(f"  {sentence}" for sentence in others)]
    return lines


def failure_sentence(host: str, hostvars: t.Mapping[str, t.Mapping[str, t.Any]]) -> str:
    """That the migration ``host`` has failed. Ansible prints it twice, so the cause is left to :func:`report_lines`."""
    failure = _failure(hostvars[host], host)
    phase = f" in {failure['phase']}" if failure else ""
    return f"FAILED{phase}. The result above and the report say why, and what to do next."


def _sentences(migration: Data) -> list[str]:
    status = migration["status"]
    sentences = []
    if status == "failed":
        sentences.append(f"FAILED in {migration['failure']['phase']}: {migration['failure']['message']}")
    elif status == "proved":
        verify = migration["verify"]
        sentences.append(
            f"PROVED equal, {keys_of(verify['totals']['source_keys'], verify['shard'])} ({verify['level']})."
        )
    sentences += [migration[way]["summary"] for way in ("migrate", "live") if migration[way]]
    if status != "failed":
        sentences += file_sentences(migration["backup"], migration["restore"], planned=migration["planned"])
    if migration["downtime"]:
        sentences.append(downtime_sentence(migration["downtime"]))
    if migration["waiting"]:
        sentences.append(waiting_sentence(migration["waiting"]))
    sentences += apps_sentences(migration["apps"], failed=status == "failed", planned=migration["planned"])
    if migration["way_back"]:
        # The command in a line of its own, as it is typed.
        sentences += ["To put the apps back:", migration["way_back"]]
    if migration["analysis"]:
        sentences.append(migration["analysis"])
    if not sentences and migration["followed"]:
        followed = migration["followed"]
        sentences.append(
            f"followed, {keys(followed['keys_all'])} compared while applications wrote, {followed['lag_seconds']:.1f} s behind."
            " Nobody was stopped."
        )
    if not sentences and migration["preflight"]:
        sentences.append(f"looked at, nothing moved. {migration['preflight']['summary']}")
    return sentences or ["done." if status == "done" else "nothing was to be done."]


def _migration(
    name: str, variables: t.Mapping[str, t.Any], check_mode: bool, inventories: t.Sequence[str], finished: float
) -> Data:
    failure = _failure(variables, name)
    migrate, live, downtime = _migrate(variables, check_mode), live_of(variables), downtime_of(variables)
    followed = _picked(variables, "__redis_migration_caught_up", _FOLLOWED_FIELDS)
    apps = apps_of(variables)
    began, stop = _began(variables, finished), None if check_mode else stop_of(variables)
    preflight = _preflight(variables)
    verify = _verify(variables)
    analysis = analysis_in(variables)
    if failure:
        status = "failed"
    elif verify and verify["findings"]:
        status = "proved"
    elif (
        migrate
        or live
        or followed
        or apps["on_source"]
        or any(_picked(variables, f"__redis_migration_{name}", ("totals",)) for name in ("backup", "restore"))
    ):
        status = "planned" if check_mode else "done"
    elif analysis:
        # It only reads, in check mode too.
        status = "done"
    else:
        status = "not_run"
    servers = variables.get("__redis_migration_comparison", {}).get("servers", {})
    return {
        "name": name,
        "rollback": "__redis_migration_data_from" in variables,
        "status": status,
        "source": _end(variables, "source", preflight, servers.get("source", {})),
        "target": _end(variables, "target", preflight, servers.get("target", {})),
        "preflight": preflight,
        "migrate": migrate,
        "live": live,
        "followed": followed,
        "downtime": None if check_mode else downtime,
        "downtime_seconds": downtime["seconds"] if downtime and not check_mode else None,
        "waiting": waiting_of(variables),
        "timeline": timeline_of(variables, began, finished, stop),
        "verify": verify,
        "analysis": analysis_sentence(analysis) if analysis else "",
        "backup": _picked(variables, "__redis_migration_backup", _BACKUP_FIELDS),
        "restore": _picked(variables, "__redis_migration_restore", _RESTORE_FIELDS),
        "apps": apps,
        "way_back": "" if check_mode or not off_source(apps) else rollback_command(name, inventories),
        "planned": check_mode,
        "failure": failure,
    }


def _picked(variables: t.Mapping[str, t.Any], name: str, fields: tuple[str, ...]) -> Data | None:
    result = variables.get(name, {})
    if result.get("skipped") or fields[0] not in result:
        return None
    return {field: result[field] for field in fields if field in result}


def _preflight(variables: t.Mapping[str, t.Any]) -> Data | None:
    result = variables.get("__redis_migration_preflight", {})
    if "findings" not in result:
        return None
    return {field: result[field] for field in ("passed", "summary", "findings", "left_out", "plan")}


def _migrate(variables: t.Mapping[str, t.Any], check_mode: bool) -> Data | None:
    result = variables.get("__redis_migration_migrate", {})
    if "totals" not in result or (result.get("failed") and not result["totals"]["scanned"]):
        return None
    picked = {field: result[field] for field in _MIGRATE_FIELDS if field in result}
    functions = variables.get("__redis_migration_functions", {})
    summary = migration_summary({"changed": False, **picked}, functions, check_mode=check_mode)
    return {**picked, "functions": functions.get("libraries", {}), "summary": summary}


def _verify(variables: t.Mapping[str, t.Any]) -> Data | None:
    result = variables.get("__redis_migration_comparison", {})
    if "identical" not in result:
        return None
    return {
        **{field: result[field] for field in (*_COMPARISON_FIELDS, "verified") if field in result},
        "level": "values" if "verified" in result else variables.get("redis_migration_verify_level", "values"),
        "shard": variables.get("redis_migration_source_shard", ""),
        "findings": variables.get("__redis_migration_verification", []),
    }


def _failure(variables: t.Mapping[str, t.Any], host: str) -> Data | None:
    """The first phase that failed, and why."""
    back = "__redis_migration_data_from" in variables
    for phase, name in _PHASES:
        for result in [*_results(variables, name), variables.get(name, {})]:
            if result.get("failed") or result.get("unreachable"):
                message = str(result.get("msg", "no reason was given"))
                if back and phase in ("follow", "drain"):
                    phase, message = "rollback", turned_round(message)
                return {"phase": phase, "message": message.removeprefix(f"{host}: ")}
    preflight = variables.get("__redis_migration_preflight", {})
    if not preflight.get("passed", True):
        return {"phase": "preflight", "message": findings_failure(preflight["findings"]) or preflight["summary"]}
    reason = findings_failure(variables.get("__redis_migration_verification", []))
    if reason:
        return {"phase": "verify", "message": reason}
    failure = variables.get("__redis_migration_failure")
    if failure:
        phases = [tag for tag in failure["tags"] if tag not in ("always", "report")]
        # A rollback starts the apps as a cutover does, with its tasks.
        phase = "rollback" if "rollback" in phases else phases[0] if phases else "credentials"
        return {"phase": phase, "message": str(failure["message"])}
    return None


def _results(variables: t.Mapping[str, t.Any], name: str) -> list[t.Any]:
    """The results of a looped task, by item."""
    return list(variables.get(name, {}).get("results", []))


def _end(variables: t.Mapping[str, t.Any], role: str, preflight: Data | None, info: t.Mapping[str, t.Any]) -> Data:
    """Where an end is, and which server answered there. No user name, password or URL."""
    end: Data = {"address": "", "tls": False, "product": ""}
    if role == "source":
        info = info or variables.get("__redis_migration_analysis", {})
    endpoint: Endpoint | None
    try:
        endpoint = parse_endpoint(variables.get(f"__redis_migration_{role}"), role)
        end.update(address=endpoint.address, tls=endpoint.tls)
    except RedisMigrationError:
        endpoint = None
    planned = preflight["plan"].get(role) if preflight else None
    if planned and endpoint and endpoint.by_sentinel:
        # Only who asked the Sentinels knows where it is.
        end.update(address=planned["address"])
    if planned:
        end.update(product=planned["product"], memory=planned["used_memory"])
    if "server" in info:
        flavor = {"redis": "Redis", "valkey": "Valkey"}.get(info["server"]["flavor"], info["server"]["flavor"])
        end.update(product=f"{flavor} {info['server']['version']}", memory=info["memory"]["used_memory"])
    return end


def _iso(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="seconds")
