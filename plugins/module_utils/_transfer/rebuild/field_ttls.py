# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expiries of hash fields (Redis 7.4, Valkey 9): read where there are any, set at the target or refused there."""

from __future__ import annotations

import typing as t

from ..._connection.commands import pack
from ..._pipeline.job import Job
from ..._server.info import none_expires
from ..strategy import Lane
from .key_build import KeyBuild, KeyRefused, Read


class FieldTtls:
    """What is known of field expiries in one database of the source."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.possible = lane.source.server.supports_field_ttl()

    def none(self, info: bytes) -> bool:
        """Whether the reply to :data:`ASK_FIELD_EXPIRY` says that no field of the database expires."""
        return none_expires(info, self._lane.source.database)

    def in_pieces(self, build: KeyBuild, fields: t.Sequence[bytes]) -> Job[t.Any]:
        """The expiries of ``fields`` of the key: fields by milliseconds since 1970."""
        (reply,) = yield from build.read(Read(self.question(build.key, fields), 1, len(fields)))
        return self.grouped(fields, reply)

    @staticmethod
    def question(key: bytes, fields: t.Sequence[bytes]) -> bytes:
        """The command that asks for the expiries of ``fields``."""
        return pack(b"HPEXPIRETIME", key, b"FIELDS", len(fields), *fields)

    def grouped(self, fields: t.Sequence[bytes], reply: t.Sequence[int]) -> dict[int, list[bytes]]:
        """Fields by expiry. Raises :class:`KeyRefused` when there are any and the target knows no such thing."""
        found: dict[int, list[bytes]] = {}
        for field, expiry in zip(fields, reply or ()):
            if expiry >= 0:
                found.setdefault(expiry, []).append(field)
        target = self._lane.target.server
        if found and not target.supports_field_ttl():
            raise KeyRefused(
                f"fields of this hash expire by themselves, and {target.product} knows no expiry of fields",
                "Use a target with Redis 7.4 or newer or Valkey 9, or remove the expiry at the source (HPERSIST).",
            )
        return found

    @staticmethod
    def commands(name: bytes, expiries: dict[int, list[bytes]]) -> bytes:
        """Commands that set ``expiries`` of the hash ``name``, one for each time."""
        return b"".join(
            [pack(b"HPEXPIREAT", name, at, b"FIELDS", len(fields), *fields) for at, fields in expiries.items()]
        )
