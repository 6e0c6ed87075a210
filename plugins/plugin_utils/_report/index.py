# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page that lists all runs of a directory of reports, and what a migration's own page says of its earlier runs."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.page import environment, policy
from ansible_collections.dataservices.redis_migration.plugins.plugin_utils._report.runs import Run

# On a migration's page; the list of all runs has the rest.
_SHOWN = 5


@dataclasses.dataclass(frozen=True)
class Part:
    """What a run did for one migration."""

    run: Run
    name: str
    status: str
    keys_moved: int
    bytes_moved: int

    @property
    def moved_data(self) -> bool:
        return bool(self.keys_moved) and not self.run.only_looked


@dataclasses.dataclass(frozen=True)
class Migration:
    """A migration over all runs."""

    last: Part
    """Its newest run; one that only looked only if there was no other."""
    moved: Part | None
    """The run that moved most of its data."""
    runs: int


def render_index(runs: t.Sequence[Run]) -> str:
    """The HTML that lists ``runs``, the newest of which comes first."""
    migrations = sorted(
        (_migration(parts) for parts in _parts(runs).values()),
        key=lambda one: (one.last.status != "failed", one.last.name),
    )
    pages = environment()
    style = pages.get_template("style.css.j2").render()
    return pages.get_template("index.html.j2").render(
        runs=runs, migrations=migrations, style=style, policy=policy(style)
    )


def earlier_runs(runs: t.Sequence[Run]) -> dict[str, tuple[list[Part], int]]:
    """By migration: the newest runs and those that moved data, the newest first, and how many there are besides."""
    found = {}
    for name, parts in _parts(runs).items():
        moving = [number for number, part in enumerate(parts) if part.moved_data]
        shown = {*range(len(parts[:_SHOWN])), *moving[:_SHOWN], *moving[-1:]}
        found[name] = ([parts[number] for number in sorted(shown)], len(parts) - len(shown))
    return found


def _parts(runs: t.Sequence[Run]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for run in runs:
        for name, (status, keys, size) in run.migrations.items():
            found.setdefault(name, []).append(Part(run, name, status, keys, size))
    return found


def _migration(parts: list[Part]) -> Migration:
    last = next((part for part in parts if not part.run.only_looked), parts[0])
    moving = (part for part in parts if part.moved_data)
    return Migration(last, max(moving, key=lambda part: part.keys_moved, default=None), len(parts))
