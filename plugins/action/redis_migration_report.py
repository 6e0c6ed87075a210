# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the report about all hosts of the play, on the control node."""

from __future__ import annotations

import json
import os
import pathlib
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.data import (
    build_report,
    report_lines,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.page import render_page


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        directory = pathlib.Path(os.path.expanduser(str(self._task.args.get("dest") or "")))
        if not directory.name:
            raise AnsibleActionFail("redis_migration_report needs a directory as 'dest'.")
        hosts = {name: variables["hostvars"][name] for name in variables["ansible_play_hosts_all"]}
        report = build_report(
            hosts,
            check_mode=self._task.check_mode,
            finished=time.time(),
            inventories=[str(path) for path in variables.get("ansible_inventory_sources") or []],
        )
        lines = report_lines(report)
        if not self._task.check_mode:
            page = directory / "report.html"
            try:
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write(directory / "report.json", json.dumps(report, indent=2, ensure_ascii=True) + "\n")
                _write(page, render_page(report))
            except OSError as exc:
                raise AnsibleActionFail(
                    f"The report cannot be written to {directory}: {exc.strerror}. The migrations themselves are not "
                    "concerned; choose another directory with redis_migration_report_dir."
                ) from exc
            lines.append(f"Report: {page.absolute()}")
            result["path"] = str(page.absolute())
        result.update(changed=False, lines=lines, summary=report["summary"])
        return result


def _write(path: pathlib.Path, text: str) -> None:
    """All or nothing, for the owner's eyes only."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
