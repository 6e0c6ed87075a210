# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The libraries outside the standard library that this collection needs, and what is wrong with them here.

Modules import everywhere (documentation, tests of the sources), so a library that is missing or too old only shows when
a module runs: ``require_libraries(module)`` ends it, saying what was found, what is needed, and where.
"""

from __future__ import annotations

import re
import sys
import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._python import OLDEST_LIBRARIES, python_here

REDIS_IMPORT_ERROR: str | None = None
HIREDIS_IMPORT_ERROR: str | None = None
# What was found in place of what is needed.
_TOO_OLD: dict[str, str] = {}


def _too_old(name: str, version: str) -> bool:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers >= OLDEST_LIBRARIES[name]:
        return False
    _TOO_OLD[name] = version
    return True


try:
    import redis
    from redis import Redis
    from redis.connection import Connection, UnixDomainSocketConnection
except ImportError:
    REDIS_IMPORT_ERROR = traceback.format_exc()
    redis = None

# One that is too old is as good as none: what is looked up in it while the rest is imported may not be there.
if redis is None or _too_old("redis", redis.__version__):
    redis = None
    Connection = Redis = UnixDomainSocketConnection = object

try:
    import hiredis
except ImportError:
    HIREDIS_IMPORT_ERROR = traceback.format_exc()
    hiredis = None

if hiredis is not None and _too_old("hiredis", hiredis.__version__):
    hiredis = None

__all__ = ["Connection", "Redis", "UnixDomainSocketConnection", "hiredis", "redis", "require_libraries"]


def require_libraries(module: AnsibleModule) -> None:
    """End ``module`` with a clear message when redis-py or hiredis cannot be imported or is too old."""
    for name, found in _TOO_OLD.items():
        wanted = ".".join(map(str, OLDEST_LIBRARIES[name]))
        module.fail_json(
            msg=f"The Python library {name} {wanted} or newer is needed, and {python_here()} has {name} {found}. Run there:"
            f" {sys.executable} -m pip install '{name}>={wanted}', or name another Python in that host's"
            " ansible_python_interpreter."
        )
    for name, error in (("redis", REDIS_IMPORT_ERROR), ("hiredis", HIREDIS_IMPORT_ERROR)):
        if error:
            module.fail_json(msg=missing_required_lib(name), exception=error)
