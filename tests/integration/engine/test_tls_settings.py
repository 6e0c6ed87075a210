# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings for TLS count only where there is a TLS port."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._server.settings import compare_settings
from tests.conftest import ServerFactory


@pytest.mark.needs_server("redis-7.0")
@pytest.mark.needs_tls_server
def test_settings_of_a_tls_port_that_is_not_there(redis_server: ServerFactory) -> None:
    plain, other = redis_server("redis-7.0"), redis_server("redis-7.0")
    with plain.client() as client:
        client.config_set("tls-auth-clients", "no")
    found = compare_settings(parse_endpoint(plain.endpoint(), "source"), parse_endpoint(other.endpoint(), "target"))
    assert "tls-auth-clients" not in [one["setting"] for one in found["differences"]]
