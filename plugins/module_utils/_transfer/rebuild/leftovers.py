# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes the temporary keys that a killed run left at the target."""

from __future__ import annotations

from ..._keys.slots import in_slots
from ..._keys.temporary import TemporaryNames
from ..._pipeline.end import End
from ..._pipeline.job import Job
from ..._pipeline.temporary_keys import temporary_keys

_AT_ONCE = 500


def remove_leftovers(target: End, ours: TemporaryNames, slots: bytes | None = None) -> Job[None]:
    """The job that walks the target's database once. What is named by ``ours`` is being built right now and stays.

    ``slots``: the only ones whose keys may be of a run that ended; None for all.
    """
    if slots is not None and 1 not in slots:
        return
    found = yield from temporary_keys(target)
    leftovers = [name for name in found if not ours.owns(name)]
    if slots is not None:
        leftovers = in_slots(leftovers, slots)
    for first in range(0, len(leftovers), _AT_ONCE):
        gone = yield target.call(*target.about_all(b"UNLINK", leftovers[first : first + _AT_ONCE]))
        target.check(gone, "UNLINK")
