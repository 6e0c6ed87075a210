# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the preflight reads of an end."""

from __future__ import annotations

from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import (
    parse_modules,
)


def test_modules_are_read_from_info() -> None:
    text = "# Modules\r\nmodule:name=ReJSON,ver=20008,api=1\r\nmodule:name=search,ver=21005,api=1\r\n"
    assert parse_modules(text) == {"ReJSON": 20_008, "search": 21_005}
