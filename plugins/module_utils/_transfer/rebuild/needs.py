# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands ``rebuild`` needs at each end, also where it moves what another strategy cannot."""

from __future__ import annotations

from ..._compare.needs import READ_VALUES
from ..._server.dry_run import KEY, Need, since_6_2
from ..._server.info import Server

AT_SOURCE = (
    *READ_VALUES,
    Need("HSCAN", "rebuild", (KEY, "0")),
    Need("SSCAN", "rebuild", (KEY, "0")),
    Need("ZSCAN", "rebuild", (KEY, "0")),
    Need("XLEN", "rebuild", (KEY,)),
    Need("MULTI", "rebuild"),
    Need("EXEC", "rebuild"),
    Need("WATCH", "rebuild", (KEY,)),
    Need("UNWATCH", "rebuild"),
)

AT_TARGET = (
    *(Need(command, "rebuild", (KEY,)) for command in ("TYPE", "STRLEN", "LLEN", "SCARD", "ZCARD", "HLEN", "XLEN")),
    Need("MULTI", "rebuild"),
    Need("EXEC", "rebuild"),
    Need("SET", "rebuild", (KEY, "v"), writes=True),
    Need("SETRANGE", "rebuild", (KEY, "0", "v"), writes=True),
    Need("RPUSH", "rebuild", (KEY, "v"), writes=True),
    Need("SADD", "rebuild", (KEY, "m"), writes=True),
    Need("ZADD", "rebuild", (KEY, "0", "m"), writes=True),
    Need("HSET", "rebuild", (KEY, "f", "v"), writes=True),
    Need("HPEXPIREAT", "rebuild", (KEY, "1", "FIELDS", "1", "f"), writes=True, exists=Server.supports_field_ttl),
    Need("XADD", "rebuild", (KEY, "*", "f", "v"), writes=True),
    Need("XTRIM", "rebuild", (KEY, "MAXLEN", "0"), writes=True),
    Need("XSETID", "rebuild", (KEY, "1-1"), writes=True),
    Need("XGROUP CREATE", "rebuild", (KEY, "g", "0"), writes=True),
    Need("XGROUP CREATECONSUMER", "rebuild", (KEY, "g", "c"), writes=True, exists=since_6_2),
    Need("XGROUP SETID", "rebuild", (KEY, "g", "0"), writes=True),
    Need("XGROUP DESTROY", "rebuild", (KEY, "g"), writes=True),
    Need("XCLAIM", "rebuild", (KEY, "g", "c", "0", "1-1"), writes=True),
    Need("PEXPIRE", "rebuild", (KEY, "1"), writes=True),
    Need("PEXPIREAT", "rebuild", (KEY, "1"), writes=True),
    Need("PERSIST", "rebuild", (KEY,), writes=True),
    Need("RENAME", "rebuild", (KEY, KEY), writes=True),
    Need("RENAMENX", "rebuild", (KEY, KEY), writes=True),
    Need("UNLINK", "rebuild", (KEY,), writes=True),
)
