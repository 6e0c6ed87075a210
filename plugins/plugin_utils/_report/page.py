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

_TEMPLATES = pathlib.Path(__file__).resolve().parents[3] / "roles" / "report" / "templates"


def render_page(report: t.Mapping[str, t.Any]) -> str:
    """The HTML of what :func:`_report.data.build_report` returned."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=humanize.count,
        size=humanize.size,
        duration=humanize.duration,
        downtime=downtime_sentence,
        waiting=waiting_sentence,
        lag_plots=plot.lag_plots,
        moment=lambda iso: iso[:19].replace("T", " "),
    )
    return environment.get_template("report.html.j2").render(
        report=report, plot_width=plot.WIDTH, plot_height=plot.HEIGHT
    )
