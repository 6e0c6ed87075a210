# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands a comparison needs at each end."""

from __future__ import annotations

from .._server.dry_run import KEY, Need, before_6_2, since_6_2
from .._server.info import Server

READ_VALUES = (
    Need("ECHO", "compare", ("x",)),
    Need("TYPE", "compare", (KEY,)),
    Need("MGET", "compare", (KEY,)),
    Need("DUMP", "compare", (KEY,)),
    Need("GET", "compare", (KEY,)),
    Need("STRLEN", "compare", (KEY,)),
    Need("GETRANGE", "compare", (KEY, "0", "0")),
    Need("LLEN", "compare", (KEY,)),
    Need("LRANGE", "compare", (KEY, "0", "0")),
    Need("SCARD", "compare", (KEY,)),
    Need("SMEMBERS", "compare", (KEY,)),
    Need("ZCARD", "compare", (KEY,)),
    Need("ZRANGE", "compare", (KEY, "0", "0")),
    Need("ZSCAN", "compare", (KEY, "0")),
    Need("HLEN", "compare", (KEY,)),
    Need("HGETALL", "compare", (KEY,)),
    Need("HPEXPIRETIME", "compare", (KEY, "FIELDS", "1", "f"), exists=Server.supports_field_ttl),
    Need("XINFO STREAM", "compare", (KEY,)),
    Need("XINFO GROUPS", "compare", (KEY,)),
    Need("XINFO CONSUMERS", "compare", (KEY, "g")),
    Need("XRANGE", "compare", (KEY, "-", "+")),
    Need("XPENDING", "compare", (KEY, "g")),
)

COMPARE_SOURCE = (
    *READ_VALUES,
    Need("HSCAN", "compare", (KEY, "0")),
    Need("HMGET", "compare", (KEY, "f"), exists=Server.supports_field_ttl),
    Need("SSCAN", "compare", (KEY, "0")),
)

COMPARE_TARGET = (
    *READ_VALUES,
    Need("SCAN", "compare", ("0",)),
    Need("EXISTS", "compare", (KEY,)),
    Need("HMGET", "compare", (KEY, "f")),
    Need("HSCAN", "compare", (KEY, "0"), exists=Server.supports_field_ttl),
    Need("SMISMEMBER", "compare", (KEY, "m"), exists=since_6_2),
    Need("SISMEMBER", "compare", (KEY, "m"), exists=before_6_2),
    Need("ZMSCORE", "compare", (KEY, "m"), exists=since_6_2),
    Need("ZSCORE", "compare", (KEY, "m"), exists=before_6_2),
)
