# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one page without any other file. Every value in it is escaped: names of keys come from anywhere."""

from __future__ import annotations

import pathlib
import typing as t

import jinja2

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report import humanize, plot
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.downtime import (
    downtime_sentence,
    waiting_sentence,
)

_STATUS = {"proved": "proved equal", "not_run": "not run"}

_TEMPLATES = pathlib.Path(__file__).resolve().parents[3] / "roles" / "report" / "templates"


def render_page(
    report: t.Mapping[str, t.Any], earlier: t.Mapping[str, tuple[t.Sequence[t.Any], int]] | None = None, *, up: str = ""
) -> str:
    """The HTML of what :func:`_report.data.build_report` returned.

    ``earlier``: by migration, what :func:`_report.index.earlier_runs` found. ``up``: leads from the page to the list of runs.
    """
    template = environment().get_template("report.html.j2")
    return template.render(report=report, earlier=earlier or {}, up=up, plot_width=plot.WIDTH, plot_height=plot.HEIGHT)


def environment() -> jinja2.Environment:
    """Where the templates of all pages are, and the filters that they use."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(
        count=humanize.count,
        size=humanize.size,
        duration=humanize.duration,
        downtime=downtime_sentence,
        waiting=waiting_sentence,
        lag_plots=plot.lag_plots,
        status=lambda status: _STATUS.get(status, status),
        moment=lambda iso: iso[:19].replace("T", " "),
    )
    return found
