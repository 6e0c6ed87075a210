# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expiries of keys that MIGRATE has moved: it gives each a lifetime from its arrival, which has to become a moment."""

from __future__ import annotations

import typing as t

from .._connection.commands import each, one
from .._pipeline.end import End
from .._pipeline.expiry import GONE, NEVER, Expiry
from .._pipeline.job import Job

# What PTTL says of a key that does not expire.
_NO_LIFETIME = -1


def carried(source: End, target: End, names: list[bytes]) -> Job[bool]:
    """Set absolutely at the target what expires; False unless all of ``names`` are there, and at the source still.

    MIGRATE has given a lifetime to just those that had one, so the target tells which they are, and the source, which has
    the most to do, is asked about these only.
    """
    lifetimes = yield target.call(each(b"PTTL", names), len(names))
    target.check(lifetimes, "PTTL")
    if GONE in lifetimes:
        return False
    timed = [name for name, lifetime in zip(names, lifetimes) if lifetime != _NO_LIFETIME]
    expiries = yield from source.expiries.ask(timed)
    if GONE in expiries:
        return False
    lasting = [name for name, expiry in zip(timed, expiries) if expiry is NEVER]
    limited = [(name, expiry) for name, expiry in zip(timed, expiries) if expiry is not NEVER]
    replies = yield target.call(expire_at(limited) + each(b"PERSIST", lasting), len(timed))
    target.check(replies, "PEXPIREAT")
    return True


def expire_at(items: t.Iterable[tuple[bytes, Expiry]]) -> bytes:
    return b"".join([one(b"PEXPIREAT", name, b"%d" % t.cast(int, expiry)) for name, expiry in items])
