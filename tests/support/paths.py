# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are: the one place that knows the layout of the checkout."""

from __future__ import annotations

import os
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
COLLECTIONS_PATH = REPO / ".collections"
"""A directory with ansible_collections/dataservices/redis_migration: for ANSIBLE_COLLECTIONS_PATH and sys.path."""


def server_cache() -> Path:
    """Where downloaded servers are kept; REDIS_MIGRATION_SERVER_CACHE shares one between several checkouts."""
    return Path(os.environ.get("REDIS_MIGRATION_SERVER_CACHE") or REPO / ".cache" / "servers")
