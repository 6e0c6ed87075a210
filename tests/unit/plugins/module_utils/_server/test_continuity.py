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


@pytest.mark.parametrize(
    ("later", "expired", "lost", "too_much"),
    [
        (((0, 1000, 0), (1, 100, 100)), 0, 0, False),
        # What one of them got does not make up for what the other one lost.
        (((0, 2000, 0),), 0, 100, True),
        # A tenth of all, but all of one.
        (((0, 1000, 0),), 0, 100, True),
        (((0, 1000, 0),), 100, 0, False),
        (((0, 950, 0), (1, 100, 100)), 0, 50, False),
        (((0, 899, 0), (1, 100, 100)), 0, 101, True),
        (((0, 1000, 0), (1, 89, 89)), 0, 11, True),
        (((0, 1000, 0), (1, 90, 90)), 0, 10, False),
        # Only such as had no expiry are gone, whatever has expired.
        (((0, 800, 0), (1, 100, 100)), 500, 200, True),
    ],
)
def test_each_database_is_looked_at_alone(
    later: tuple[tuple[int, int, int], ...], expired: int, lost: int, too_much: bool
) -> None:
    before, now = Holding(((0, 1000, 0), (1, 100, 100)), 0), Holding(later, expired)
    assert before.unexplained(now, expired) == lost
    assert before.lost_too_much(now, expired, 0.1) is too_much
    assert not before.lost_too_much(now, expired, 1)
