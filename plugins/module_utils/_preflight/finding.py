# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check of the preflight says: ok, warn or fail, in a sentence with numbers, and what to do next."""

from __future__ import annotations

import typing as t

from .._errors import RedisMigrationError

OK, WARN, FAIL = "ok", "warn", "fail"


class Verdict(t.NamedTuple):
    """The outcome of one check. ``next_step`` is empty when there is nothing to do."""

    status: str
    message: str
    next_step: str = ""


class Finding(t.NamedTuple):
    """A verdict under the name of its check."""

    name: str
    verdict: Verdict

    def as_dict(self) -> dict[str, str]:
        return {"name": self.name, **self.verdict._asdict()}


def ok(message: str) -> Verdict:
    return Verdict(OK, message)


def warn(message: str, next_step: str) -> Verdict:
    return Verdict(WARN, message, next_step)


def fail(message: str, next_step: str) -> Verdict:
    return Verdict(FAIL, message, next_step)


def failed(error: RedisMigrationError) -> Verdict:
    """The verdict for a rule of the engine that is broken."""
    return fail(error.message, error.hint or "Repair this, then run again.")


def accepted(finding: Finding) -> Finding:
    """A failure that the operator has accepted beforehand: a warning that says so. Others stay as they are."""
    if finding.verdict.status != FAIL:
        return finding
    message = f"{finding.verdict.message} Accepted as told: '{finding.name}' is on the list of findings to ignore."
    return Finding(finding.name, finding.verdict._replace(status=WARN, message=message))


def plural(count: int, word: str) -> str:
    """``1 key``, ``2 keys``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def listed(names: t.Sequence[str], most: int = 5) -> str:
    """Some names for a sentence; how many more there are, if there are."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def human(size: float) -> str:
    """Bytes for people."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if abs(size) < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
