# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams of an RDB file: entries, counters, groups, consumers and pending entries."""

from __future__ import annotations

import typing as t

from .elements import listpack
from .parser import RdbBytes

VERSIONS = {15: 1, 19: 2, 21: 3}
_DELETED, _SAME_FIELDS = 1, 2


class Group(t.NamedTuple):
    """``pending``: (ID, consumer, time of delivery, deliveries). ``entries_read``: None where unknown."""

    name: bytes
    last_id: bytes
    entries_read: int | None
    consumers: list[bytes]
    pending: list[tuple[bytes, bytes, int, int]]


class Stream(t.NamedTuple):
    """What a stream remembers beside its entries."""

    last_id: bytes
    max_deleted: bytes
    entries_added: int
    groups: list[Group]


def stream_entries(data: RdbBytes) -> t.Iterator[tuple[bytes, list[bytes]]]:
    """The entries of a stream, with which it begins: (ID, [field, value, …])."""
    for _node in range(data.length()):
        base = data.string()
        try:
            yield from _entries(base, listpack(data.string()))
        except (IndexError, KeyError, ValueError, StopIteration, RuntimeError):
            raise data.damaged("the entries of a stream make no sense") from None


def stream_behind_entries(kind: int, data: RdbBytes) -> Stream:
    """The rest of a stream in the encoding ``kind``; its entries are passed over."""
    version = VERSIONS[kind]
    for _node in range(data.length()):
        data.skip_string()
        data.skip_string()
    added = data.length()
    last_id, max_deleted = _id(data), b"0-0"
    if version > 1:
        _id(data)
        max_deleted, added = _id(data), data.length()
    return Stream(last_id, max_deleted, added, [_group(version, data) for _each in range(data.length())])


def _id(data: RdbBytes) -> bytes:
    return b"%d-%d" % (data.length(), data.length())


def _raw_id(raw: bytes) -> bytes:
    return b"%d-%d" % (int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big"))


def _entries(base: bytes, items: t.Iterator[bytes]) -> t.Iterator[tuple[bytes, list[bytes]]]:
    take = items.__next__
    first, second = int.from_bytes(base[:8], "big"), int.from_bytes(base[8:], "big")
    total = int(take()) + int(take())
    fields = [take() for _field in range(int(take()))]
    take()
    for _entry in range(total):
        flags = int(take())
        name = b"%d-%d" % ((first + int(take())) % 2**64, (second + int(take())) % 2**64)
        if flags & _SAME_FIELDS:
            said = [item for field in fields for item in (field, take())]
        else:
            said = [take() for _item in range(2 * int(take()))]
        take()
        if not flags & _DELETED:
            yield name, said


def _group(version: int, data: RdbBytes) -> Group:
    name, last_id = data.string(), _id(data)
    read = data.length() if version > 1 else 2**64 - 1
    times = {}
    for _pending in range(data.length()):
        entry = data.take(16)
        times[entry] = (int.from_bytes(data.take(8), "little", signed=True), data.length())
    consumers, pending = [], []
    for _consumer in range(data.length()):
        consumer = data.string()
        data.skip(8 if version < 3 else 16)
        consumers.append(consumer)
        pending += [(data.take(16), consumer) for _entry in range(data.length())]
    told = [(_raw_id(entry), consumer, *times[entry]) for entry, consumer in sorted(pending) if entry in times]
    return Group(name, last_id, None if read == 2**64 - 1 else read, consumers, told)
