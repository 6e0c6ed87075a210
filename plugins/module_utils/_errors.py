# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of this collection: a sentence for the operator and what to do next; how text that others wrote
becomes fit to be shown; and the question that follows a misspelt name."""

from __future__ import annotations

import typing as t
import unicodedata

# Controls (ESC, BEL, the C1 set), invisible characters and those that change the direction of writing, lone surrogates,
# and the separators of lines.
_NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """Text of others (names, error texts, settings) without anything that a terminal obeys or an eye overlooks: such
    characters become escapes, C(\\x1b)."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(char) if unicodedata.category(char) in _NOT_SHOWN else char for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


class RedisMigrationError(Exception):
    """Something the operator has to know.

    ``message`` says what failed, where, and the server's error. ``hint`` says what to do next.
    Neither ever contains a secret, nor anything that a terminal obeys.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(_lines(message))
        self.message = _lines(message)
        self.hint = None if hint is None else _lines(hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class EndpointError(RedisMigrationError):
    """An endpoint that cannot be used as it was given: malformed, contradictory, incomplete."""


class ConnectError(RedisMigrationError):
    """A connection that could not be opened, was refused, or was lost for longer than the timeout.

    ``transient`` says whether trying again later may help.
    """

    def __init__(self, message: str, *, hint: str | None = None, transient: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.transient = transient


class ConnectionLost(ConnectError):
    """A connection that was open and broke."""


class CommandRefused(RedisMigrationError):
    """A server refused a command for a reason that concerns every key (no permission, out of memory, …)."""


class ClusterChanged(RedisMigrationError):
    """A node of a cluster does not serve (all of) what it served: a slot moves, or it is a replica by now."""


class ClusterFound(RedisMigrationError):
    """An end is a node of a cluster, and was used as if it were a server by itself."""


class WrongType(CommandRefused):
    """A key is of another type than a moment ago: somebody writes to it."""


def did_you_mean(given: str, known: t.Iterable[str]) -> str:
    """A question that names the nearest of what there is, with a space before it; empty if none is near.

    ``given`` itself, which may be a secret in the wrong place, is not repeated.
    """
    import difflib  # not above: every module imports this file, and only a refusal needs it

    nearest = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f" Did you mean {nearest[0]}?" if nearest else ""
