# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries outside the standard library that this collection needs, and what was missing.

Modules import everywhere (documentation, tests of the sources), so a missing library only shows when a module runs:
``require_libraries(module)`` ends it with the name of the missing one.
"""

from __future__ import annotations

import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

REDIS_IMPORT_ERROR: str | None = None
HIREDIS_IMPORT_ERROR: str | None = None

try:
    import redis
    from redis import Redis
    from redis.connection import Connection, UnixDomainSocketConnection
except ImportError:
    REDIS_IMPORT_ERROR = traceback.format_exc()
    redis = None
    Connection = Redis = UnixDomainSocketConnection = object

try:
    import hiredis
except ImportError:
    HIREDIS_IMPORT_ERROR = traceback.format_exc()
    hiredis = None

__all__ = ["Connection", "Redis", "UnixDomainSocketConnection", "hiredis", "redis", "require_libraries"]


def require_libraries(module: AnsibleModule) -> None:
    """End ``module`` with a clear message when redis-py or hiredis cannot be imported."""
    for name, error in (("redis", REDIS_IMPORT_ERROR), ("hiredis", HIREDIS_IMPORT_ERROR)):
        if error:
            module.fail_json(msg=missing_required_lib(name), exception=error)
