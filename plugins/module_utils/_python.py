# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The oldest of everything that the collection needs. Imported before everything else, so it must itself run on an older
Python.

An older one fails while it imports, long before a module could say anything; as in ansible's own ``basic.py`` the
result is therefore printed from here.
"""

from __future__ import annotations

import json
import platform
import sys

OLDEST = (3, 11)
# What else is needed, the oldest that are tested; requirements.txt, meta/runtime.yml and README.md say the same.
OLDEST_CORE = (2, 19)
OLDEST_LIBRARIES = {"redis": (6, 0), "hiredis": (3, 0), "jmespath": (1, 0), "cryptography": (42, 0)}


def python_here() -> str:
    """Which Python this is and where, for a message."""
    return f"{sys.executable} on the host {platform.node()}"


if sys.version_info < OLDEST:
    _message = (
        f"dataservices.redis_migration needs Python {OLDEST[0]}.{OLDEST[1]} or newer where its modules run, and"
        f" {python_here()} is Python {platform.python_version()}. Install a newer one there, with redis and hiredis, and"
        " name it in that host's ansible_python_interpreter."
    )
    print("\n" + json.dumps({"failed": True, "msg": _message}))
    sys.exit(1)
