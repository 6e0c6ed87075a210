# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table that benchmarks print, and the budgets that they have in common."""

from __future__ import annotations

RSS_MIB = 200.0
PING_MS = 10.0


class Table:
    """Prints rows as they are measured and remembers which missed their budget."""

    def __init__(self) -> None:
        self.missed = 0

    def title(self, text: str) -> None:
        print(f"\n{text}\n{'-' * len(text)}", flush=True)

    def row(
        self, what: str, value: str, ratio: float | None = None, wanted: float | None = None, most: bool = False
    ) -> None:
        """`wanted`: the least `ratio` (the most, with `most`)."""
        verdict = ""
        if ratio is not None and wanted is not None:
            kept = ratio <= wanted if most else ratio >= wanted
            self.missed += not kept
            verdict = f"{ratio:8.2f}   {'<=' if most else '>='} {wanted:g}   {'kept' if kept else 'MISSED'}"
        elif ratio is not None:
            verdict = f"{ratio:8.2f}"
        print(f"  {what:<46}{value:>14}  {verdict}", flush=True)

    def more(self, text: str) -> None:
        """Something about the row before."""
        print(f"      {text}", flush=True)

    def end(self) -> int:
        """Say how it went; the process's exit code."""
        print(f"\n{self.missed} budgets missed" if self.missed else "\nall budgets kept")
        return 0
