# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells ansible-core (2.22 and later) which values to mask wherever they would be shown."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable

try:
    from ansible.module_utils import secrets as _core_secrets
except ImportError:  # ansible-core before 2.22 has no such interface; the roles' no_log stands alone there
    _core_secrets = None

# A very short value would mask half of the output and protects nothing.
_SHORTEST = 4


def register_secrets(values: Iterable[t.Any]) -> None:
    """Register every text of C(values); other kinds and empty ones are left out."""
    register = getattr(_core_secrets, "register_secret", None)
    if register is None:
        return
    for value in values:
        if isinstance(value, str) and len(value) >= _SHORTEST:
            register(value)
