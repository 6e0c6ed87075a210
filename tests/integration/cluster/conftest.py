# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters, started once for a file and empty for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.support.cluster import Cluster
from tests.support.left_out import need_server

Clusters = Callable[..., Cluster]


@pytest.fixture(scope="module")
def _started() -> Iterator[dict[tuple[str, int, str], Cluster]]:
    found: dict[tuple[str, int, str], Cluster] = {}
    yield found
    for cluster in found.values():
        cluster.__exit__()


@pytest.fixture
def shared(_started: dict[tuple[str, int, str], Cluster]) -> Clusters:
    """A cluster that tests of the file share. `which`: to have several alike."""

    def give(name: str = "redis-8.2", shards: int = 3, which: str = "") -> Cluster:
        need_server(name)
        key = (name, shards, which)
        if key not in _started:
            _started[key] = Cluster(name, shards=shards).__enter__()
        _started[key].clear()
        return _started[key]

    return give


@pytest.fixture
def own() -> Iterator[Clusters]:
    """A cluster for one test, which changes it."""
    with contextlib.ExitStack() as stack:

        def make(name: str = "redis-8.2", **options: object) -> Cluster:
            need_server(name)
            return stack.enter_context(Cluster(name, **options))  # type: ignore[arg-type]

        yield make
