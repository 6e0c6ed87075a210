# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as Markdown, for a comment on a merge request. Text from elsewhere is escaped, and its length is bounded."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.escape import markdown, one_line
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import count, keys, size

Data = t.Mapping[str, t.Any]

# A comment on GitHub has at most 65,536 characters. Half is for the table, half for the rest.
_TABLE = 28_000
_DETAILS = 32_000
# Of one message; the whole is in plan.json.
_MESSAGE = 600
_SETTINGS = 20

_HEAD = ["| Migration | From | To | At the source | Would move | Result |", "|---|---|---|--:|--:|---|"]


def plan_markdown(plan: Data) -> str:
    """The plan that :func:`_report.plan.build_plan` returned."""
    migrations = sorted(plan["migrations"], key=lambda one: (one["failure"] is None, not one["changes"]))
    lines = [f"## {_title(plan)}", "", _totals(plan["summary"]), ""]
    if migrations:
        rows, left_out = _bounded(([_row(one)] for one in migrations), _TABLE)
        lines += [*_HEAD, *rows, ""]
        if left_out:
            lines += [f"{count(left_out)} more migrations are in `plan.json`.", ""]
    told = [one for one in migrations if one["failure"] or one["changes"] or one["findings"] or one["settings"]]
    sections, left_out = _bounded((_section(one) for one in told), _DETAILS)
    lines += sections
    if left_out:
        lines += [f"What would change in {count(left_out)} more migrations is in `plan.json`.", ""]
    lines.append("Nothing has been changed: this was a run in check mode.")
    return "\n".join(lines) + "\n"


def _bounded(groups: t.Iterable[list[str]], characters: int) -> tuple[list[str], int]:
    """The lines of as many groups as fit, and how many do not."""
    lines: list[str] = []
    used, left_out = 0, 0
    for group in groups:
        used += sum(len(line) + 1 for line in group)
        if used > characters:
            left_out += 1
        else:
            lines += group
    return lines, left_out


def _title(plan: Data) -> str:
    summary = plan["summary"]
    number = summary["migrations"]
    noun = "migration" if number == 1 else "migrations"
    if summary["failed"]:
        verdict = f"{count(summary['failed'])} of {count(number)} {noun} cannot run"
    elif not number:
        verdict = "no migrations"
    elif not summary["changing"]:
        verdict = f"{count(number)} {noun}, nothing to do"
    else:
        verdict = f"{count(number)} {noun}, ready to run"
    return f"Plan of {markdown(plan['playbook'])}: {verdict}"


def _totals(summary: Data) -> str:
    deleted = f", and delete {keys(summary['deleted'])} at a target" if summary["deleted"] else ""
    return f"It would move **{keys(summary['keys'])}** ({size(summary['bytes'])}){deleted}."


def _row(migration: Data) -> str:
    ends = [_end(migration[role]) for role in (("target", "source") if migration["rollback"] else ("source", "target"))]
    totals = migration["totals"]
    there = count(migration["keys"]) if migration["keys"] is not None else "–"
    moved = f"{count(totals['copied'] + totals['updated'])} ({size(totals['bytes'])})" if totals else "–"
    return f"| {' | '.join([markdown(migration['name']), *ends, there, moved, _result(migration)])} |"


def _end(end: Data) -> str:
    return "<br>".join(markdown(end[name]) for name in ("address", "product") if end[name]) or "–"


def _result(migration: Data) -> str:
    if migration["failure"]:
        return f"**fails in {markdown(migration['failure']['phase'])}**"
    warnings = sum(found["status"] == "warn" for found in migration["findings"])
    more = f", {count(warnings)} {'warning' if warnings == 1 else 'warnings'}" if warnings else ""
    return f"{_verdict(migration)}{more}"


def _verdict(migration: Data) -> str:
    if migration["changes"]:
        return "ready"
    return {"proved": "equal already", "not_run": "not looked at"}.get(migration["status"], "nothing to do")


def _section(migration: Data) -> list[str]:
    lines = [f"### {markdown(migration['name'])}: {_result(migration).replace('**', '')}", ""]
    failure = migration["failure"]
    # A failure of the checks is told by what they found.
    if failure and not any(found["status"] == "fail" for found in migration["findings"]):
        lines += [f"**Fails in {markdown(failure['phase'])}.** {_cut(failure['message'])}", ""]
    if migration["changes"]:
        lines += ["What would be done:", ""]
        lines += [f"{number}. {_cut(sentence)}" for number, sentence in enumerate(migration["changes"], 1)]
        lines.append("")
    if migration["findings"]:
        lines += ["What was found:", ""]
        lines += [_finding(found) for found in migration["findings"]]
        lines.append("")
    return [*lines, *_settings(migration["settings"])]


def _finding(found: Data) -> str:
    step = f" *{_cut(found['next_step'])}*" if found["next_step"] else ""
    return f"- **{found['status']}** {markdown(found['name'])}: {_cut(found['message'])}{step}"


def _settings(differences: t.Sequence[Data]) -> list[str]:
    if not differences:
        return []
    lines = [
        f"<details><summary>Settings that differ, and stay as they are: {count(len(differences))}</summary>",
        "",
        "| Setting | Source | Target |",
        "|---|---|---|",
    ]
    for one in itertools.islice(differences, _SETTINGS):
        lines.append(f"| {' | '.join(_cut(str(one[name])) or '–' for name in ('setting', 'source', 'target'))} |")
    if len(differences) > _SETTINGS:
        lines += ["", f"{count(len(differences) - _SETTINGS)} more are in `plan.json`."]
    return [*lines, "", "</details>", ""]


def _cut(text: str) -> str:
    shown = one_line(text)
    return markdown(shown if len(shown) <= _MESSAGE else f"{shown[:_MESSAGE]}…")
