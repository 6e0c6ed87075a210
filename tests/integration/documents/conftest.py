# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One world for all tests of documents."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.documents.world import World
from tests.support.left_out import need_server


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    for server in ("redis-6.2", "redis-8.2", "valkey-9"):
        need_server(server)
    with World(tmp_path_factory.mktemp("world")) as started:
        yield started
