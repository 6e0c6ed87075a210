# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ordinary commands that make a value of an RDB file, for servers that do not understand its encoding."""

from __future__ import annotations

import itertools
import typing as t

from .._errors import RedisMigrationError
from .._rdb.elements import elements
from .._rdb.parser import RdbBytes
from .._rdb.payload import type_of
from .._rdb.streams import VERSIONS, stream_behind_entries, stream_entries
from .._server.info import Server

Command: t.TypeAlias = "list[t.Any]"

# One command has so many arguments, or about so many bytes.
_WORDS = 1000
_BYTES = 512 * 1024

_ADD = {"list": b"RPUSH", "set": b"SADD", "zset": b"ZADD", "hash": b"HSET"}


def walk_over(value: bytes) -> RdbBytes:
    """A walk over a value that is in memory."""
    pieces = iter((value,))
    return RdbBytes(lambda: next(pieces, b""), "A value of the backup")


class NoCommands(Exception):
    """There are no commands for this value; says why, and what to do."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def commands_for(
    name: bytes, kind: int, value: t.Callable[[], RdbBytes], server: Server, *, valkey: bool
) -> t.Iterator[Command]:
    """Commands that make the key ``name``. ``value`` gives the value from its beginning, each time it is called.

    ``valkey``: whether the file is of Valkey. Raises :class:`NoCommands`, also behind some commands.
    """
    try:
        yield from _commands(name, kind, value, server, valkey)
    except RedisMigrationError as damaged:
        raise NoCommands(damaged.message, damaged.hint or "") from None


def _commands(
    name: bytes, kind: int, value: t.Callable[[], RdbBytes], server: Server, valkey: bool
) -> t.Iterator[Command]:
    if kind in VERSIONS:
        return _stream(name, kind, value, server)
    what = type_of(bytes((kind,)))
    if what == "string":
        # Every server knows this one: it is damaged, which reading it tells.
        return iter([[b"SET", name, value().string()]])
    found = elements(kind, value(), valkey=valkey)
    if found is None or what not in _ADD:
        raise NoCommands(
            f"{server.product} does not understand how the backup encodes this key, and it cannot be made by commands",
            "Load the backup into a server of the version that wrote it (with its modules), and move the keys from there "
            "with redis_migrate_keys.",
        )
    if what == "hash":
        return _hash(name, found, server)
    return ([_ADD[what], name, *itertools.chain(*part)] for part in _parts(found))


def _parts(found: t.Iterable[tuple[t.Any, ...]]) -> t.Iterator[list[tuple[t.Any, ...]]]:
    """As many elements as make a good command each."""
    part: list[tuple[t.Any, ...]] = []
    size = 0
    for element in found:
        part.append(element)
        size += sum(len(word) for word in element if isinstance(word, bytes))
        if len(part) * len(element) >= _WORDS or size >= _BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _hash(name: bytes, found: t.Iterable[tuple[t.Any, ...]], server: Server) -> t.Iterator[Command]:
    for part in _parts(found):
        yield [b"HSET", name, *itertools.chain(*(both for *both, _expiry in part))]
        expiries: dict[int, list[bytes]] = {}
        for field, _value, expiry in part:
            if expiry is not None:
                expiries.setdefault(expiry, []).append(field)
        if expiries and not server.supports_field_ttl():
            raise NoCommands(
                f"fields of this hash expire by themselves, and {server.product} knows no expiry of fields",
                "Restore into Redis 7.4 or newer or Valkey 9.",
            )
        for at, fields in expiries.items():
            yield [b"HPEXPIREAT", name, at, b"FIELDS", len(fields), *fields]


def _stream(name: bytes, kind: int, data: t.Callable[[], RdbBytes], server: Server) -> t.Iterator[Command]:
    """Pending entries first: a server takes only those whose entry exists, so empty ones stand in, and are trimmed away."""
    value, counters = stream_behind_entries(kind, data()), server.supports_stream_counters()
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
    for entry_id, fields in stream_entries(data()):
        yield [b"XADD", name, entry_id, *fields]
    end: Command = [b"XSETID", name, value.last_id]
    yield [*end, b"ENTRIESADDED", value.entries_added, b"MAXDELETEDID", value.max_deleted] if counters else end
    for group in value.groups:
        read = [b"ENTRIESREAD", group.entries_read] if counters and group.entries_read is not None else []
        yield [b"XGROUP", b"SETID", name, group.name, group.last_id, *read]
