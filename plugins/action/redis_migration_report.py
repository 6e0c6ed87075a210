# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the report about all hosts of the play, on the control node."""

from __future__ import annotations

import errno
import json
import os
import pathlib
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis import build_analysis
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis_page import (
    analysis_markdown,
    render_analysis,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import (
    build_report,
    report_lines,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.escape import slug
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.index import (
    earlier_runs,
    render_index,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.junit import render_junit
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.page import render_page
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.plan import build_plan
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.plan_page import plan_markdown
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.runs import (
    ANALYSIS_PAGE,
    LATEST,
    PAGE,
    SUMMARY_FILE,
    link_latest,
    locked,
    read_runs,
    run_name,
    save_run,
    write_file,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.summary import (
    run_stats,
    run_summary,
)

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        directory = pathlib.Path(os.path.expanduser(str(self._task.args.get("dest") or "")))
        if not directory.name:
            raise AnsibleActionFail("redis_migration_report needs a directory as 'dest'.")
        directory = directory.absolute()
        hosts = {name: variables["hostvars"][name] for name in variables["ansible_play_hosts_all"]}
        finished = time.time()
        analysis = boolean(self._task.args.get("analysis", False))
        report = build_report(
            hosts,
            check_mode=self._task.check_mode,
            finished=finished,
            playbook=slug(str(variables.get("ansible_play_name") or "")),
            inventories=[str(path) for path in variables.get("ansible_inventory_sources") or []],
        )
        try:
            run = _write(directory, finished, report, hosts, analysis=analysis)
        except OSError as exc:
            raise AnsibleActionFail(
                f"The report cannot be written to {directory}: {exc.strerror}. The migrations themselves are not "
                "concerned; choose another directory with redis_migration_report_dir."
            ) from exc
        path = str(directory / run / (ANALYSIS_PAGE if analysis else PAGE))
        shown = f"{'Analysis' if analysis else 'Report'}: {path}"
        if report["check_mode"] and not analysis:
            shown = f"Plan: {directory / run / 'plan.md'}"
        stats = {**run_stats(report, run), "report": path}
        result.update(
            # For what comes after the job in a workflow of AWX, as ansible.builtin.set_stats does it.
            ansible_stats={"data": {"redis_migration": stats}, "per_host": False, "aggregate": False},
            changed=False,
            path=path,
            lines=[*report_lines(report), shown],
            summary=report["summary"],
            stats=stats,
        )
        return result


def _write(
    directory: pathlib.Path,
    finished: float,
    report: dict[str, t.Any],
    hosts: t.Mapping[str, t.Mapping[str, t.Any]],
    *,
    analysis: bool,
) -> str:
    """The files of this run, in a directory of its own whose name is returned; and those that lead to it."""
    summary = _json(run_summary(report, analysis=analysis))
    files = {"report.json": _json(report), "junit.xml": render_junit(report), SUMMARY_FILE: summary}
    found = build_analysis(report, hosts) if analysis else None
    if found:
        files.update({"analysis.json": _json(found), "analysis.md": analysis_markdown(found)})
    elif report["check_mode"]:
        plan = build_plan(report, hosts)
        files.update({"plan.json": _json(plan), "plan.md": plan_markdown(plan)})
    with locked(directory):
        earlier = earlier_runs(read_runs(directory))
        if found:
            files[ANALYSIS_PAGE] = render_analysis(found, earlier, up="../")
        else:
            files[PAGE] = render_page(report, earlier, up="../")
        run = save_run(directory, run_name(finished, report["playbook"]), files)
        try:
            link_latest(directory, run)
        except OSError as exc:
            if exc.errno not in _NO_LINKS:
                raise
            Display().warning(f"The link {directory / LATEST} to this run cannot be made: {exc.strerror}.")
        for name in _copied(report["check_mode"], analysis):
            write_file(directory / name, files[name])
        if found:
            write_file(directory / ANALYSIS_PAGE, render_analysis(found, earlier))
        elif not report["check_mode"]:
            write_file(directory / PAGE, render_page(report, earlier))
        write_file(directory / "index.html", render_index(read_runs(directory)))
    return run


def _copied(check_mode: bool, analysis: bool) -> tuple[str, ...]:
    """Copies, not links: CI servers that collect files pass links over. A run that only looked replaces no report."""
    if analysis:
        return ("analysis.json", "analysis.md", "junit.xml")
    return ("plan.json", "plan.md", "junit.xml") if check_mode else ("report.json", "junit.xml")


def _json(data: t.Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=True) + "\n"
