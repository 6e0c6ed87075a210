# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the demo looks: headings, tables, and colours where a terminal shows them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

_CODES = {"bold": "1", "dim": "2", "good": "32", "bad": "31", "name": "36"}


def paint(text: str, style: str) -> str:
    """`text` in a style of _CODES, on a terminal that wants colours."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def say(text: str = "") -> None:
    print(text, flush=True)


def heading(text: str) -> None:
    say()
    say(paint(text, "bold"))


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The first column to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in [titles, *rows]) for column in range(len(titles))]

    def line(cells: Sequence[str]) -> str:
        first = cells[0].ljust(widths[0])
        return "  " + "  ".join([first, *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))])

    say(paint(line(titles), "dim"))
    for row in rows:
        say(line(row))


def point(name: str, text: str, good: bool = True) -> None:
    """One thing that was seen to be so, or not."""
    mark = paint("ok", "good") if good else paint("NO", "bad")
    say(f"  {mark}  {name:<13} {text}")


def short(path: Path) -> str:
    """The path from here, if it is below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
