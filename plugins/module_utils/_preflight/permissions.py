# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands a run needs at each end: the one table, from which preflight checks and the documentation is made."""

from __future__ import annotations

import typing as t

from .._server.dry_run import FALLBACK, HELPFUL, KEY, REQUIRED, Need
from .._server.info import Server


def _has_pexpiretime(server: Server) -> bool:
    return server.supports_pexpiretime()


def _has_field_ttl(server: Server) -> bool:
    return server.supports_field_ttl()


def _since_6_2(server: Server) -> bool:
    return server.version_tuple >= (6, 2)


def _before_6_2(server: Server) -> bool:
    return not _since_6_2(server)


_CONNECT = (
    Need("INFO", "connect"),
    Need("PING", "connect"),
    Need("SELECT", "connect", ("0",)),
    Need("TIME", "connect"),
)

_EXPIRY = (
    Need("PEXPIRETIME", "expiry times", (KEY,), exists=_has_pexpiretime),
    Need("PTTL", "expiry times", (KEY,), exists=lambda server: not _has_pexpiretime(server)),
)

_READ_VALUES = (
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
    Need("HLEN", "compare", (KEY,)),
    Need("HGETALL", "compare", (KEY,)),
    Need("HPEXPIRETIME", "compare", (KEY, "FIELDS", "1", "f"), exists=_has_field_ttl),
    Need("XINFO STREAM", "compare", (KEY,)),
    Need("XINFO GROUPS", "compare", (KEY,)),
    Need("XINFO CONSUMERS", "compare", (KEY, "g")),
    Need("XRANGE", "compare", (KEY, "-", "+")),
    Need("XPENDING", "compare", (KEY, "g")),
)

_COMPARE_SOURCE = (
    *_READ_VALUES,
    Need("HSCAN", "compare", (KEY, "0")),
    Need("SSCAN", "compare", (KEY, "0")),
    Need("ZSCAN", "compare", (KEY, "0")),
)

_COMPARE_TARGET = (
    *_READ_VALUES,
    Need("SCAN", "compare", ("0",)),
    Need("EXISTS", "compare", (KEY,)),
    Need("HMGET", "compare", (KEY, "f")),
    Need("SMISMEMBER", "compare", (KEY, "m"), exists=_since_6_2),
    Need("SISMEMBER", "compare", (KEY, "m"), exists=_before_6_2),
    Need("ZMSCORE", "compare", (KEY, "m"), exists=_since_6_2),
    Need("ZSCORE", "compare", (KEY, "m"), exists=_before_6_2),
)

_HELPFUL = (
    Need("CLIENT SETNAME", "be recognised in CLIENT LIST", ("x",), level=HELPFUL),
    Need("CLIENT ID", "be recognised in CLIENT LIST", level=HELPFUL),
    Need("CLIENT LIST", "see who is connected", level=HELPFUL),
    Need("CONFIG GET", "know limits beforehand", ("databases",), level=HELPFUL),
    Need("COMMAND", "tell writes from reads", level=HELPFUL),
)

_SOURCE_HELPFUL = (
    Need("MODULE LIST", "know the modules in use", level=HELPFUL),
    Need("FUNCTION LIST", "know the functions in use", level=HELPFUL, exists=_has_pexpiretime),
)

_SCAN = (
    Need("SCAN", "list keys", ("0",)),
    Need("MEMORY USAGE", "size of keys", (KEY,)),
    Need("TYPE", "list keys", (KEY,)),
    Need("EXISTS", "confirm", (KEY,)),
)

_EVERY_TARGET = (
    Need("SCAN", "find what a killed run left", ("0",)),
    Need("UNLINK", "remove what a killed run left", (KEY,), writes=True),
    Need("EXISTS", "confirm", (KEY,)),
)

# Strategy rebuild, and what the others use for keys that they cannot move: too large, or refused by RESTORE.
_REBUILD_SOURCE = (
    *_READ_VALUES,
    Need("HSCAN", "rebuild", (KEY, "0")),
    Need("SSCAN", "rebuild", (KEY, "0")),
    Need("ZSCAN", "rebuild", (KEY, "0")),
    Need("XLEN", "rebuild", (KEY,)),
    Need("MULTI", "rebuild"),
    Need("EXEC", "rebuild"),
    Need("WATCH", "rebuild", (KEY,)),
    Need("UNWATCH", "rebuild"),
)

