# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one page without any other file. Every value in it is escaped: names of keys come from anywhere."""

from __future__ import annotations

import base64
import hashlib
import pathlib
import typing as t

import jinja2

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report import (
    humanize,
    keyspace,
    plot,
    verdict,
)
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.downtime import (
    downtime_sentence,
    waiting_sentence,
)

_TEMPLATES = pathlib.Path(__file__).resolve().parents[3] / "roles" / "report" / "templates"

_FILTERS: dict[str, t.Callable[..., t.Any]] = {
    "count": humanize.count,
    "size": humanize.size,
    "duration": humanize.duration,
    "downtime": downtime_sentence,
    "waiting": waiting_sentence,
    "lag_plots": plot.lag_plots,
    "rate_plots": plot.rate_plots,
    "timeline_rows": plot.timeline_rows,
    "stop_bar": plot.stop_bar,
    "type_rows": keyspace.type_rows,
    "encoding_rows": keyspace.encoding_rows,
    "prefix_rows": keyspace.prefix_rows,
    "ttl_rows": keyspace.ttl_rows,
    "verdict": verdict.verdict,
    "worst_first": verdict.worst_first,
    "failed_findings": verdict.failed_findings,
    "status": lambda status: verdict.LABELS.get(status, status),
    "moment": lambda iso: iso[:19].replace("T", " "),
}


def render_page(
    report: t.Mapping[str, t.Any], earlier: t.Mapping[str, tuple[t.Sequence[t.Any], int]] | None = None, *, up: str = ""
) -> str:
    """The HTML of what :func:`_report.data.build_report` returned.

    ``earlier``: by migration, what :func:`_report.index.earlier_runs` found. ``up``: leads from the page to the list of runs.
    """
    pages = environment()
    style, script = (pages.get_template(name).render() for name in ("style.css.j2", "page.js.j2"))
    return pages.get_template("report.html.j2").render(
        report=report, earlier=earlier or {}, up=up, style=style, script=script, policy=policy(style, script)
    )


def environment() -> jinja2.Environment:
    """Where the templates of all pages are, and the filters that they use."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(_FILTERS)
    found.globals.update(labels=verdict.LABELS, plot_width=plot.WIDTH, plot_height=plot.HEIGHT, plot_bar=plot.BAR)
    return found


def policy(style: str, script: str = "") -> str:
    """The Content-Security-Policy of a page: this style, this script, and nothing else from anywhere."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
