# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a backup's files, and which of them belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._backup.parts import (
    Belongs,
    belongs,
    check_whole,
    files_of,
    part_name,
    there,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.slots import parsed


def touch(directory: Path, *names: str) -> None:
    for name in names:
        (directory / name).touch()


def test_parts_are_found_in_their_order(tmp_path: Path) -> None:
    dest = str(tmp_path / "a[1]*.rdb")
    names = [part_name(dest, number, 11) for number in range(1, 12)]
    touch(tmp_path, *names)
    touch(tmp_path, *(f"{name}.sha256" for name in names), f"{dest}.x-of-3", f"{dest}.1-of-3.old", "ab.rdb.1-of-2")
    assert there(dest) == files_of(dest) == names
    assert names[9].endswith(".rdb.10-of-11")


def test_a_file_is_its_own_backup(tmp_path: Path) -> None:
    touch(tmp_path, "a.rdb.1-of-2", "b.rdb")
    for name in ("a.rdb.1-of-2", "b.rdb", "missing.rdb"):
        assert files_of(str(tmp_path / name)) == [str(tmp_path / name)]
    assert there(str(tmp_path / "missing.rdb")) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a.1-of-3", "a.3-of-3"], "a.2-of-3 is missing"),
        (["a.3-of-3"], "a.1-of-3, a.2-of-3 are missing"),
        (["a", "a.1-of-1"], "several backups called"),
        (["a.1-of-2", "a.2-of-2", "a.1-of-3", "a.2-of-3", "a.3-of-3"], "several backups called"),
        (["a.1-of-2", "a.2-of-2", "a.1-of-1"], "several backups called"),
        (["a.0-of-2", "a.1-of-2"], "a.2-of-2 is missing"),
    ],
)
def test_what_is_not_one_whole_backup_is_refused(names: list[str], said: str, tmp_path: Path) -> None:
    touch(tmp_path, *names)
    with pytest.raises(RedisMigrationError, match=said):
        files_of(str(tmp_path / "a"))


def test_a_part_says_whose_it_is() -> None:
    part = Belongs("abc", parsed("0-5460,9000"))
    assert belongs(part.as_facts()) == part
    assert belongs({b"redis-ver": b"8.2.3"}) is None


LOW, HIGH = Belongs("one", parsed("0-8191")), Belongs("one", parsed("8192-16383"))


def test_parts_of_one_backup_with_every_slot_are_whole() -> None:
    check_whole({"a": LOW, "b": HIGH})
    check_whole({"b": HIGH, "a": LOW})
    check_whole({"dump.rdb": None, "other.rdb": None})


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": LOW}, "a is a part .* slots 8192-16383 of it are missing"),
        ({"a": LOW, "b": Belongs("two", HIGH.slots)}, "do not belong together"),
        ({"a": LOW, "b": HIGH, "c": None}, "do not belong together"),
        ({"a": LOW, "b": HIGH, "c": HIGH}, "slots of c are in another file"),
        ({"a": LOW, "b": belongs({b"redis-migration-set": b"one", b"redis-migration-slots": b"9-20000"})}, "missing"),
    ],
)
def test_other_files_are_not(files: dict[str, Belongs | None], said: str) -> None:
    with pytest.raises(RedisMigrationError, match=said):
        check_whole(files)
