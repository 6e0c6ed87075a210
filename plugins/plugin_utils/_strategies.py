# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles ask about the strategies of redis_migrate_keys."""

from __future__ import annotations


def write_at_source(strategy: str) -> str:
    """The command of this strategy that a pause of writes at the source holds back, such as MIGRATE; empty if none.

    Where one is picked by evidence (``auto``) it is one that is not held back.
    """
    # Not above: each task of a playbook imports the filters afresh, and the strategies import redis-py.
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.strategies import STRATEGIES

    known = STRATEGIES.get(strategy)
    return (known.write_at_source() or "") if known else ""


def keeps_names(strategy: str) -> bool:
    """Whether ``strategy`` cannot give keys other names at the target."""
    # As above.
    from ansible_collections.dataservices.redis_migration.plugins.module_utils._transfer.strategies import STRATEGIES

    known = STRATEGIES.get(strategy)
    return known is not None and not known.renames
