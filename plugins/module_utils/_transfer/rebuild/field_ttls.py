# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expiries of hash fields (Redis 7.4, Valkey 9): read where there are any, set at the target or refused there.

Fields expire by themselves, also between two questions about them. So whether any of a database can expire is asked
before the fields are read and after, and a field that has no expiry to tell is over: it stays behind.
"""

from __future__ import annotations

import secrets
import typing as t

from ..._compare.expiring_fields import GONE, STAYS
from ..._connection.commands import pack
from ..._pipeline.absence import CONTRADICTION_HINT
from ..._pipeline.job import Job
from ..._server.info import none_expires
from ..strategy import Lane
from .key_build import Changed, KeyBuild, KeyRefused, Read


class FieldTtls:
    """What is known of field expiries in one database of the source."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.possible = lane.source.server.supports_field_ttl()
        # A field of a temporary key that keeps it in being when all others have expired.
        self.keeper = b"__redis_migration_keeper:" + secrets.token_hex(8).encode()

    def none(self, *infos: bytes) -> bool:
        """Whether the replies to :data:`ASK_FIELD_EXPIRY`, before and after, say that no field of the database expires."""
        return all(none_expires(info, self._lane.source.database) for info in infos)

    def in_pieces(self, build: KeyBuild, elements: t.Sequence[bytes]) -> Job[t.Any]:
        """What :meth:`living` says of ``elements`` of the key."""
        fields = elements[::2]
        (reply,) = yield from build.read(Read(self.question(build.key, fields), 1, len(fields)))
        over = self.over(fields, reply)
        if over:
            values = self.values(build.key, over)
            before, times, behind = yield from build.read(
                Read(values + self.question(build.key, over) + values, 3, 3 * len(over))
            )
            still_over = set(self.over(over, times))
            if any(
                None not in (value, again) and field in still_over for field, value, again in zip(over, before, behind)
            ):
                raise KeyRefused(
                    "the source shows fields of this hash (HMGET), and answered HPEXPIRETIME as if they were not there",
                    CONTRADICTION_HINT,
                )
            if any(value is not None for value in behind):
                raise Changed()
        return self.living(elements, reply)

    @staticmethod
    def question(key: bytes, fields: t.Sequence[bytes]) -> bytes:
        """The command that asks for the expiries of ``fields``."""
        return pack(b"HPEXPIRETIME", key, b"FIELDS", len(fields), *fields)

    @staticmethod
    def values(key: bytes, fields: t.Sequence[bytes]) -> bytes:
        """The command that asks for the values of ``fields``."""
        return pack(b"HMGET", key, *fields)

    @staticmethod
    def over(fields: t.Sequence[bytes], reply: t.Sequence[int] | None) -> list[bytes]:
        """Those of ``fields`` that are not there any more, by the reply to :meth:`question`."""
        return [field for field, expiry in zip(fields, reply or [GONE] * len(fields)) if expiry == GONE]

    def living(
        self, elements: t.Sequence[bytes], reply: t.Sequence[int] | None
    ) -> tuple[list[bytes], dict[int, list[bytes]]]:
        """Of fields and values those that are there, and fields by expiry.

        Raises :class:`KeyRefused` when there are expiries and the target knows no such thing.
        """
        fields = elements[::2]
        present: list[bytes] = []
        found: dict[int, list[bytes]] = {}
        shift = self._lane.source.clock_shift_ms
        for field, value, expiry in zip(fields, elements[1::2], reply or [GONE] * len(fields)):
            if expiry == GONE:
                continue
            present += (field, value)
            if expiry != STAYS:
                found.setdefault(expiry + shift, []).append(field)
        target = self._lane.target.server
        if found and not target.supports_field_ttl():
            raise KeyRefused(
                f"fields of this hash expire by themselves, and {target.product} knows no expiry of fields",
                "Use a target with Redis 7.4 or newer or Valkey 9, or remove the expiry at the source (HPERSIST).",
            )
        return present, found

    @staticmethod
    def commands(name: bytes, expiries: dict[int, list[bytes]]) -> bytes:
        """Commands that set ``expiries`` of the hash ``name``, one for each time."""
        return b"".join(
            [pack(b"HPEXPIREAT", name, at, b"FIELDS", len(fields), *fields) for at, fields in expiries.items()]
        )
