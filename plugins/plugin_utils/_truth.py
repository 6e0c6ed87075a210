# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a variable says yes. From an inventory, or from a command line, it may come as text."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean


def is_true(value: t.Any) -> bool:
    """What Ansible takes for true; nothing, and what it does not know, is not."""
    return bool(boolean(value or False, strict=False))
