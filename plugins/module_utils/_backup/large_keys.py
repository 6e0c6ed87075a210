# Copyright (c) 2026 dataservices.redis_migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads single large keys into a backup: by ordinary commands, piece by piece, so that nobody waits for the source.

WATCH tells at the end whether the key changed meanwhile; then it is read again, and at last in one piece (DUMP), which
is always consistent but keeps the source busy for as long as it takes. What ordinary commands cannot tell (values of
modules, and streams to a user who may not ask for what they remember) is read in one piece at once. A payload goes to
the file as it arrives, whatever its size.
"""

from __future__ import annotations

import struct
import time
import typing as t

from .._connection.cursor import CursorWalk
from .._connection.endpoint import Endpoint
from .._connection.identity import Identity
from .._connection.line import Line, Refusal
from .._connection.replies import clock_ms, odd_reply
from .._errors import ConnectError
from .._keys.types import LENGTH
from .._pipeline.absence import contradiction
from .._pipeline.expiry import GONE, NEVER, Expiry
from .._pipeline.stride import CHANGED_TRIES, PIECE_BYTES
from .._pipeline.throttle import Throttle
from .._rdb import format as rdb
from .._rdb.payload import DAMAGED
from .._rdb.writer import RdbWriter
from .._server.info import Server, none_expires
from .large_payload import Damaged, write_payload
from .large_streams import StreamChanged, StreamReader, stream_kind
from .throttled_writer import ThrottledWriter

# One command reads at most so many: a fraction of a millisecond of the source's time.
_PIECE_ELEMENTS = 1000

# By so much TIME and PTTL may be apart from the same two a moment later.
_EXPIRY_ERROR_MS = 50

# What HPEXPIRETIME says of a field that has expired since it was read.
_FIELD_GONE = -2

_NO_EXPIRY = (-1).to_bytes(8, "little", signed=True)


class _Changed(Exception):
    """The key is not what it was a moment ago."""


class Contradiction(Exception):
    """The server says that it has the key, and does not give it: nothing, or what is no payload."""


class _WatchRefused(Exception):
    """The user may not do what reading in pieces needs (WATCH), so only one command can read consistently."""


class LargeKeys:
    """Appends keys of one logical database to ``writer``, in a file of RDB ``version``.

    ``timeout``: seconds to go on trying without a connection; ``check(identity)`` may refuse who is at its other end.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        server: Server,
        database: int,
        writer: RdbWriter,
        throttle: Throttle,
        *,
        version: int,
        timeout: float,
        check: t.Callable[[Identity], None],
    ) -> None:
        self._endpoint = endpoint
        self._check = check
        self._server = server
        self._database = database
        self._writer = writer
        self._slowly = ThrottledWriter(writer, throttle)
        self._version = version
        self._timeout = timeout

    def save(self, key: bytes, size: int) -> Expiry | t.Literal[False]:
        """Write ``key``, which takes about ``size`` bytes of memory; returns its expiry, or False when it is gone.

        Raises :class:`Refusal` or :class:`Contradiction` where this key cannot be read, :class:`ConnectError` and the like
        for what concerns all.
        """
        mark = self._writer.mark()
        tries, broken = 0, False
        failing_since: float | None = None
        while True:
            try:
                with Line(self._endpoint, self._database) as line:
                    self._check(line.identity)
                    one = _LargeKey(line, self._server, self._database, self._slowly, self._version, key, size)
                    expiry = one.in_pieces() if tries < CHANGED_TRIES else one.whole()
                    if expiry is not False or one.gone():
                        return expiry
                    if tries >= CHANGED_TRIES:
                        raise Contradiction(contradiction("endpoint", "DUMP, TYPE or PEXPIRETIME"))
                    raise _Changed()
            except _Changed:
                tries += 1
            except Damaged:
                if broken:
                    self._writer.rewind(mark)
                    raise Contradiction(DAMAGED) from None
                broken = True
            except _WatchRefused:
                tries = CHANGED_TRIES
            except ConnectError as exc:
                now = time.monotonic()
                failing_since = failing_since or now
                if not exc.transient or now - failing_since > self._timeout:
                    raise
                time.sleep(0.5)
            except (TypeError, ValueError, LookupError, AttributeError) as exc:
                # A reply of a shape that nobody foresaw.
                raise odd_reply(exc, "a question about a large key", self._endpoint) from exc
            except BaseException:
                self._writer.rewind(mark)
                raise
            self._writer.rewind(mark)


