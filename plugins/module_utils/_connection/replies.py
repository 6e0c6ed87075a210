# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reply says: whether it is an error, whether it has the shape that its command gives, and the few shapes that
many places read."""

from __future__ import annotations

import re
import typing as t

from .._errors import RedisMigrationError, printable
from .._imports import hiredis
from .endpoint import Endpoint

_NOTHING = type(None)

# By command, the types of its replies as the parser gives them.
_KINDS: t.Sequence[tuple[t.Sequence[str], set[t.Any]]] = (
    (("EXISTS", "PTTL", "PEXPIRETIME", "PEXPIREAT", "DBSIZE", "UNLINK", "SISMEMBER"), {int}),
    (("STRLEN", "LLEN", "SCARD", "ZCARD", "HLEN", "XLEN"), {int}),
    (("TYPE", "INFO", "GETRANGE"), {bytes}),
    (("OBJECT ENCODING",), {bytes, _NOTHING}),
    (("DUMP", "GET", "SET"), {bytes, _NOTHING}),
    (("MEMORY", "MEMORY USAGE", "OBJECT", "OBJECT FREQ"), {int, _NOTHING}),
    (("MGET", "HMGET", "TIME", "SCAN", "HSCAN", "SSCAN", "ZSCAN", "XINFO", "XPENDING"), {list}),
    (("HGETALL", "SMEMBERS", "ZRANGE", "LRANGE", "XRANGE"), {list}),
    (("HPEXPIRETIME", "EXEC"), {list, _NOTHING}),
    (("CONFIG GET", "FUNCTION LIST", "COMMAND"), {list}),
    (("CLIENT LIST", "ACL DRYRUN", "FUNCTION DUMP"), {bytes}),
)
_TYPES: dict[str, set[t.Any]] = {command: types for commands, types in _KINDS for command in commands}

_NAMES = {int: "a number", bytes: "a text", list: "a list", _NOTHING: "nothing"}


def clock_ms(reply: t.Sequence[bytes]) -> int:
    """The reply to TIME in milliseconds since 1970."""
    return int(reply[0]) * 1000 + int(reply[1]) // 1000


# How long ago something was is said in milliseconds: with the same :func:`clock_ms` in front and behind it is exact. So
# often it is asked again.
EXACT_TRIES = 10


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
_SYSTEMIC = ("OOM", "NOPERM", "NOAUTH", "MOVED", "ASK ", "CROSSSLOT", "TRYAGAIN", "CLUSTERDOWN")


def is_systemic(text: str) -> bool:
    """Whether the error reply ``text`` to a command for one key would be that for every other."""
    return text.startswith(_SYSTEMIC)


def is_unknown_command(text: str) -> bool:
    """Whether the error reply ``text`` says that the server does not know the command. Other types need other commands."""
    return "unknown command" in text


def is_unreadable(text: str) -> bool:
    """Whether the error reply ``text`` says that a server does not understand a payload; MIGRATE quotes the target's."""
    return "payload version or checksum" in text or "Bad data format" in text


def check_shape(replies: t.Iterable[t.Any], command: str, endpoint: Endpoint) -> None:
    """Raise :class:`RedisMigrationError` for the first reply that ``command`` never gives."""
    known = _TYPES.get(command)
    if known is None:
        return
    if not set(map(type, replies)) <= known:
        raise odd_reply(next(reply for reply in replies if type(reply) not in known), command, endpoint)
    if command == "TIME":
        for reply in replies:
            if len(reply) != 2 or not all(isinstance(word, bytes) and word.isdigit() for word in reply):
                raise odd_reply(reply, command, endpoint)


def check_list(reply: t.Any, length: int, command: str, endpoint: Endpoint) -> None:
    """Raise :class:`RedisMigrationError` unless ``reply`` is a list of ``length`` texts, or nothing in their place."""
    if not isinstance(reply, list) or len(reply) != length or not set(map(type, reply)) <= {bytes, _NOTHING}:
        raise odd_reply(reply, command, endpoint)


def odd_reply(reply: t.Any, command: str, endpoint: Endpoint) -> RedisMigrationError:
    """The exception for a reply that is no error and makes no sense either (or what parsing it raised)."""
    if isinstance(reply, Exception):
        return _odd("something", command, endpoint)
    kind = _NAMES.get(type(reply), type(reply).__name__)
    if isinstance(reply, list):
        kind = f"a list of {len(reply)}"
    return _odd(kind, command, endpoint)


def _odd(kind: str, command: str, endpoint: Endpoint) -> RedisMigrationError:
    return RedisMigrationError(
        f"The {endpoint} answered {command} with {kind}, which Redis would not do.",
        hint="Look at what answers there: a proxy in between, or a product that differs in this command.",
    )


def proves_equal(mine: bytes, its: bytes, begin: bytes, nothing: bytes) -> bool:
    """Whether two unparsed answers are the same data: the same bytes, which ``begin`` as they have to, and neither
    an error reply among them nor ``nothing``, the reply that stands for what is not there.
    """
    # Data may look like these too; then it is parsed, which costs a little and tells.
    return mine == its and mine.startswith(begin) and nothing not in mine and not _may_hold_error(mine)


# What stands before a text that begins with a minus: its length, which has at most nine digits.
_LENGTH = re.compile(rb"\$\d+\Z")


def _may_hold_error(answer: bytes) -> bool:
    at = answer.find(b"\r\n-")
    while at >= 0:
        # An error names itself by a word. Without one it is a text, unless no length stands before it.
        if answer[at + 3 : at + 4].isalpha() or not _LENGTH.search(answer, max(0, at - 10), at):
            return True
        at = answer.find(b"\r\n-", at + 3)
    return False


def parse_info(text: bytes | str) -> dict[str, str]:
    """INFO's lines as a dictionary."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    lines = [printable(line) for line in text.splitlines()]
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))
