# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a restore and its result; plain data."""

from __future__ import annotations

import dataclasses
import typing as t

from .._connection.endpoint import Endpoint
from .._keys.listing import Failure, Tally
from .._keys.selection import Selection
from .._server.functions import LibraryOutcome
from .parts import Belongs


@dataclasses.dataclass(frozen=True)
class RestorePlan:
    """The options of a restore. ``src``: the files of one backup. ``timeout`` in seconds."""

    src: tuple[str, ...]
    endpoint: Endpoint
    selection: Selection
    password: bytes | None = None
    existing_keys: str = "fail"
    functions: bool = True
    module_data: str = "fail"
    timeout: float = 60
    check_mode: bool = False


@dataclasses.dataclass
class Restored(Tally):
    """What became of the keys of a logical database of the file. ``scanned`` is the sum of the others."""

    scanned: int = 0
    restored: int = 0
    skipped: int = 0
    expired: int = 0
    empty: int = 0
    failed: int = 0


@dataclasses.dataclass
class Contents:
    """What is in a file, or in all of them. ``databases``: keys by number, the chosen ones only.

    ``module_data``: the modules that keep data outside of keys. ``part``: of which backup a file is one of several.
    """

    kind: str
    version: int
    databases: dict[int, int]
    functions: list[bytes]
    module_data: list[str]
    checked: bool
    part: Belongs | None = None


def together(contents: t.Sequence[Contents]) -> Contents:
    """What is in all files of a backup."""
    databases: dict[int, int] = {}
    for one in contents:
        for number, keys in one.databases.items():
            databases[number] = databases.get(number, 0) + keys
    return Contents(
        ", ".join(dict.fromkeys(one.kind for one in contents)),
        max(one.version for one in contents),
        dict(sorted(databases.items())),
        list(dict.fromkeys(code for one in contents for code in one.functions)),
        sorted({module for one in contents for module in one.module_data}),
        all(one.checked for one in contents),
    )


@dataclasses.dataclass
class RestoreResult:
    """What was done. ``contents``: of all files."""

    contents: Contents | None = None
    places: dict[int, int] = dataclasses.field(default_factory=dict)
    databases: dict[int, Restored] = dataclasses.field(default_factory=dict)
    functions: LibraryOutcome = dataclasses.field(default_factory=LibraryOutcome)
    failures: list[Failure] = dataclasses.field(default_factory=list)
    # The first key without an element, and its database.
    first_empty: tuple[bytes, int] | None = None
    # Why it could not be seen whether another run writes to the same databases, if so.
    blind: str | None = None
    elapsed: float = 0.0

    def progress(self) -> dict[str, t.Any]:
        """How far the second reading is."""
        return {
            "databases": {number: {"scanned": restored.scanned} for number, restored in self.databases.items()},
            "expected": self.contents.databases if self.contents else {},
            "totals": {"failed": self.totals.failed},
        }

    @property
    def totals(self) -> Restored:
        return Restored.total(self.databases.values())

    @property
    def changed(self) -> bool:
        return self.totals.restored > 0 or self.functions.changed
