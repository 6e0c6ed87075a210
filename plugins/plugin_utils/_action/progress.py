# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator reads while a long module runs: whole lines of numbers and fixed text, never a key's name."""

from __future__ import annotations

import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import count, duration


class Lines(t.Protocol):
    """Makes a line of the result of a slice."""

    def line(self, result: t.Mapping[str, t.Any], expected: t.Mapping[str, int] | None) -> str: ...


class ProgressLines:
    """Turns the results of the slices of one module into lines. ``looked_at`` names the counter of keys looked at."""

    def __init__(self, host: str, looked_at: str) -> None:
        self._host = host
        self._looked_at = looked_at
        self._before = 0
        self._elapsed_before = 0.0
        self._rate = 0.0

    def line(self, result: t.Mapping[str, t.Any], expected: t.Mapping[str, int] | None) -> str:
        """The line after a slice. ``expected``: keys per database of the source, once known."""
        databases = result["databases"]
        looked_at = {number: int(counters[self._looked_at]) for number, counters in databases.items()}
        total, elapsed = sum(looked_at.values()), float(result["elapsed_seconds"])
        spent = elapsed - self._elapsed_before
        # The latest slice tells more of what is to come than the ones before it.
        if spent > 0:
            latest = (total - self._before) / spent
            self._rate = latest if not self._rate else (self._rate + 2 * latest) / 3
        self._before, self._elapsed_before = total, elapsed
        begun = [number for number, done in looked_at.items() if done]
        current = max(begun, key=int) if begun else next(iter(looked_at), "0")
        parts = [f"{self._host}: database {current}: {count(looked_at.get(current, 0))}"]
        if expected and expected.get(current):
            parts.append(f" of ~{count(max(expected[current], looked_at[current]))}")
        parts.append(f" keys ({count(self._rate)}/s)")
        left = _left(expected, looked_at)
        if left and self._rate >= 1:
            parts.append(f", about {duration(round(left / self._rate))} left")
        failed = int(result.get("totals", {}).get("failed", 0))
        if failed:
            parts.append(f", {count(failed)} failed")
        return "".join(parts)


def _left(expected: t.Mapping[str, int] | None, looked_at: t.Mapping[str, int]) -> int:
    """Keys still to be looked at in all databases of the run, as far as known."""
    if not expected:
        return 0
    return sum(max(0, expected.get(number, 0) - done) for number, done in looked_at.items())


class LagLines:
    """The same of a live run, which has no databases one after the other but a lag."""

    def __init__(self, host: str) -> None:
        self._host = host

    def line(self, result: t.Mapping[str, t.Any], _expected: t.Mapping[str, int] | None) -> str:
        """The line after a slice."""
        done, keys = int(result["keys_done"]), int(result["keys_all"])
        compared = f"{count(keys)} keys compared" if result["copied"] else f"{count(done)} of ~{count(keys)} keys"
        return (
            f"{self._host}: following: {compared}, {count(result['changes_per_second'])} changes/s at the source,"
            f" lag {count(result['lag_keys'])} keys, {result['lag_seconds']:.1f} s"
        )
