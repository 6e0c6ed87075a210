# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that only the outside reaches, by their name."""

from __future__ import annotations

import pytest

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.exposed_frontend import (
    is_exposed_frontend,
)


@pytest.mark.parametrize(
    ("host", "exposed"),
    [
        ("red140220-master-1.data.eu01.onstackit.cloud", True),
        ("RED1-master-1.DATA.eu02.onstackit.cloud.", True),
        ("red1.data.eu01.onstackit.schwarz", True),
        ("red297348-master.service.dc1.a9ssvc", False),
        ("data.eu01.onstackit.cloud", False),
        ("red1.data.eu01.onstackit.cloud.example.org", False),
        ("red1.data.eu01.example.cloud", False),
        ("red1xdata.eu01.onstackit.cloud", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_hosts(host: str, exposed: bool) -> None:
    assert is_exposed_frontend(host) is exposed
