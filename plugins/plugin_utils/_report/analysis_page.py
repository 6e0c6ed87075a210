# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An analysis as one page without any other file, in the style of a report, and as Markdown. All text is escaped."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis import (
    analysis_sentence,
    between,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.escape import markdown
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import (
    count,
    duration,
    size,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.page import environment, policy
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.verdict import worst_first

Data = t.Mapping[str, t.Any]


def render_analysis(
    analysis: Data, earlier: t.Mapping[str, tuple[t.Sequence[t.Any], int]] | None = None, *, up: str = ""
) -> str:
    """The HTML of what :func:`_report.analysis.build_analysis` returned; the rest as for a report."""
    pages = environment()
    pages.filters.update(
        between_sizes=lambda found: between(found, size), between_durations=lambda found: between(found, duration)
    )
    style, script = (pages.get_template(name).render() for name in ("style.css.j2", "page.js.j2"))
    return pages.get_template("analysis.html.j2").render(
        analysis=analysis,
        migrations=worst_first(analysis["migrations"]),
        title=_title(analysis["summary"]),
        earlier=earlier or {},
        up=up,
        style=style,
        script=script,
        policy=policy(style, script),
    )


def _title(summary: Data) -> str:
    migrations, found = summary["migrations"], summary["analysed"]
    noun = "source" if migrations == 1 else "sources"
    if not migrations:
        return "No sources"
    if summary["failed"]:
        return f"{count(summary['failed'])} of {count(migrations)} {noun} could not be analysed"
    if not found:
        return "Nothing was looked at"
    return f"What to know before moving {'this source' if migrations == 1 else f'these {count(migrations)} sources'}"


def analysis_markdown(analysis: Data) -> str:
    """What to know, for a ticket: a line for each source, then what it is about."""
    lines = [f"## {_title(analysis['summary'])}", ""]
    for migration in worst_first(analysis["migrations"]):
        source = migration["source"]
        where = ", ".join(markdown(source[name]) for name in ("address", "product") if source[name])
        lines += [f"### {markdown(migration['name'])}{f' ({where})' if where else ''}", ""]
        if migration["failure"]:
            lines += [
                f"**Failed in {markdown(migration['failure']['phase'])}.** {markdown(migration['failure']['message'])}",
                "",
            ]
        found = migration["analysis"]
        if not found:
            continue
        sentence = analysis_sentence(found)
        lines += [markdown(f"{sentence[0].upper()}{sentence[1:]}"), ""]
        lines += [_finding(one) for one in found["findings"]]
        lines += [_finding(one) for one in (found["fit"] or {"findings": []})["findings"] if one["status"] != "ok"]
        lines += ["", "The estimate is worked out from:", ""]
        lines += [f"- {markdown(one)}" for one in found["estimate"]["basis"]]
        lines.append("")
    lines.append(
        "Nothing was changed. Types, prefixes, the largest keys and more are in `analysis.html` and `analysis.json`."
    )
    return "\n".join(lines) + "\n"


def _finding(found: Data) -> str:
    step = f" *{markdown(found['next_step'])}*" if found["next_step"] else ""
    return f"- **{markdown(found['status'])}** {markdown(found['name'])}: {markdown(found['message'])}{step}"
