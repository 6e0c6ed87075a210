# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reply says: whether it is an error, and the few shapes that many places read."""

from __future__ import annotations

import typing as t

from .._imports import hiredis


def clock_ms(reply: t.Sequence[bytes]) -> int:
    """The reply to TIME in milliseconds since 1970."""
    return int(reply[0]) * 1000 + int(reply[1]) // 1000


def between_us(first: list[bytes], last: list[bytes]) -> float:
    """Microseconds between two replies to TIME."""
    return (int(last[0]) - int(first[0])) * 1e6 + int(last[1]) - int(first[1])


def fields_of(flat: t.Sequence[t.Any]) -> dict[str, t.Any]:
    """A reply of XINFO as a dictionary."""
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2])}


def any_error(replies: t.Iterable[t.Any]) -> bool:
    """Whether there is an error reply among ``replies``; cheap for many of them."""
    return hiredis.ReplyError in set(map(type, replies))


def is_error(reply: t.Any) -> bool:
    """Whether ``reply`` is an error reply of the server."""
    return isinstance(reply, hiredis.ReplyError)


# Errors that concern every key, not the one at hand.
_SYSTEMIC = ("OOM", "NOPERM", "NOAUTH", "MOVED", "ASK", "CROSSSLOT")


def is_systemic(text: str) -> bool:
    """Whether the error reply ``text`` to a command for one key would be that for every other."""
    return text.startswith(_SYSTEMIC)


def is_unknown_command(text: str) -> bool:
    """Whether the error reply ``text`` says that the server does not know the command. Other types need other commands."""
    return "unknown command" in text


def is_unreadable(text: str) -> bool:
    """Whether the error reply ``text`` says that a server does not understand a payload; MIGRATE quotes the target's."""
    return "payload version or checksum" in text or "Bad data format" in text
