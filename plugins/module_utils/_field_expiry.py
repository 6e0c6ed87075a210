# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether any hash field of a logical database expires (Redis 7.4, Valkey 9), as INFO keyspace has it."""

from __future__ import annotations

from ._server.info import parse_info

ASK = b"*2\r\n$4\r\nINFO\r\n$8\r\nkeyspace\r\n"


def none_expires(info: bytes, database: int) -> bool:
    """Whether the reply to :data:`ASK` says that no field of ``database`` expires."""
    line = parse_info(info).get(f"db{database}", "")
    counts = dict(item.split("=", 1) for item in line.split(",") if "=" in item)
    # Hashes with such fields are counted as subexpiry by Redis, as keys_with_volatile_items by Valkey.
    return line == "" or counts.get("subexpiry", counts.get("keys_with_volatile_items")) == "0"
