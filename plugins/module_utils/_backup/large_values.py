# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes single large values of an RDB file to a server without ever holding one in memory.

What RESTORE takes goes there in one command whose payload is sent piece by piece. A longer one is built up by ordinary
commands under a temporary name and renamed when it is complete.
"""

from __future__ import annotations

import struct
import typing as t

from .._connection.connect import client
from .._connection.endpoint import Endpoint
from .._connection.explain import explain_reply, is_transient
from .._connection.identity import Identity
from .._connection.line import Line, Refusal
from .._errors import ConnectError, RedisMigrationError
from .._keys.temporary import LIFETIME_MS, TemporaryNames
from .._rdb import format as rdb
from .._rdb.crc64 import crc64
from .._rdb.parser import RdbBytes
from .._rdb.payload import FOOTER_BYTES
from .._rdb.reader import Entry

# The default of proto-max-bulk-len: no argument of a command may be larger.
_LARGEST_PAYLOAD = 512 * 1024 * 1024

_PIECE = 512 * 1024
_PIECE_ELEMENTS = 1000


class TooLarge(Exception):
    """A value that neither RESTORE nor ordinary commands can bring in."""


def largest_payload(endpoint: Endpoint) -> int:
    """How many bytes a payload for ``endpoint`` may have: what the server says, if it may be asked."""
    try:
        with client(endpoint) as redis_client:
            return min(_LARGEST_PAYLOAD, int(redis_client.config_get("proto-max-bulk-len")["proto-max-bulk-len"]))
    except (RedisMigrationError, KeyError, ValueError):
        return _LARGEST_PAYLOAD


class LargeValues:
    """Writes to one logical database. ``version``: of the file; ``largest``: the most bytes of a payload.

    ``name``: of the connections over which it writes; ``check(identity)`` may refuse who is at their other end.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        database: int,
        version: int,
        largest: int,
        name: str,
        check: t.Callable[[Identity], None],
    ) -> None:
        self._endpoint = endpoint
        self._database = database
        self._version = version
        self._largest = largest
        self._name = name
        self._check = check
        self._names = TemporaryNames()

    def restore(self, entry: Entry, value: t.IO[bytes], *, replace: bool) -> str:
        """Write the key of ``entry``, which has ``value``.

        Returns what the server said: ``OK``, or the text of an error that concerns this key only.

        Raises :class:`RedisMigrationError` for what concerns all, :class:`TooLarge` where there is no way.
        """
        value.seek(0, 2)
        size = 1 + value.tell() + FOOTER_BYTES
        value.seek(0)
        with Line(self._endpoint, self._database, self._name) as line:
            self._check(line.identity)
            if size <= self._largest:
                return self._at_once(line, entry, value, size, replace)
            return self._in_pieces(line, entry.key, entry.expiry, entry.kind, value, replace)

    def _at_once(self, line: Line, entry: Entry, value: t.IO[bytes], size: int, replace: bool) -> str:
        last = ([b"REPLACE"] if replace else []) + ([b"ABSTTL"] if entry.expiry is not None else [])
        if entry.usage:
            last += [entry.usage[0], b"%d" % entry.usage[1]]
        words = (b"RESTORE", entry.key, b"%d" % (entry.expiry or 0))
        reply = line.upload(words, size, self._payload(entry.kind, value), last).decode("utf-8", "replace")
        if not reply.startswith("-"):
            return "OK"
        error = explain_reply(reply[1:], self._endpoint, command=words, database=self._database)
        if is_transient(reply[1:]):
            raise ConnectError(error.message, hint=error.hint, transient=True)
        return reply[1:]

    def _payload(self, kind: int, value: t.IO[bytes]) -> t.Iterator[bytes]:
        piece = bytes((kind,))
        crc = 0
        while piece:
            crc = crc64(piece, crc)
            yield piece
            piece = value.read(_PIECE)
        version = rdb.oldest_version(kind, self._version).to_bytes(2, "little")
        yield version + crc64(version, crc).to_bytes(8, "little")

    def _in_pieces(
        self, line: Line, key: bytes, expiry: int | None, kind: int, value: t.IO[bytes], replace: bool
    ) -> str:
        write = {
            rdb.STRING: self._string,
            rdb.LIST: self._list,
            rdb.SET: self._set,
            rdb.ZSET: self._zset,
            rdb.HASH: self._hash,
        }.get(kind)
        if write is None:
            raise TooLarge()
        name = self._names.name(key)
        data = RdbBytes(lambda: value.read(_PIECE), "a value of the backup")
        try:
            try:
                for number, command in enumerate(write(data)):
                    line.ask(command[0], name, *command[1:])
                    if number % 1000 == 0:
                        # Should this run be killed, nothing stays.
                        line.ask(b"PEXPIRE", name, LIFETIME_MS)
                line.ask(b"PERSIST", name)
                if expiry is not None:
                    line.ask(b"PEXPIREAT", name, expiry)
                if replace:
                    line.ask(b"RENAME", name, key)
                elif not line.ask(b"RENAMENX", name, key):
                    return "BUSYKEY Target key name already exists."
                return "OK"
            finally:
                line.ask(b"UNLINK", name)
        except Refusal as refusal:
            if is_transient(refusal.text):
                raise ConnectError(refusal.error.message, hint=refusal.error.hint, transient=True) from None
            return refusal.text

    @staticmethod
    def _string(data: RdbBytes) -> t.Iterator[list[bytes]]:
        left = data.string_size()
        if left < 0:
            raise TooLarge()
        while left:
            size = min(left, _PIECE)
            yield [b"APPEND", data.take(size)]
            left -= size

    @staticmethod
    def _list(data: RdbBytes) -> t.Iterator[list[bytes]]:
        return _grouped(b"RPUSH", ([data.string()] for _element in range(data.length())))

    @staticmethod
    def _set(data: RdbBytes) -> t.Iterator[list[bytes]]:
        return _grouped(b"SADD", ([data.string()] for _member in range(data.length())))

    @staticmethod
    def _hash(data: RdbBytes) -> t.Iterator[list[bytes]]:
        return _grouped(b"HSET", ([data.string(), data.string()] for _field in range(data.length())))

    @staticmethod
    def _zset(data: RdbBytes) -> t.Iterator[list[bytes]]:
        def elements() -> t.Iterator[list[bytes]]:
            for _member in range(data.length()):
                member = data.string()
                # The shortest text that gives exactly this number again.
                yield [repr(struct.unpack("<d", data.take(8))[0]).encode(), member]

        return _grouped(b"ZADD", elements())


def _grouped(command: bytes, elements: t.Iterator[list[bytes]]) -> t.Iterator[list[bytes]]:
    """Commands with as many elements as make a good piece."""
    words, size, count = [command], 0, 0
    for element in elements:
        words += element
        size += sum(map(len, element))
        count += 1
        if size >= _PIECE or count >= _PIECE_ELEMENTS:
            yield words
            words, size, count = [command], 0, 0
    if count:
        yield words
