# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that several ordinary commands make: each is made under a temporary name, and only what is whole gets its own.

A transaction is no way to that: where one of its commands fails, a server carries out the others all the same.
"""

from __future__ import annotations

import typing as t

from .._connection.commands import TIME, one, pack
from .._connection.replies import any_error, clock_ms, is_error, odd_reply
from .._keys.temporary import LIFETIME_MS
from .end import End
from .expiry import NEVER, Expiry, is_over
from .job import Job, LostAgain, Reconnected

_MULTI, _EXEC = one(b"MULTI"), one(b"EXEC")


class Making(t.NamedTuple):
    """One key, which ``commands`` make as ``temporary``; they are called ``names``, one for each."""

    key: bytes
    temporary: bytes
    commands: bytes
    names: t.Sequence[str]
    expiry: Expiry


class Made(t.NamedTuple):
    """Whether a key is in its place; ``error``: the reply to ``command``, if one was refused.

    ``over``: its time came, or that of its last field; ``lost``: it was gone before its time (:data:`LOST`).
    """

    placed: bool
    error: t.Any = None
    command: str = ""
    over: bool = False
    lost: bool = False


LOST = (
    "it was gone from the target before it was whole: evicted or deleted",
    "Keep others away from the target, see that it evicts no keys (maxmemory-policy), then run again.",
)


def make(end: End, keys: t.Sequence[Making], *, replace: bool) -> Job[list[Made]]:
    """Make ``keys`` at ``end``; one that is there already gives its place only with ``replace``."""
    try:
        refusals = yield from _build(end, keys)
        return (yield from _place(end, keys, refusals, replace))
    except (Reconnected, LostAgain):
        # They are made anew under other names.
        yield end.call(*end.about_all(b"UNLINK", [key.temporary for key in keys]))
        raise


def _build(end: End, keys: t.Sequence[Making]) -> Job[list[Made | None]]:
    """Run the commands; what was refused of each key, if anything."""
    out: list[bytes] = []
    for key in keys:
        # Should this run be killed, nothing stays.
        out += [_MULTI, key.commands, pack(b"PEXPIRE", key.temporary, LIFETIME_MS), _EXEC]
    replies = yield end.call(b"".join(out), sum(len(key.names) + 3 for key in keys))
    refusals: list[Made | None] = []
    at = 0
    for key in keys:
        count = len(key.names) + 3
        refusals.append(_refusal(end, replies[at : at + count], [*key.names, "PEXPIRE"]))
        at += count
    return refusals


def _place(end: End, keys: t.Sequence[Making], refusals: t.Sequence[Made | None], replace: bool) -> Job[list[Made]]:
    """Give those that are whole their names, and delete the others."""
    rename = "RENAME" if replace else "RENAMENX"
    out: list[bytes] = []
    for key, refused in zip(keys, refusals):
        if refused is None:
            last = pack(b"PERSIST", key.temporary)
            if key.expiry is not NEVER:
                last = pack(b"PEXPIREAT", key.temporary, key.expiry)
            out += [_MULTI, last, pack(rename, key.temporary, key.key), _EXEC]
    count = len(out)
    remove, removals = end.about_all(b"UNLINK", [key.temporary for key in keys])
    replies = yield end.call(b"".join([*out, TIME, remove]), count + 1 + removals)
    end.check(replies[count : count + 1], "TIME")
    now = clock_ms(replies[count])
    made: list[Made] = []
    at = 0
    for key, refused in zip(keys, refusals):
        if refused is None:
            mine = replies[at : at + 4]
            at += 4
            refused = _refusal(end, mine, ["PERSIST" if key.expiry is NEVER else "PEXPIREAT", rename])
            if refused is None:
                placed = mine[-1][-1]
                if placed not in ((b"OK",) if replace else (0, 1)):
                    raise odd_reply(placed, rename, end.endpoint)
                refused = Made(placed != 0, over=is_over(key.expiry, now))
            elif "no such key" in str(refused.error):
                over = is_over(key.expiry, now) or "HPEXPIREAT" in key.names
                refused = Made(False, over=over, lost=not over)
        made.append(refused)
    return made


def _refusal(end: End, replies: list[t.Any], names: t.Sequence[str]) -> Made | None:
    """The first error in the replies to a transaction of the commands ``names``: of one of them, or before they ran."""
    ran, told = replies[-1], ["MULTI", *names, "EXEC"]
    if isinstance(ran, list) and len(ran) == len(names):
        replies, told = ran, [*names]
    elif not any_error(replies):
        raise odd_reply(ran, "EXEC", end.endpoint)
    if any_error(replies):
        return next(Made(False, reply, command) for reply, command in zip(replies, told) if is_error(reply))
    return None
