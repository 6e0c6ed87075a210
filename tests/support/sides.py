# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sides of a preflight that have answered, for rules that no server at hand breaks."""

from __future__ import annotations

from typing import Any

from ansible_collections.dataservices.redis_migration.plugins.module_utils._connection.endpoint import parse_endpoint
from ansible_collections.dataservices.redis_migration.plugins.module_utils._preflight.situation import Answered


def a_side(role: str, server: Any = None) -> Answered:
    """A side without a server behind it; a test gives it what it is about."""
    nobody: Any = None
    return Answered(role, parse_endpoint({"host": "somewhere"}, role), nobody, server, nobody)
