# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which machine runs the modules of a migration."""

from __future__ import annotations

import typing as t


def migration_worker(host: str, hosts: t.Sequence[str], groups: t.Mapping[str, t.Sequence[str]]) -> str:
    """The host that the modules of the migration ``host`` run on.

    Workers take turns at the migrations of the play, ``hosts``; without any, the control node runs them all.
    """
    workers = groups.get("redis_migration_workers") or ["localhost"]
    return workers[list(hosts).index(host) % len(workers)]
