# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did, per logical database and in total."""

from __future__ import annotations

import dataclasses
import typing as t

from .._keys.listing import Tally


@dataclasses.dataclass
class Counters(Tally):
    """Keys, but for ``bytes``. ``scanned`` is the sum of copied, updated, unchanged, skipped, vanished and failed.

    ``rebuilt``: those of copied and updated that were moved by ordinary commands instead of in one payload.
    """

    scanned: int = 0
    copied: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    vanished: int = 0
    pruned: int = 0
    failed: int = 0
    rebuilt: int = 0
    bytes: int = 0

    def keep_moved(self, before: Counters) -> None:
        """Count what was moved before a restart and is still there as moved, not as unchanged."""
        for action in ("copied", "updated"):
            kept = min(getattr(before, action), self.unchanged)
            self.unchanged -= kept
            setattr(self, action, getattr(self, action) + kept)
        self.pruned += before.pruned
        self.rebuilt += before.rebuilt
        self.bytes += before.bytes

    @property
    def written(self) -> int:
        """Keys of the target that were written or deleted."""
        return self.copied + self.updated + self.pruned

    def as_dict(self) -> dict[str, int]:
        return dataclasses.asdict(self)


class Change(t.NamedTuple):
    """A key of the target that was (or would be) written: ``action`` is copied, updated or pruned.

    ``key`` is its name there, printable and cut for the eye: a thousand whole names of a megabyte would be a gigabyte.
    """

    database: int
    key: str
    action: str
