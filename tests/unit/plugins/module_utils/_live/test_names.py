# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of names hold no more than they may, and say so."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.names import Count, Names
from ansible_collections.dataservices.redis_migration.plugins.module_utils._live.rules import NAME_OVERHEAD

# Memory for ten names of three bytes.
TEN = 10 * (NAME_OVERHEAD + 3)


def names(first: int, last: int) -> list[bytes]:
    return [b"%03d" % number for number in range(first, last)]


def test_names_that_do_not_fit_are_left_out_and_this_is_known() -> None:
    held = Names(TEN)
    held.add(names(0, 10))
    held.add(names(0, 10))
    assert len(held) == 10 and held.complete
    held.add([b"one more"])
    assert len(held) == 10 and not held.complete
    held.remove([b"003", b"never there"])
    held.add([b"new"])
    assert len(held) == 10 and b"new" in held.names and not held.complete
    held.clear()
    assert not held.names and held.complete
    held.add([b"x" * TEN])
    assert not held.names and not held.complete


def test_a_count_is_exact_as_long_as_the_names_fit() -> None:
    count = Count(TEN)
    count.add(names(0, 6))
    count.add(names(3, 10))
    assert int(count) == 10
    count.add(names(0, 12))
    assert 12 <= int(count) <= 22
    count.add(names(20, 120))
    assert 112 <= int(count) <= 222
