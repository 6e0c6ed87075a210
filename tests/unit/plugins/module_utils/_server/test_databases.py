# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which databases of the source go to which of the target."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._errors import RedisMigrationError
from ansible_collections.dataservices.redis_migration.plugins.module_utils._keys.selection import Selection
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.databases import database_pairs
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.info import Server


def server(*databases: int) -> Server:
    values: dict[str, Any] = {field.name: 0 for field in dataclasses.fields(Server)}
    return Server(**{**values, "databases": dict.fromkeys(databases)})


@pytest.mark.parametrize(
    ("selection", "pairs"),
    [
        (Selection(), [(0, 0), (3, 3)]),
        (Selection(databases=(3, 7)), [(3, 3), (7, 7)]),
        (Selection(database_map={3: 9}), [(0, 0), (3, 9)]),
        (Selection(database_map={0: 3, 3: 0}), [(0, 3), (3, 0)]),
    ],
)
def test_pairs(selection: Selection, pairs: list[tuple[int, int]]) -> None:
    assert database_pairs(selection, server(3, 0)) == pairs


@pytest.mark.parametrize(
    ("mapping", "pairs"),
    [
        ({}, [(0, 0), (5, 5)]),
        ({1: 5}, [(0, 0), (1, 5)]),
        # What the target holds in 5 comes from nowhere: database 5 of the source goes to 6.
        ({5: 6}, [(0, 0)]),
    ],
)
def test_databases_that_only_the_target_holds(mapping: dict[int, int], pairs: list[tuple[int, int]]) -> None:
    assert database_pairs(Selection(database_map=mapping), server(0), server(5), include_target=True) == pairs


def test_databases_may_be_joined_where_prefixes_keep_them_apart() -> None:
    joined = Selection(database_map={1: 0, 2: 0}, database_prefix={1: "db1:", 2: "db2:"})
    assert database_pairs(joined, server(0, 1, 2)) == [(0, 0), (1, 0), (2, 0)]
    # What the target holds may be of each.
    assert database_pairs(joined, server(1), server(0), include_target=True) == [(1, 0), (2, 0)]


@pytest.mark.parametrize(
    ("prefixes", "rename", "shared"),
    [
        ({}, {}, "''"),
        ({1: "a"}, {"": "a"}, None),
        ({0: "a:", 1: "a:"}, {}, "'a:'"),
        ({0: "a", 1: ""}, {"b": "", "c": "a"}, "'a'"),
        ({0: r"\x61", 1: "a"}, {}, "'a'"),
    ],
)
def test_names_that_could_be_of_two_databases_are_refused(
    prefixes: dict[int, str], rename: dict[str, str], shared: str | None
) -> None:
    joined = Selection(database_map={1: 0}, database_prefix=prefixes, rename=rename)
    if shared is None:
        assert database_pairs(joined, server(0, 1)) == [(0, 0), (1, 0)]
        return
    with pytest.raises(RedisMigrationError, match=f"Databases 0 and 1 of .* may begin with {shared}") as caught:
        database_pairs(joined, server(0, 1))
    assert '{"0": "db0:", "1": "db1:"}' in (caught.value.hint or "")


def test_two_databases_cannot_go_into_one() -> None:
    with pytest.raises(RedisMigrationError, match="Databases 0 and 3 of the source would both go to database 3"):
        database_pairs(Selection(database_map={0: 3}), server(0, 3))