class _LargeKey:
    """One attempt at one key."""

    def __init__(
        self, line: Line, server: Server, database: int, writer: ThrottledWriter, version: int, key: bytes, size: int
    ) -> None:
        self._line = line
        self._server = server
        self._database = database
        self._writer = writer
        self._version = version
        self._key = key
        self._size = size

    def gone(self) -> bool:
        """Whether the server has no such key, by commands that are not all that found none."""
        there, kind = self._line.ask_all([(b"EXISTS", self._key), (b"TYPE", self._key)])
        return not there and kind == b"none"

    def whole(self) -> Expiry | t.Literal[False]:
        """By DUMP."""
        # The expiry stands in front of the value and must still be the same behind it.
        expiry = self._expiry()
        if expiry == GONE:
            return False
        if not write_payload(self._line, self._writer, self._key, expiry):
            return False
        after = self._expiry()
        if after is None or expiry is None:
            if after is not expiry:
                raise _Changed()
        elif abs(after - expiry) > _EXPIRY_ERROR_MS:
            raise _Changed()
        return expiry

    def in_pieces(self) -> Expiry | t.Literal[False]:
        """By commands that read a part each."""
        key = self._key
        try:
            self._line.ask(b"WATCH", key)
        except Refusal:
            raise _WatchRefused() from None
        kind = self._line.ask(b"TYPE", key)
        if kind == b"none":
            return False
        if kind == b"stream":
            return self._stream()
        if kind not in LENGTH:
            return self.whole()
        expiry = self._expiry()
        length = self._line.ask(LENGTH[kind], key)
        if expiry == GONE or not length:
            raise _Changed()
        if kind == b"string":
            self._string(expiry, length)
        elif kind == b"list":
            self._ranges(expiry, length, rdb.LIST, b"LRANGE", (), _strings)
        elif kind == b"zset":
            self._ranges(expiry, length, rdb.ZSET, b"ZRANGE", (b"WITHSCORES",), _scored)
        elif kind == b"set":
            self._writer.key(key, expiry, rdb.SET)
            self._scanned(length, b"SSCAN", 1, lambda members: b"".join(_strings(members)))
        else:
            self._hash(expiry, length)
        self._check_unchanged()
        return expiry

    def _check_unchanged(self) -> None:
        _begun, unchanged = self._line.ask_all([(b"MULTI",), (b"EXEC",)])
        if unchanged is None:
            raise _Changed()

    def _stream(self) -> Expiry | t.Literal[False]:
        try:
            length = self._line.ask(b"XLEN", self._key)
        except Refusal:
            return self.whole()
        expiry = self._expiry()
        if expiry == GONE:
            raise _Changed()
        kind = stream_kind(self._version)
        self._writer.key(self._key, expiry, kind)
        try:
            StreamReader(self._line, self._key, self._writer.put, kind, self._elements(length)).read()
        except StreamChanged:
            raise _Changed() from None
        except Refusal:
            # Its entries may be read, and not its groups: then only DUMP has them.
            raise _WatchRefused() from None
        self._check_unchanged()
        return expiry

    def _expiry(self) -> Expiry:
        if self._server.supports_pexpiretime():
            at = self._line.ask(b"PEXPIRETIME", self._key)
            return NEVER if at == -1 else t.cast(int, at)
        now, left = self._line.ask_all([(b"TIME",), (b"PTTL", self._key)])
        return NEVER if left == -1 else GONE if left == GONE else clock_ms(now) + t.cast(int, left)

    def _elements(self, length: int) -> int:
        """How many elements one command may read."""
        return max(1, min(_PIECE_ELEMENTS, PIECE_BYTES * length // max(1, self._size)))

    def _string(self, expiry: Expiry, length: int) -> None:
        self._writer.key(self._key, expiry, rdb.STRING)
        self._writer.put(rdb.length(length))
        for start in range(0, length, PIECE_BYTES):
            end = min(length, start + PIECE_BYTES)
            piece = self._line.ask(b"GETRANGE", self._key, start, end - 1)
            if len(piece) != end - start:
                raise _Changed()
            self._writer.put(piece)

    def _ranges(
        self,
        expiry: Expiry,
        length: int,
        kind: int,
        command: bytes,
        options: tuple[bytes, ...],
        encode: t.Callable[[list[bytes]], list[bytes]],
    ) -> None:
        """A type whose elements have a rank."""
        self._writer.key(self._key, expiry, kind)
        self._writer.put(rdb.length(length))
        step = self._elements(length)
        for start in range(0, length, step):
            end = min(length, start + step)
            encoded = encode(self._line.ask(command, self._key, start, end - 1, *options))
            if len(encoded) != end - start:
                raise _Changed()
            self._writer.put(b"".join(encoded))

    def _scanned(self, length: int, command: bytes, width: int, encode: t.Callable[[list[bytes]], bytes]) -> None:
        """A type whose elements, ``width`` items each, have no order."""
        self._writer.put(rdb.length(length))
        found = 0
        for items in self._walk(command, length):
            found += len(items) // width
            if found > length:
                break
            self._writer.put(encode(items))
        # A table that is being resized can show an element twice; a server would refuse the file for that.
        if found != length:
            raise _Changed()

    def _walk(self, command: bytes, length: int) -> t.Iterator[list[bytes]]:
        walk = CursorWalk(self._line.endpoint, command.decode(), 2 * length)
        cursor = b"0"
        while True:
            page = self._line.ask(command, self._key, cursor, b"COUNT", self._elements(length))
            cursor, items = walk.checked_page(page)
            if items:
                yield items
            if cursor == b"0":
                return

    def _hash(self, expiry: Expiry, length: int) -> None:
        earliest = None
        if self._server.supports_field_ttl() and not none_expires(self._line.ask(b"INFO", b"keyspace"), self._database):
            length, earliest = self._count_fields(length)
        if earliest is None:
            self._writer.key(self._key, expiry, rdb.HASH)
            self._scanned(length, b"HSCAN", 2, lambda items: b"".join(_strings(items)))
        elif self._server.flavor == "valkey":
            self._writer.key(self._key, expiry, rdb.HASH_EXPIRING_VALKEY)
            self._scanned(length, b"HSCAN", 2, self._expiring_valkey)
        else:
            self._writer.key(self._key, expiry, rdb.HASH_EXPIRING_REDIS)
            self._writer.put(earliest.to_bytes(8, "little"))
            self._scanned(length, b"HSCAN", 2, lambda items: self._expiring_redis(items, earliest))

    def _field_expiries(self, fields: list[bytes]) -> list[int]:
        return t.cast("list[int]", self._line.ask(b"HPEXPIRETIME", self._key, b"FIELDS", len(fields), *fields))

    def _count_fields(self, length: int) -> tuple[int, int | None]:
        """How many fields can be seen, and the earliest expiry among them, if there is any."""
        count, earliest = 0, None
        for items in self._walk(b"HSCAN", length):
            for expiry in self._field_expiries(items[::2]):
                if expiry == _FIELD_GONE:
                    continue
                count += 1
                if expiry >= 0 and (earliest is None or expiry < earliest):
                    earliest = expiry
        if not count:
            raise _Changed()
        return count, earliest

    def _expiring_valkey(self, items: list[bytes]) -> bytes:
        out = []
        for field, value, expiry in zip(items[::2], items[1::2], self._field_expiries(items[::2])):
            if expiry == _FIELD_GONE:
                raise _Changed()
            out += [rdb.string(field), rdb.string(value)]
            out.append(expiry.to_bytes(8, "little", signed=True) if expiry >= 0 else _NO_EXPIRY)
        return b"".join(out)

    def _expiring_redis(self, items: list[bytes], earliest: int) -> bytes:
        out = []
        for field, value, expiry in zip(items[::2], items[1::2], self._field_expiries(items[::2])):
            if expiry == _FIELD_GONE or 0 <= expiry < earliest:
                raise _Changed()
            # Relative to the earliest; 0 is for fields that stay.
            out += [rdb.length(expiry - earliest + 1 if expiry >= 0 else 0), rdb.string(field), rdb.string(value)]
        return b"".join(out)


def _strings(items: list[bytes]) -> list[bytes]:
    return [rdb.string(item) for item in items]


def _scored(items: list[bytes]) -> list[bytes]:
    return [rdb.string(member) + struct.pack("<d", float(score)) for member, score in zip(items[::2], items[1::2])]
