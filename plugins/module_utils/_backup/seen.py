# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys a scan has shown already: a server refuses an RDB file that holds a key twice.

SCAN shows a key again when the table shrinks meanwhile, soon after the first time. So the latest names are remembered
and their second appearance is skipped. That this was enough is proved at the end by fingerprints of all names, 8 bytes
each, which go to an unnamed temporary file when there are many.
"""

from __future__ import annotations

import array
import tempfile
import typing as t

# Names remembered in two generations, so that at least so many of the latest are known.
_RECENT = 50_000

# Fingerprints in a run; at the end any two runs are compared.
_RUN = 1_000_000


class Seen:
    """The names of one logical database."""

    def __init__(self) -> None:
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()
        self._run = array.array("q")
        self._runs = 0
        self._file: t.IO[bytes] | None = None

    def fresh(self, names: list[bytes]) -> list[int]:
        """The positions of the names that were not shown lately."""
        recent, older = self._recent, self._older
        positions = [position for position, name in enumerate(names) if name not in recent and name not in older]
        recent.update(names)
        if len(recent) > _RECENT:
            self._older, self._recent = recent, set()
        chosen = names if len(positions) == len(names) else [names[position] for position in positions]
        self._run.extend(map(hash, chosen))
        if len(self._run) >= _RUN:
            self._spill()
        return positions

    def _spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()
        # Runs of one length, so that each is found again.
        self._run[:_RUN].tofile(self._file)
        del self._run[:_RUN]
        self._runs += 1

    def unique(self) -> bool:
        """Whether no name was let through twice. (Two names share a fingerprint once in 2**64 pairs.)"""
        for number in range(self._runs + 1):
            run = set(self._read(number))
            if len(run) != self._length(number):
                return False
            for later in range(number + 1, self._runs + 1):
                if not run.isdisjoint(self._read(later)):
                    return False
        return True

    def _length(self, number: int) -> int:
        return _RUN if number < self._runs else len(self._run)

    def _read(self, number: int) -> array.array[int]:
        if number == self._runs or self._file is None:
            return self._run
        run = array.array("q")
        self._file.seek(number * _RUN * run.itemsize)
        run.fromfile(self._file, _RUN)
        self._file.seek(0, 2)
        return run

    def close(self) -> None:
        """Give the temporary file back."""
        if self._file is not None:
            self._file.close()
