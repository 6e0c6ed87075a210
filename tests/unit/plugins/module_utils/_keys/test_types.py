# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands by type, each in the form in which it is packed."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.types import LENGTH, SCAN


def test_types_that_are_read_by_a_cursor_have_a_length() -> None:
    assert SCAN.keys() == {b"set", b"hash", b"zset"}
    assert LENGTH.keys() == {b"string", b"list", b"set", b"hash", b"zset", b"stream"}


def test_no_command_is_given_to_two_types() -> None:
    assert len(set(LENGTH.values())) == len(LENGTH)
    assert len(set(SCAN.values())) == len(SCAN)
