# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands a run needs at each end: its own, those of its strategy and those of the comparison."""

from __future__ import annotations

import typing as t

from .._compare.needs import COMPARE_SOURCE, COMPARE_TARGET
from .._server.dry_run import FALLBACK, HELPFUL, KEY, REQUIRED, Need
from .._server.info import Server
from .._transfer.rebuild import needs as rebuild
from .._transfer.strategies import STRATEGIES

_CONNECT = (
    Need("INFO", "connect"),
    Need("PING", "connect"),
    Need("SELECT", "connect", ("0",)),
    Need("TIME", "connect"),
)

_EXPIRY = (
    Need("PEXPIRETIME", "expiry times", (KEY,), exists=Server.supports_pexpiretime),
    Need("PTTL", "expiry times", (KEY,), exists=lambda server: not server.supports_pexpiretime()),
)

_HELPFUL = (
    Need("CLIENT SETNAME", "be recognised in CLIENT LIST", ("x",), level=HELPFUL),
    Need("CLIENT NO-TOUCH", "read keys without using them", ("ON",), level=HELPFUL),
    Need("CLIENT ID", "be recognised in CLIENT LIST", level=HELPFUL),
    Need("CLIENT LIST", "see who is connected", level=HELPFUL),
    Need("CONFIG GET", "know limits beforehand", ("databases",), level=HELPFUL),
    Need("COMMAND", "tell writes from reads", level=HELPFUL),
    Need("COMMAND INFO", "know which commands the server has", ("get",), level=HELPFUL),
)

_SOURCE_HELPFUL = (
    Need("MODULE LIST", "know the modules in use", level=HELPFUL),
    Need("FUNCTION LIST", "know the functions in use", level=HELPFUL, exists=Server.supports_pexpiretime),
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
    Need("TYPE", "confirm", (KEY,)),
)

_FEED = Need("CLIENT TRACKING", "the feed of changes", ("ON",))

_PRUNE_TARGET = (
    Need("SCAN", "prune", ("0",)),
    Need("UNLINK", "prune", (KEY,), writes=True),
)


def needs(
    role: str,
    server: Server,
    *,
    strategy: str,
    prune: bool = False,
    compare: bool = True,
    usage: bytes | None = None,
    live: bool = False,
) -> list[Need]:
    """The commands that the user of the ``role`` ("source" or "target") needs, each once, required ones first.

    ``usage``: what of the use of keys is carried.
    ``live``: the source is followed while applications write.
    ``compare``: keys that are already at the target are compared, or all are verified afterwards.
    """
    at_source = role == "source"
    wanted = [*_CONNECT, *_EXPIRY, *(_SCAN if at_source else _EVERY_TARGET)]
    taken = STRATEGIES[strategy]
    wanted += taken.needs_at_source if at_source else taken.needs_at_target
    if usage and at_source:
        wanted.append(Need(f"OBJECT {usage.decode('ascii')}", "eviction_data", (KEY,)))
    if live and at_source:
        wanted.append(_FEED)
    if prune and not at_source:
        wanted += _PRUNE_TARGET
    if compare:
        wanted += COMPARE_SOURCE if at_source else COMPARE_TARGET
    wanted += [need._replace(level=FALLBACK) for need in (rebuild.AT_SOURCE if at_source else rebuild.AT_TARGET)]
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
