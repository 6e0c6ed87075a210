# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages about data that goes the other way round: for a module the source is where it reads, in a rollback the target."""

from __future__ import annotations

import re

# Not within names of keys and options, which are quoted.
_ENDS = re.compile(r"'[^']*'|\b(source|target)\b", re.IGNORECASE)
_OTHER = {"source": "target", "target": "source", "Source": "Target", "Target": "Source"}


def turned_round(message: str) -> str:
    """``message`` of a module that brings data back, with the two ends named as the migration names them."""
    return _ENDS.sub(lambda found: _OTHER.get(found[0], found[0]), message)
