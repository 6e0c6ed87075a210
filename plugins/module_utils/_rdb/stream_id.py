# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IDs of stream entries as two numbers and as text."""

from __future__ import annotations


def parse_id(name: bytes) -> tuple[int, int]:
    """Both numbers of an ID."""
    milliseconds, _dash, sequence = name.partition(b"-")
    return int(milliseconds), int(sequence)


def after(entry_id: bytes) -> bytes:
    """The smallest ID above ``entry_id``."""
    milliseconds, sequence = (int(part) for part in entry_id.split(b"-"))
    if sequence == 2**64 - 1:
        return b"%d-0" % (milliseconds + 1)
    return b"%d-%d" % (milliseconds, sequence + 1)
