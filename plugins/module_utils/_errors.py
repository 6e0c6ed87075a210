# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of this collection: a sentence for the operator and what to do next."""

from __future__ import annotations


class RedisMigrationError(Exception):
    """Something the operator has to know.

    ``message`` says what failed, where, and the server's own words. ``hint`` says what to do next.
    Neither ever contains a secret.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

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


class CommandRefused(RedisMigrationError):
    """A server refused a command for a reason that concerns every key (no permission, out of memory, …)."""


class WrongType(CommandRefused):
    """A key is of another type than a moment ago: somebody writes to it."""
