# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strings travel as they are: MGET and MSET for many at once cost both servers a fraction of DUMP and RESTORE.

What arrives is the same: a string has no inner encoding that a payload would keep and SET would not.
"""

from __future__ import annotations

import typing as t

from .._connection.commands import one, sets
from .._pipeline.expiry import NEVER, Expiry

# Replies to the commands of :func:`writes`.
SET_OK = b"OK"
MSETNX_OK = 1

# SET with PXAT; older targets get their strings by RESTORE.
SET_PXAT_SINCE = (6, 2)

Item = tuple[bytes, Expiry, bytes]


class Writes(t.NamedTuple):
    """Commands that write strings; ``groups`` says which items each reply stands for."""

    commands: bytes
    groups: list[list[int]]


def writes(items: t.Sequence[Item], *, replace: bool, alone: bool = False) -> Writes:
    """Write (key, expiry, value) items: those that never expire with one MSET or MSETNX, the others one by one.

    ``alone``: all one by one, as a node of a cluster takes keys of one slot only.

    Without ``replace`` nothing that exists is overwritten: MSETNX answers 0 and has written none of its keys, SET NX
    answers nil.
    """
    lasting = [position for position, item in enumerate(items) if item[1] is NEVER]
    commands: list[bytes] = []
    groups: list[list[int]] = []
    if alone:
        commands.append(sets([(items[position][0], items[position][2]) for position in lasting], replace=replace))
        groups += [[position] for position in lasting]
    elif lasting:
        args = [b"MSET" if replace else b"MSETNX"]
        for position in lasting:
            args.append(items[position][0])
            args.append(items[position][2])
        commands.append(one(*args))
        groups.append(lasting)
    if len(lasting) < len(items):
        tail = () if replace else (b"NX",)
        for position, (key, expiry, value) in enumerate(items):
            if expiry is not NEVER:
                commands.append(one(b"SET", key, value, b"PXAT", b"%d" % expiry, *tail))
                groups.append([position])
    return Writes(b"".join(commands), groups)
