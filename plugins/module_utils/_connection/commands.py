# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many commands of one kind for many keys, packed as fast as Python can.

One bytes formatting per command costs a third of a generic packer's time; at a million keys that is felt.
"""

from __future__ import annotations

import functools
import typing as t

from .._imports import hiredis

# Names up to this length get their command's head from a table.
_TABLED = 256

# The default of proto-max-bulk-len: no argument of a command, and so no payload, may be larger.
LARGEST_ARGUMENT = 512 * 1024 * 1024


class _Heads(dict[int, bytes]):
    """What stands before an argument, by the argument's length; made when first asked for."""

    def __init__(self, pattern: bytes) -> None:
        super().__init__()
        self._pattern = pattern

    def __missing__(self, length: int) -> bytes:
        head = self._pattern % length
        if length < _TABLED:
            self[length] = head
        return head


_ARGUMENT = _Heads(b"$%d\r\n")


class Packed:
    """Names of keys as arguments of commands: for those about which several commands are sent."""

    __slots__ = ("arguments",)

    def __init__(self, arguments: list[bytes]) -> None:
        self.arguments = arguments

    def __len__(self) -> int:
        return len(self.arguments)

    def pick(self, positions: t.Iterable[int]) -> Packed:
        arguments = self.arguments
        return Packed([arguments[position] for position in positions])


Names: t.TypeAlias = "t.Sequence[bytes] | Packed"


def packed(keys: Names) -> Packed:
    """``keys`` for several calls of :func:`each` and :func:`together`."""
    return keys if isinstance(keys, Packed) else Packed([_ARGUMENT[len(key)] + key for key in keys])


@functools.lru_cache(maxsize=64)
def _around(command: bytes, after: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """What stands before the key, and behind it."""
    args = command.split(b" ")
    before = b"*%d\r\n" % (len(args) + 1 + len(after)) + b"".join(
        [_ARGUMENT[len(word)] + word + b"\r\n" for word in args]
    )
    return before, b"\r\n" + b"".join([_ARGUMENT[len(word)] + word + b"\r\n" for word in after])


def each(command: bytes, keys: Names, *after: bytes) -> bytes:
    """``COMMAND key after…`` for every key; a command of two words is written with a space."""
    if not keys:
        return b""
    before, behind = _around(command, after)
    return before + (behind + before).join(packed(keys).arguments) + behind


def together(command: bytes, keys: Names) -> bytes:
    """``COMMAND key key…``, once."""
    head = b"*%d\r\n$%d\r\n%b\r\n" % (len(keys) + 1, len(command), command)
    return head + b"\r\n".join(packed(keys).arguments) + b"\r\n"


def one(*args: bytes) -> bytes:
    """A single command; a leading word and any number of arguments (many keys are fine)."""
    return b"*%d\r\n" % len(args) + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in args])


_SETTING = _Heads(b"*3\r\n$3\r\nSET\r\n$%d\r\n")
_SETTING_NEW = _Heads(b"*4\r\n$3\r\nSET\r\n$%d\r\n")
_VALUE = _Heads(b"\r\n$%d\r\n")


def sets(items: t.Sequence[tuple[bytes, bytes]], *, replace: bool) -> bytes:
    """SET for every (key, value), without ``replace`` only of keys that are not there."""
    if not items:
        return b""
    heads, end = (_SETTING, b"\r\n") if replace else (_SETTING_NEW, b"\r\n$2\r\nNX\r\n")
    return end.join([heads[len(key)] + key + _VALUE[len(value)] + value for key, value in items]) + end


_RESTORING = _Heads(b"*4\r\n$7\r\nRESTORE\r\n$%d\r\n")
_REPLACING = _Heads(b"*5\r\n$7\r\nRESTORE\r\n$%d\r\n")
_PAYLOAD = _Heads(b"\r\n$1\r\n0\r\n$%d\r\n")


def restores(
    items: t.Sequence[tuple[bytes, int | None, bytes]],
    *,
    replace: bool,
    usages: t.Sequence[tuple[bytes, int] | None] | None = None,
) -> bytes:
    """RESTORE for every (key, expiry in ms since 1970 or None, payload); absolute expiry.

    ``usages``: per item IDLETIME or FREQ with its number, if known.
    """
    if not items:
        return b""
    if usages is not None:
        return b"".join([_restore_used(*item, replace, usage) for item, usage in zip(items, usages)])
    if all(item[1] is None for item in items):
        heads = _REPLACING if replace else _RESTORING
        end = b"\r\n$7\r\nREPLACE\r\n" if replace else b"\r\n"
        return (
            end.join([heads[len(key)] + key + _PAYLOAD[len(payload)] + payload for key, _never, payload in items]) + end
        )
    out = []
    plain = b"*5\r\n" if replace else b"*4\r\n"
    timed = b"*6\r\n" if replace else b"*5\r\n"
    end = b"\r\n$7\r\nREPLACE\r\n" if replace else b"\r\n"
    for key, expiry, payload in items:
        if expiry is None:
            out.append(
                b"%b$7\r\nRESTORE\r\n$%d\r\n%b\r\n$1\r\n0\r\n$%d\r\n%b%b"
                % (plain, len(key), key, len(payload), payload, end)
            )
        else:
            at = b"%d" % expiry
            out.append(
                b"%b$7\r\nRESTORE\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$6\r\nABSTTL%b"
                % (timed, len(key), key, len(at), at, len(payload), payload, end)
            )
    return b"".join(out)


def _restore_used(
    key: bytes, expiry: int | None, payload: bytes, replace: bool, usage: tuple[bytes, int] | None
) -> bytes:
    last = [] if usage is None else [usage[0], b"%d" % usage[1]]
    if replace:
        last.append(b"REPLACE")
    if expiry is not None:
        last.append(b"ABSTTL")
    return one(b"RESTORE", key, b"%d" % (expiry or 0), payload, *last)


TIME = b"*1\r\n$4\r\nTIME\r\n"


def pack(*args: bytes | str | int) -> bytes:
    """One command as it goes over the wire."""
    packed: bytes = hiredis.pack_command(args)
    return packed
