# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows the cursor of SCAN, HSCAN, SSCAN or ZSCAN and notices a walk that cannot come to an end.

A server never shows the same cursor twice in one walk, and each element about once: a table that is being resized can
show some again. So a cursor that comes back, or far more elements than there are, is a fault of what answers.
"""

from __future__ import annotations

import typing as t

from .._errors import RedisMigrationError
from .endpoint import Endpoint
from .replies import odd_reply

# A walk may show so many times the elements that there are, and so many more.
_TIMES = 4
_MORE = 10_000

# A table of the largest size with hardly an element in it takes fewer pages than this.
_EMPTY_PAGES = 1_000_000


class CursorWalk:
    """One walk with ``command`` over about ``expected`` elements. ``walked``: what an earlier part of it has counted."""

    def __init__(self, endpoint: Endpoint, command: str, expected: int, walked: t.Sequence[int] = (0, 0)) -> None:
        self._endpoint = endpoint
        self._command = command
        self._expected = expected
        self._elements, self._empty = walked
        # One cursor is kept and compared with those that follow, longer and longer, until the next one is kept.
        self._kept: bytes | None = None
        self._followed = 0
        self._follow = 1

    @property
    def walked(self) -> tuple[int, int]:
        """How many elements were shown, and how many pages in a row have had none."""
        return self._elements, self._empty

    @property
    def overdue(self) -> bool:
        """Whether far more was shown than is expected."""
        return self._elements > _TIMES * self._expected + _MORE or self._empty > self._expected + _EMPTY_PAGES

    def expect(self, elements: int) -> None:
        """There are so many by now."""
        self._expected = elements

    def page(self, reply: t.Any) -> tuple[bytes, list[bytes]]:
        """The cursor and the elements in a reply. Raises :class:`RedisMigrationError`."""
        if not isinstance(reply, list) or len(reply) != 2 or not isinstance(reply[1], list):
            raise odd_reply(reply, self._command, self._endpoint)
        cursor, elements = reply
        if (
            not isinstance(cursor, bytes)
            or not cursor.isdigit()
            or len(cursor) > 20
            or not set(map(type, elements)) <= {bytes}
        ):
            raise odd_reply(reply, self._command, self._endpoint)
        self._elements += len(elements)
        self._empty = 0 if elements else self._empty + 1
        if cursor == b"0":
            return cursor, elements
        if cursor == self._kept:
            raise self.endless("it came back to a cursor that it had shown before")
        self._followed += 1
        if self._followed == self._follow:
            self._kept, self._followed, self._follow = cursor, 0, self._follow * 2
        return cursor, elements

    def checked_page(self, reply: t.Any) -> tuple[bytes, list[bytes]]:
        """As :meth:`page`, where nobody can be asked how many there are by now."""
        page = self.page(reply)
        if self.overdue and page[0] != b"0":
            raise self.endless()
        return page

    def incomplete(self, keys: int, kind: str) -> RedisMigrationError:
        """The exception for a walk that ended too early, where there are so many ``keys`` of that ``kind``."""
        return RedisMigrationError(
            f"{self._command} at the {self._endpoint} came to its end after {self._elements} of the {keys} {kind}"
            " that INFO counts.",
            hint="Look at what answers there: a proxy in between, or a product that differs in this command. One that counts"
            " only when told to (DBSIZE SCAN of Kvrocks) has to be told anew.",
        )

    def endless(self, why: str = "") -> RedisMigrationError:
        """The exception for a walk that does not end."""
        why = why or f"it showed {self._elements} elements where there are {self._expected}"
        return RedisMigrationError(
            f"{self._command} at the {self._endpoint} does not come to an end: {why}.",
            hint="Look at what answers there: a proxy in between, or a product that differs in this command.",
        )
