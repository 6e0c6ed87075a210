# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When idle times and frequencies are carried, and what is said where they are not."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.choose import Choice
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.counters import Counters
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.progress import Plan, Progress
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.usage import (
    carried,
    obstacle,
    warning,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.copy import CopyStrategy
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.migrate import MigrateStrategy
from tests.support.sides import a_server


@pytest.mark.parametrize(
    ("here", "there", "expected"),
    [
        ("allkeys-lru", "volatile-lru", None),
        ("allkeys-lru", "noeviction", None),
        ("allkeys-lfu", "volatile-lfu", None),
        (
            "allkeys-lfu",
            "allkeys-lru",
            "The source keeps frequencies of use (LFU) (allkeys-lfu), the target idle times",
        ),
        ("", "allkeys-lru", "The source does not say by which policy it evicts"),
        ("allkeys-lru", "", "The target does not say by which policy it evicts"),
    ],
)
def test_both_ends_must_keep_the_same(here: str, there: str, expected: str | None) -> None:
    found = obstacle(CopyStrategy, a_server(maxmemory_policy=here), a_server(maxmemory_policy=there))
    assert found is None if expected is None else expected in str(found)


def test_only_copy_carries_it() -> None:
    server = a_server(maxmemory_policy="allkeys-lru")
    assert obstacle(MigrateStrategy, server, server) == (
        "Strategy 'migrate' cannot carry how keys were used; only 'copy' can."
    )


def run(policy: str, *, wanted: bool = True, strategy: str = "copy") -> tuple[bytes | None, Progress]:
    plan = Plan(Endpoint("source", "a"), Endpoint("target", "b"), Selection(), eviction_data=wanted)
    progress = Progress(choice=Choice(strategy, "as told"), counters={0: Counters(rebuilt=2)})
    server = a_server(maxmemory_policy=policy)
    return carried(plan, progress, server, server), progress


def test_who_does_not_ask_for_it_is_told_nothing() -> None:
    kind, progress = run("allkeys-lfu", wanted=False)
    assert (kind, progress.eviction_data, warning(progress)) == (None, "", None)


@pytest.mark.parametrize(("policy", "kind"), [("allkeys-lfu", b"FREQ"), ("allkeys-random", b"IDLETIME")])
def test_what_is_carried_is_noted(policy: str, kind: bytes) -> None:
    found, progress = run(policy)
    assert (found, progress.eviction_data) == (kind, kind.decode().lower())
    assert "2 keys were moved in pieces" in str(warning(progress))
    progress.counters[0].rebuilt = 0
    assert warning(progress) is None


def test_what_is_not_carried_is_said_with_the_reason() -> None:
    kind, progress = run("allkeys-lfu", strategy="migrate")
    assert (kind, progress.eviction_data) == (None, "")
    assert str(warning(progress)).startswith("eviction_data: Strategy 'migrate' cannot carry")