_REBUILD_TARGET = (
    *(Need(command, "rebuild", (KEY,)) for command in ("TYPE", "STRLEN", "LLEN", "SCARD", "ZCARD", "HLEN", "XLEN")),
    Need("MULTI", "rebuild"),
    Need("EXEC", "rebuild"),
    Need("SET", "rebuild", (KEY, "v"), writes=True),
    Need("SETRANGE", "rebuild", (KEY, "0", "v"), writes=True),
    Need("RPUSH", "rebuild", (KEY, "v"), writes=True),
    Need("SADD", "rebuild", (KEY, "m"), writes=True),
    Need("ZADD", "rebuild", (KEY, "0", "m"), writes=True),
    Need("HSET", "rebuild", (KEY, "f", "v"), writes=True),
    Need("HPEXPIREAT", "rebuild", (KEY, "1", "FIELDS", "1", "f"), writes=True, exists=_has_field_ttl),
    Need("XADD", "rebuild", (KEY, "*", "f", "v"), writes=True),
    Need("XTRIM", "rebuild", (KEY, "MAXLEN", "0"), writes=True),
    Need("XSETID", "rebuild", (KEY, "1-1"), writes=True),
    Need("XGROUP CREATE", "rebuild", (KEY, "g", "0"), writes=True),
    Need("XGROUP CREATECONSUMER", "rebuild", (KEY, "g", "c"), writes=True, exists=_since_6_2),
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

# What a strategy needs at the source and at the target.
_STRATEGY: dict[str, tuple[tuple[Need, ...], tuple[Need, ...]]] = {
    "copy": (
        (Need("DUMP", "copy", (KEY,)), Need("MGET", "copy", (KEY,))),
        (
            Need("RESTORE", "copy", (KEY, "0", "x"), writes=True),
            Need("SET", "copy", (KEY, "v"), writes=True),
            Need("MSET", "copy", (KEY, "v"), writes=True),
            Need("MSETNX", "copy", (KEY, "v"), writes=True),
        ),
    ),
    "migrate": (
        (Need("MIGRATE", "migrate", ("127.0.0.1", "1", KEY, "0", "1", "COPY"), writes=True),),
        (
            Need("RESTORE", "migrate", (KEY, "0", "x"), writes=True),
            Need("PEXPIREAT", "migrate", (KEY, "1"), writes=True),
            Need("DEL", "migrate", (KEY,), writes=True),
        ),
    ),
    "rebuild": (_REBUILD_SOURCE, _REBUILD_TARGET),
}

_PRUNE_TARGET = (
    Need("SCAN", "prune", ("0",)),
    Need("UNLINK", "prune", (KEY,), writes=True),
)


def needs(role: str, server: Server, *, strategy: str, prune: bool = False, compare: bool = True) -> list[Need]:
    """The commands that the user of the ``role`` ("source" or "target") needs, each once, required ones first.

    ``compare``: keys that are already at the target are compared, or all are verified afterwards.
    """
    at_source = role == "source"
    wanted = [*_CONNECT, *_EXPIRY, *(_SCAN if at_source else _EVERY_TARGET)]
    wanted += _STRATEGY[strategy][0 if at_source else 1]
    if prune and not at_source:
        wanted += _PRUNE_TARGET
    if compare:
        wanted += _COMPARE_SOURCE if at_source else _COMPARE_TARGET
    wanted += [need._replace(level=FALLBACK) for need in (_REBUILD_SOURCE if at_source else _REBUILD_TARGET)]
    wanted += _HELPFUL
    if at_source:
        wanted += _SOURCE_HELPFUL
    once: dict[str, Need] = {}
    for need in wanted:
        if need.exists(server):
            once.setdefault(need.command, need)
    return list(once.values())


def acl_rules(role: str, server: Server, *, strategy: str, fallback: bool = True, **options: t.Any) -> list[str]:
    """The rules of an ACL user that may do exactly what a run needs, as listed by :func:`needs`.

    Without ``fallback``, keys that the strategy itself cannot move are out of reach.
    """
    levels = (REQUIRED, FALLBACK) if fallback else (REQUIRED,)
    return [need.acl_rule for need in needs(role, server, strategy=strategy, **options) if need.level in levels]
