# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts are the frontend of an exposed service, by their names."""

from __future__ import annotations

import re

# Hosts, in any region, that are reachable from outside only: the source server cannot connect to them.
_EXPOSED = re.compile(r"\.data\.[a-z0-9-]+\.onstackit\.(cloud|schwarz)\.?$", re.IGNORECASE)


def is_exposed_frontend(host: str) -> bool:
    """Whether ``host`` is the frontend of an exposed service, which no other service instance can reach."""
    return _EXPOSED.search(host) is not None
