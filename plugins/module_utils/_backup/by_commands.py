# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordinary commands that make a value of an RDB file, for servers that do not understand its encoding."""

from __future__ import annotations

import typing as t

from .._rdb.elements import elements
from .._rdb.parser import RdbBytes
from .._rdb.payload import type_of
from .._rdb.streams import VERSIONS, Stream, stream
from .._server.info import Server

Command: t.TypeAlias = "list[t.Any]"

# Words of one command.
_WORDS = 1000

_ADD = {"list": b"RPUSH", "set": b"SADD", "zset": b"ZADD", "hash": b"HSET"}


class NoCommands(Exception):
    """There are no commands for this value; says why, and what to do."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def commands_for(name: bytes, kind: int, value: bytes, server: Server, *, valkey: bool) -> list[Command]:
    """Commands that make the key ``name``. ``valkey``: whether the file is of Valkey. Raises :class:`NoCommands`."""
    pieces = iter((value,))
    data = RdbBytes(lambda: next(pieces, b""), "A value of the backup")
    if kind in VERSIONS:
        return list(_stream(name, stream(kind, data), server))
    what = type_of(bytes((kind,)))
    found = elements(kind, data, valkey=valkey)
    if found is None or what not in _ADD:
        raise NoCommands(
            f"{server.product} does not understand how the backup encodes this key, and it cannot be made by commands",
            "Load the backup into a server of the version that wrote it (with its modules), and move the keys from there "
            "with redis_migrate_keys.",
        )
    words: list[bytes] = []
    expiries: dict[int, list[bytes]] = {}
    for element in found:
        if what == "hash":
            field, text, expiry = element
            words += (field, text)
            if expiry is not None:
                expiries.setdefault(expiry, []).append(field)
        else:
            words += element
    if expiries and not server.supports_field_ttl():
        raise NoCommands(
            f"fields of this hash expire by themselves, and {server.product} knows no expiry of fields",
            "Restore into Redis 7.4 or newer or Valkey 9.",
        )
    commands: list[Command] = [[_ADD[what], name, *words[at : at + _WORDS]] for at in range(0, len(words), _WORDS)]
    for at, fields in expiries.items():
        commands.append([b"HPEXPIREAT", name, at, b"FIELDS", len(fields), *fields])
    return commands


def _stream(name: bytes, value: Stream, server: Server) -> t.Iterator[Command]:
    """Pending entries first: a server takes only those whose entry exists, so empty ones stand in, and are trimmed away."""
    counters = server.supports_stream_counters()
    yield [b"XGROUP", b"CREATE", name, b"nobody", b"0", b"MKSTREAM"]
    yield [b"XGROUP", b"DESTROY", name, b"nobody"]
    for group in value.groups:
        yield [b"XGROUP", b"CREATE", name, group.name, b"0"]
        for consumer in group.consumers:
            yield [b"XGROUP", b"CREATECONSUMER", name, group.name, consumer]
        for entry_id, *_rest in group.pending:
            yield [b"XADD", name, entry_id, b"", b""]
        for entry_id, consumer, delivered, deliveries in group.pending:
            how = [b"TIME", delivered, b"RETRYCOUNT", deliveries, b"FORCE", b"JUSTID"]
            yield [b"XCLAIM", name, group.name, consumer, b"0", entry_id, *how]
        if group.pending:
            yield [b"XTRIM", name, b"MAXLEN", b"0"]
            yield [b"XSETID", name, b"0-0"]
    for entry_id, words in value.entries:
        yield [b"XADD", name, entry_id, *words]
    end: Command = [b"XSETID", name, value.last_id]
    yield [*end, b"ENTRIESADDED", value.entries_added, b"MAXDELETEDID", value.max_deleted] if counters else end
    for group in value.groups:
        read = [b"ENTRIESREAD", group.entries_read] if counters and group.entries_read is not None else []
        yield [b"XGROUP", b"SETID", name, group.name, group.last_id, *read]
