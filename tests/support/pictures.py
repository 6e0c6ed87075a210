# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the pictures of a report and an analysis that the documents show. `make pictures` writes them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.analysis_page import render_analysis
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.page import render_page
from tests.support.browser import browser
from tests.support.left_out import need_program
from tests.support.made_up_analysis import for_a_picture, made_up_analysis
from tests.support.made_up_report import hosts, made_up_report
from tests.support.paths import REPO

PICTURES = REPO / "docs" / "pictures"

# By name: which migrations (all with a decent name where none is named; None: an analysis), and the picture's width,
# colours and height.
WANTED: dict[str, tuple[tuple[str, ...] | None, int, str, int]] = {
    "report.png": (("orders",), 1000, "light", 1010),
    "report-many.png": ((), 1000, "dark", 720),
    "analysis.png": (None, 1000, "light", 1010),
    "report-phone.png": (("sessions",), 390, "light", 1010),
}


def take(directory: Path) -> None:
    """All of them, into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
        browser(need_program("chromium"), Path(scratch, "profile")) as opened,
    ):
        for name, (migrations, width, scheme, height) in WANTED.items():
            page = Path(scratch, f"{name}.html")
            page.write_text(_page(migrations))
            opened.open(page)
            opened.look(width, scheme=scheme)
            (directory / name).write_bytes(opened.picture(height))
            print(f"{directory / name}: {(directory / name).stat().st_size // 1024} KiB")


def _page(migrations: tuple[str, ...] | None) -> str:
    if migrations is None:
        return render_analysis(made_up_analysis({"orders": for_a_picture()}))
    chosen = migrations or [one for one in hosts(10) if "<" not in one]
    return render_page(made_up_report(*chosen, many=10))


if __name__ == "__main__":
    take(PICTURES)
