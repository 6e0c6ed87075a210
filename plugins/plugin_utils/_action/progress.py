# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator reads while a long module runs: whole lines of numbers and fixed text, never a key's name."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._action.playbook import playbook_has_terminal
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.humanize import (
    count,
    duration,
    keys,
    size,
)

# How often a line is printed, in seconds, where nobody says: for a person who watches, and for a log.
_ON_TERMINAL = 5.0
_IN_LOG = 30.0


def progress_interval(arguments: t.Mapping[str, t.Any]) -> float:
    """The seconds between two lines by a task's ``progress_seconds``; 0 for none. Raises :class:`AnsibleActionFail`."""
    given = arguments.get("progress_seconds")
    if given is None:
        return _ON_TERMINAL if playbook_has_terminal() else _IN_LOG
    try:
        seconds = float(given)
    except (TypeError, ValueError):
        seconds = -1.0
    if seconds < 0:
        raise AnsibleActionFail("progress_seconds must be a number of seconds, or 0 for no progress.")
    return seconds


class Lines(t.Protocol):
    """Makes a line of the result of a slice."""

    def line(self, result: t.Mapping[str, t.Any], expected: t.Mapping[str, int] | None) -> str: ...


class ProgressLines:
    """Turns the results of the slices of one module into lines.

    ``looked_at`` names the counters of keys looked at. With two of them each key is looked at twice: at first from the
    source's side, and then from the target's.
    """

    def __init__(self, host: str, looked_at: t.Sequence[str]) -> None:
        self._host = host
        self._looked_at = looked_at
        self._looks = 0
        self._bytes = 0
        self._elapsed = 0.0

    def line(self, result: t.Mapping[str, t.Any], expected: t.Mapping[str, int] | None) -> str:
        """The line after a slice. ``expected``: keys per database of the source, once known."""
        databases: t.Mapping[str, t.Mapping[str, int]] = result["databases"]
        totals, elapsed = result.get("totals", {}), float(result["elapsed_seconds"])
        looks = sum(counters[name] for counters in databases.values() for name in self._looked_at)
        moved = int(totals.get("bytes", 0))
        # What was done since the line before: that is what it does now.
        spent = max(elapsed - self._elapsed, 0.001)
        rate, byte_rate = (looks - self._looks) / spent, (moved - self._bytes) / spent
        self._looks, self._bytes, self._elapsed = looks, moved, elapsed

        parts = [f"{self._host}: {result['step']}"]
        everything = _everything(expected, databases, self._looked_at[0]) * len(self._looked_at)
        if everything:
            parts.append(f"{min(100, 100 * looks // everything)} %")
        each_twice = len(self._looked_at) > 1
        seen = self._looked_at[-1 if each_twice and "target" in result["step"] else 0]
        done = sum(counters[seen] for counters in databases.values())
        parts.append(
            f"{count(done)} of ~{count(everything // len(self._looked_at))} keys" if everything else keys(done)
        )
        if moved:
            parts.append(size(moved))
        parts.append(f"now {count(rate)} keys/s" + (f" and {size(byte_rate)}/s" if moved else ""))
        if everything > looks and rate >= 1:
            parts.append(f"about {duration(round((everything - looks) / rate))} left")
        begun = [number for number, counters in databases.items() if counters[self._looked_at[0]]]
        if len(databases) > 1 and begun:
            parts.append(f"in database {max(begun, key=int)}")
        failed = int(totals.get("failed", 0))
        if failed:
            parts.append(f"{count(failed)} failed")
        return ", ".join(parts)


def _everything(
    expected: t.Mapping[str, int] | None, databases: t.Mapping[str, t.Mapping[str, int]], counter: str
) -> int:
    """The keys of all databases of the run; 0 where that is not known."""
    if not expected:
        return 0
    return sum(max(expected.get(number, 0), counters[counter]) for number, counters in databases.items())


class StepLines:
    """The same of a module that tells how far it is while it runs: one step after the other, by keys or by a file's bytes."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._step = ""
        self._keys = ProgressLines(host, ("scanned",))
        self._read = 0
        self._elapsed = 0.0

    def line(self, told: t.Mapping[str, t.Any]) -> str:
        """The line for what the module said last."""
        if told["step"] != self._step:
            # Seconds, keys and bytes are those of the step.
            self._step, self._read, self._elapsed = told["step"], 0, 0.0
            self._keys = ProgressLines(self._host, ("scanned",))
        if "file" not in told:
            return self._keys.line(told, told["expected"])
        (read, everything), elapsed = told["file"], float(told["elapsed_seconds"])
        rate = (read - self._read) / max(elapsed - self._elapsed, 0.001)
        self._read, self._elapsed = read, elapsed
        parts = [
            f"{self._host}: {self._step}, {100 * read // max(everything, 1)} %",
            f"{size(read)} of {size(everything)}",
        ]
        parts.append(f"now {size(rate)}/s")
        if everything > read and rate >= 1:
            parts.append(f"about {duration(round((everything - read) / rate))} left")
        return ", ".join(parts)


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
