# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of strategies."""

from __future__ import annotations

from .copy import CopyStrategy
from .migrate import MigrateStrategy
from .rebuild.strategy import RebuildStrategy
from .strategy import Strategy

_ALL: tuple[type[Strategy], ...] = (
    CopyStrategy,
    MigrateStrategy,
    RebuildStrategy,
)

STRATEGIES: dict[str, type[Strategy]] = {strategy.name: strategy for strategy in _ALL}

# Not a strategy: one of the table is picked by evidence.
AUTO = "auto"


def choices() -> list[str]:
    """What the option 'strategy' may be."""
    return [AUTO, *STRATEGIES]
