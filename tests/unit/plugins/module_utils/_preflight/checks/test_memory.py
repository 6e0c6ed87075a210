# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the keys fit into the target, by numbers at the limits."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.checks.memory import (
    target_eviction,
    target_memory,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Situation
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.target_names import NamesFound
from tests.support.sides import a_server, a_side, a_situation

MIB = 1024 * 1024


def situation(free: int, policy: str = "noeviction", **info: int) -> Situation:
    """8 MiB of keys; a target with so many bytes free below its maxmemory of 64 MiB."""
    limit, used = 64 * MIB, 64 * MIB - free
    source = a_side("source", a_server(keys=8, maxmemory_policy=policy), used_memory=9 * MIB, used_memory_startup=MIB)
    server = a_server(maxmemory=limit, maxmemory_policy=policy)
    return a_situation(source, a_side("target", server, **{"used_memory": used, "maxmemory": limit, **info}))


@pytest.mark.parametrize(
    ("free", "status"),
    [(8 * MIB - 1, "fail"), (8 * MIB, "warn"), (10 * MIB - 1, "warn"), (10 * MIB, "ok"), (64 * MIB, "ok")],
)
def test_memory_at_the_limits(free: int, status: str) -> None:
    assert target_memory(situation(free)).status == status


def test_what_is_missing_and_how_much_would_do() -> None:
    verdict = target_memory(situation(6 * MIB))
    assert "6.0 MiB free of 64.0 MiB (maxmemory), 58.0 MiB being used: 2.0 MiB too little" in verdict.message
    assert "raise maxmemory to 68.0 MiB or more" in verdict.next_step


def test_a_target_above_its_limit_has_nothing_free() -> None:
    assert "has 0 bytes free" in target_memory(situation(-MIB)).message


def test_buffers_of_replicas_do_not_count() -> None:
    assert target_memory(situation(6 * MIB, mem_not_counted_for_evict=4 * MIB)).status == "ok"


def test_keys_that_the_target_has_need_no_room() -> None:
    known = situation(MIB)
    known.names = NamesFound(looked=8)
    assert target_memory(known).status == "ok"
    known.names = NamesFound(looked=8, extra=2)
    assert target_memory(known).status == "fail"


@pytest.mark.parametrize(
    ("total", "status"), [(0, "ok"), (40 * MIB, "ok"), (40 * MIB - 1, "warn")], ids=["unknown", "just", "less"]
)
def test_without_a_limit_the_machine_is_the_limit(total: int, status: str) -> None:
    known = situation(0, maxmemory=0, total_system_memory=total, used_memory_rss=32 * MIB)
    verdict = target_memory(known)
    assert verdict.status == status
    assert "sets itself no limit" in verdict.message


@pytest.mark.parametrize(
    ("policy", "free", "status", "expected"),
    [
        ("noeviction", 0, "ok", "evicts nothing"),
        ("", 0, "ok", "evicts nothing"),
        ("allkeys-lru", 10 * MIB - 1, "fail", "evicts any keys"),
        ("allkeys-lru", 10 * MIB, "warn", "as does the source"),
        ("volatile-ttl", 10 * MIB, "warn", "keys that have an expiry time"),
    ],
)
def test_eviction(policy: str, free: int, status: str, expected: str) -> None:
    verdict = target_eviction(situation(free, policy))
    assert verdict.status == status
    assert expected in verdict.message


def test_eviction_data_that_cannot_be_carried() -> None:
    known = situation(64 * MIB, "")
    asked = a_situation(*(side for side in (known.source, known.target)), eviction_data=True)
    verdict = target_eviction(asked)
    assert verdict.status == "warn"
    assert "The source does not say by which policy it evicts" in verdict.message
