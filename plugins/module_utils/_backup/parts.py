# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup in parts, one for each primary of a cluster: what its files are called, and whether all of it is there.

``orders.rdb`` becomes ``orders.rdb.1-of-3`` to ``orders.rdb.3-of-3``. Each part says at its beginning which backup it belongs
to, and whose slots it holds, so that parts of different backups are told from each other however they are called.
"""

from __future__ import annotations

import glob
import os
import re
import typing as t

from .._errors import RedisMigrationError
from .._keys.slots import ALL_SLOTS, NO_SLOTS, both, either, parsed, shown, text_of, without

_PART = re.compile(r"\.(\d+)-of-(\d+)$")

# In the facts at the beginning of the file, which servers ignore that do not know them.
_SET = b"redis-migration-set"
_SLOTS = b"redis-migration-slots"


def part_name(dest: str, number: int, count: int) -> str:
    """What part ``number`` of ``count``, from 1, is called of the backup ``dest``."""
    return f"{dest}.{number}-of-{count}"


def there(dest: str) -> list[str]:
    """The files that are there of a backup called ``dest``: itself, or parts of it, in their order."""
    parts = [path for path in glob.glob(f"{glob.escape(dest)}.*-of-*") if _PART.fullmatch(path[len(dest) :])]
    return [*([dest] if os.path.exists(dest) else []), *sorted(parts, key=_place)]


def _place(path: str) -> tuple[int, int]:
    """Of how many, and which."""
    found = _PART.search(path)
    return (int(found[2]), int(found[1])) if found else (0, 0)


def files_of(name: str) -> list[str]:
    """The files of the backup ``name``: a file, or all its parts. Raises :class:`RedisMigrationError` where some are missing."""
    found = there(name)
    parts = [path for path in found if path != name]
    counts = sorted({_place(path)[0] for path in parts})
    if found and not parts:
        return found
    if not parts:
        # Whoever opens it says what is wrong.
        return [name]
    if len(found) > len(parts) or len(counts) > 1:
        raise RedisMigrationError(
            f"There are several backups called {name}: {_listed(found)}.",
            hint="Name the files of the one that is meant, or move the others away.",
        )
    missing = [part_name(name, at, counts[0]) for at in range(1, counts[0] + 1)]
    missing = [path for path in missing if path not in parts]
    if missing:
        raise RedisMigrationError(
            f"The backup {name} is not complete: {_listed(missing)} {'are' if len(missing) > 1 else 'is'} missing.",
            hint="Fetch all files of it, or use another backup.",
        )
    return parts


def _listed(paths: t.Sequence[str]) -> str:
    return ", ".join(map(os.path.basename, paths[:5])) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


class Belongs(t.NamedTuple):
    """Which backup a file is a part of, and whose slots it holds."""

    backup: str
    slots: bytes

    def as_facts(self) -> dict[bytes, bytes]:
        """For the beginning of the file."""
        return {_SET: self.backup.encode("ascii"), _SLOTS: text_of(self.slots).encode("ascii")}


def belongs(facts: t.Mapping[bytes, bytes]) -> Belongs | None:
    """What the beginning of a file says of that; None of a file that is no part of anything."""
    if _SET not in facts:
        return None
    try:
        slots = parsed(facts.get(_SLOTS, b"").decode("ascii"))
    except ValueError:
        slots = NO_SLOTS
    return Belongs(facts[_SET].decode("ascii", "replace"), slots)


def check_whole(files: t.Mapping[str, Belongs | None]) -> None:
    """Raise :class:`RedisMigrationError` where ``files`` are parts of a backup, but not all of one and the same."""
    parts = {path: part for path, part in files.items() if part is not None}
    if not parts:
        return
    if len({part.backup for part in parts.values()}) > 1 or len(parts) < len(files):
        raise RedisMigrationError(
            f"These files do not belong together: {_listed(list(files))}. They were not written by one and the same backup.",
            hint="Name all files of one backup. If a run was killed while it put them in place, write it anew with 'force'.",
        )
    seen = NO_SLOTS
    for path, part in parts.items():
        if 1 in both(seen, part.slots):
            raise RedisMigrationError(f"The slots of {path} are in another file of the backup, too.")
        seen = either(seen, part.slots)
    missing = without(ALL_SLOTS, seen)
    if 1 in missing:
        raise RedisMigrationError(
            f"{_listed(list(parts))} {'are parts' if len(parts) > 1 else 'is a part'} of the backup of a cluster, and"
            f" {shown(missing)} of it are missing.",
            hint="Name all its files, or the 'dest' that it was given.",
        )
