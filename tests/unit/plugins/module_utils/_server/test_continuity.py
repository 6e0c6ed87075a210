# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a run met, from slice to slice; and how many keys a source may have lost with a reason."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.identity import Identity
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.continuity import (
    Continuity,
    ServerChanged,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.loss import Holding

SOURCE = Endpoint("source", "redis.example")
ONE, OTHER = Identity(run_id="1" * 40, role="slave"), Identity(run_id="2" * 40, role="slave")


def test_a_server_that_comes_back_after_another_one_is_one_of_several() -> None:
    continuity = Continuity()
    continuity.check(SOURCE, ONE)
    with pytest.raises(ServerChanged):
        continuity.check(SOURCE, OTHER)
    continuity.accept(SOURCE, OTHER)
    later = Continuity(continuity.as_plain())
    later.check(SOURCE, OTHER)
    with pytest.raises(
        RedisMigrationError, match=r"leads to several servers: slave, run id 11111111; slave, run id 22222222"
    ):
        later.accept(SOURCE, ONE)


@pytest.mark.parametrize(
    ("keys", "volatile", "expired", "lost"),
    [
        (100, 40, 0, 0),
        (120, 60, 0, 0),
        (70, 10, 30, 0),
        (70, 10, 0, 30),
        # Those that never expire are gone, however many others expired.
        (70, 40, 30, 30),
        # Some were given an expiry.
        (100, 70, 0, 0),
        (0, 0, 40, 60),
    ],
)
def test_keys_that_are_gone_without_having_expired(keys: int, volatile: int, expired: int, lost: int) -> None:
    before = Holding(((0, 100, 40),), 5)
    assert before.unexplained(Holding(((0, keys, volatile),), 5), expired) == lost
