# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which strategy ``auto`` takes, by evidence that needs no connection."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import Backend, Endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.rename import Renaming
from ansible_collections.dataservices.redis_migration.plugins.module_utils._migrate.choose import (
    FAR_MS,
    Choice,
    choose,
    strategy_class,
    strategy_of,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import Server
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.apart import Apart
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.copy import CopyStrategy
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.proved import Proved
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.rebuild.strategy import (
    RebuildStrategy,
)
from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.strategy import Ends
from tests.support.sides import a_server


def ends(source: Server, target: Server, backend: str | None = None) -> Ends:
    address = Backend(backend) if backend else None
    return Ends(Endpoint("source", "a"), Endpoint("target", "b", backend=address), source, target)


@pytest.mark.parametrize(
    ("source", "target", "strategy"),
    [
        (a_server("6.2.14"), a_server("7.2.4"), "copy"),
        (a_server("7.2.4"), a_server("7.2.4"), "copy"),
        (a_server("7.2.4"), a_server("7.0.15"), "rebuild"),
        (a_server("7.2.4"), a_server("8.1.0", "valkey"), "copy"),
        (a_server("7.4.0"), a_server("9.0.0", "valkey"), "rebuild"),
    ],
)
def test_formats_come_first(source: Server, target: Server, strategy: str) -> None:
    choice = choose("auto", ends(source, target), FAR_MS)
    assert choice.strategy == strategy
    assert (f"{source.product} to {target.product}" in choice.reason) == (strategy == "rebuild")


@pytest.mark.parametrize("target", ["7.2.4", "6.2.14"])
def test_far_ends_call_for_a_worker_near_them(target: str) -> None:
    between = ends(a_server("7.2.4"), a_server(target))
    assert "a worker near them would be faster" in choose("auto", between, FAR_MS).reason
    assert "worker" not in choose("auto", between, FAR_MS - 0.1).reason


# The obstacle to MIGRATE is one that is found without a connection: a replica as the source.
@pytest.mark.parametrize(
    ("backend", "round_trip_ms", "reason"),
    [
        (None, FAR_MS, "would need the target's 'backend'"),
        ("c", FAR_MS - 0.1, "both ends are near (round trips of 19.9 ms"),
        ("c", FAR_MS, "MIGRATE cannot be used: the source is a replica"),
    ],
)
def test_copy_says_why_not_migrate(backend: str | None, round_trip_ms: float, reason: str) -> None:
    choice = choose("auto", ends(a_server(role="slave"), a_server(), backend), round_trip_ms)
    assert choice.strategy == "copy"
    assert reason in choice.reason


def test_migrate_is_not_taken_where_the_use_of_keys_is_carried() -> None:
    choice = choose("auto", ends(a_server(role="slave"), a_server(), "c"), FAR_MS, eviction_data=True)
    assert choice.strategy == "copy"
    assert choice.reason.startswith("MIGRATE does not carry eviction_data")


def test_before_the_choice_the_strategy_is_the_wanted_one_or_copy() -> None:
    assert strategy_class(None, "rebuild") is RebuildStrategy
    assert strategy_class(None, "auto") is CopyStrategy
    assert strategy_class(Choice("rebuild", "as told"), "auto") is RebuildStrategy


def a_lane(renaming: Renaming | None = None) -> Any:
    return SimpleNamespace(target=SimpleNamespace(renaming=renaming))


@pytest.mark.parametrize(
    ("renaming", "guarded"), [(None, False), (Renaming({b"": b"db1:"}), False), (Renaming({b"a:": b"b:"}), True)]
)
def test_only_where_two_keys_could_get_one_name_is_each_looked_at(renaming: Renaming | None, guarded: bool) -> None:
    rebuild = RebuildStrategy.__new__(RebuildStrategy)
    rebuild._transactions_proved = True
    made = strategy_of(Choice("rebuild", "as told"), a_lane(renaming), rebuild, 0)
    assert isinstance(made, Apart if guarded else Proved)


def test_migrate_gives_no_other_names() -> None:
    both = ends(a_server(), a_server(), "backend")._replace(renames=True)
    with pytest.raises(RedisMigrationError, match="MIGRATE keeps their names"):
        choose("migrate", both, 0)
    choice = choose("auto", both, 1000)
    assert choice.strategy == "copy"
    assert choice.reason.startswith("keys get other names at the target, and MIGRATE keeps their names")


def test_rebuild_needs_no_fallback_to_itself() -> None:
    rebuild = RebuildStrategy.__new__(RebuildStrategy)
    made = strategy_of(Choice("rebuild", "as told"), a_lane(), rebuild, 0)
    assert isinstance(made, Proved)
    assert made._transfer is rebuild
