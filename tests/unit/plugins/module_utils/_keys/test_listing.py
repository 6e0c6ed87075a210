# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts of databases and their sum."""

from __future__ import annotations

import dataclasses

from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.listing import Tally


@dataclasses.dataclass
class Looked(Tally):
    seen: int = 0
    failed: int = 0


def test_the_total_is_the_sum_of_every_field() -> None:
    databases = [Looked(3, 1), Looked(4, 0)]
    assert Looked.total(databases) == Looked(7, 1)
    assert databases[0] == Looked(3, 1)
    assert Looked.total([]) == Looked()
