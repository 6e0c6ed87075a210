# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys that a result lists by name, bounded together; all of them are counted."""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import printable
from .name import key_fields

# How many failures and changes are listed one by one; the counters count all of them.
LISTED = 1000


_Counted = t.TypeVar("_Counted", bound="Tally")


@dataclasses.dataclass
class Tally:
    """Base of what is counted for each database: fields that are all numbers."""

    def add(self: _Counted, other: _Counted) -> None:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @classmethod
    def total(cls: type[_Counted], tallies: t.Iterable[_Counted]) -> _Counted:
        counted = list(tallies)
        return cls(**{name: sum([getattr(one, name) for one in counted]) for name in cls.__dataclass_fields__})


@dataclasses.dataclass(frozen=True)
class Failure:
    """A key that was not moved: why (the server's error) and what to do about it."""

    database: int
    key: bytes
    type: str | None
    reason: str
    hint: str | None = None

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "database": self.database,
            **key_fields(self.key),
            "type": self.type or "unknown",
            "reason": printable(self.reason),
            "hint": printable(self.hint or ""),
        }


# Of what is listed one by one (failures, differences), the long names together take no more than this: a thousand names
# of a megabyte each would be a result of a gigabyte.
_LONG_BYTES = 1024

_LISTED_BYTES = 2 * 1024 * 1024


class _WithKey(t.Protocol):
    @property
    def key(self) -> bytes: ...


_Any = t.TypeVar("_Any", bound=_WithKey)


def listable(listed: t.Sequence[_Any], more: t.Iterable[_Any], most: int) -> list[_Any]:
    """Those of ``more`` to be listed behind ``listed``: ``most`` in all, and of long names only the first ones.

    The very first is listed however long its name is.
    """
    chosen: list[_Any] = []
    for one in more:
        if len(listed) + len(chosen) >= most:
            break
        long = sum(_if_long(other) for other in (*listed, *chosen, one)) if _if_long(one) else 0
        if long <= max(_LISTED_BYTES, 0 if listed or chosen else long):
            chosen.append(one)
    return chosen


def _if_long(named: _WithKey) -> int:
    size = len(named.key)
    return size if size > _LONG_BYTES else 0
