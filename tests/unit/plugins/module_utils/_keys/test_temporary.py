# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of temporary keys lie in the slot of their key and belong to one run."""

from __future__ import annotations

import random

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.slots import hash_slot
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.temporary import (
    PREFIX,
    TemporaryNames,
    without_temporary,
)


def test_a_temporary_key_lies_in_the_slot_of_its_key() -> None:
    names = TemporaryNames()
    chance = random.Random(1)
    keys = [b"", b"{}", b"a}b", b"{a}b}", b"}{", b"{{}", b"\xff\x00\n", *(chance.randbytes(9) for _key in range(300))]
    made = [names.name(key) for key in keys]
    assert [hash_slot(name) for name in made] == [hash_slot(key) for key in keys]
    assert len(set(made)) == len(made)
    assert all(name.startswith(PREFIX) and len(name) < 80 for name in made)


def test_two_runs_never_share_a_name_and_know_their_own() -> None:
    one, other = TemporaryNames(), TemporaryNames()
    name = one.name(b"key")
    assert one.owns(name)
    assert not other.owns(name)
    assert not one.owns(b"key")


def test_temporary_keys_are_nobody_s_data() -> None:
    temporary = TemporaryNames().name(b"key")
    keys = [b"a", b"about " + PREFIX, b"b"]
    assert without_temporary([b"a", temporary, b"about " + PREFIX, b"b"]) == keys
    assert without_temporary(keys) == keys
    assert without_temporary([]) == []
